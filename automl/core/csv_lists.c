/* csv_lists.c: lists in cells: "Action|Comedy", "[1, 2]", "red; blue". They are told from prose by items that come again
 * and again in other company. */
#include <string.h>

#include "automl/core/csv_columns.h"

enum { LISTS = 2000 }; /* distinct texts that are looked at */

typedef struct lists {
    csv_dict items;
    size_t cells, many;                 /* looked at; with two items or more */
    size_t n_items, words, least, most; /* items, blanks within them, and how many a cell has */
    char separator;
    bool short_of_memory;
} lists;

static bool take_list(void *arg, const csv_level *l) {
    lists *t = arg;
    const char *item;
    size_t size, at = 0, count = 0;
    if (aml_is_missing_text(l->text, l->size)) return true;
    while (aml_next_item(&item, &size, &at, l->text, l->size, t->separator)) {
        for (size_t i = 0; i < size; i++) t->words += item[i] == ' ';
        int64_t k = csv_dict_add_text(&t->items, item, size);
        if (k < 0) t->short_of_memory = true;
        count++;
    }
    t->n_items += count;
    t->many += count > 1;
    if (count < t->least) t->least = count;
    if (count > t->most) t->most = count;
    return !t->short_of_memory && ++t->cells < LISTS;
}

/* Items that come four times or more in the mean, of at most three words, in more combinations than there are items.
 * As many in each cell are no list: "Rome, IT" and "120, 80" have places. */
static bool are_lists(const csv_column *c, size_t n, char separator, bool *short_of_memory) {
    lists t = {.items = {.account = c->account}, .separator = separator, .least = SIZE_MAX};
    csv_each(c, n, take_list, &t);
    bool good = t.many * 3 >= t.cells && t.cells >= 50 && t.least < t.most &&
                t.n_items >= 4 * t.items.n && t.cells > t.items.n && t.words <= 2 * t.n_items;
    csv_dict_free(&t.items);
    *short_of_memory |= t.short_of_memory;
    return good;
}

bool csv_find_lists(csv_column *c, size_t n) {
    static const char separators[] = {'|', ';', ','};
    bool short_of_memory = false;
    for (size_t i = 0; i < sizeof separators && !c->list; i++)
        if (are_lists(c, n, separators[i], &short_of_memory)) c->list = separators[i];
    return !short_of_memory;
}
