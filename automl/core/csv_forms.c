/* csv_forms.c: what the cells of a judged column look like beyond its kind: yes and no, money, dates without a time. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_columns.h"

static bool same_word(const csv_level *l, const char *word) {
    size_t n = strlen(word);
    if (l->size != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((l->text[i] | 32) != word[i]) return false;
    return true;
}

/* Both answers to a question, in either order. */
static bool are_answers(const csv_column *c) {
    static const char *const pairs[][2] = {
        {"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"on", "off"}};
    if (c->schema || c->texts->n_levels != 2) return false;
    const csv_level *a = &c->texts->words[0].dict.levels[c->texts->order[0]],
                    *b = &c->texts->words[0].dict.levels[c->texts->order[1]];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if ((same_word(a, pairs[i][0]) && same_word(b, pairs[i][1])) ||
            (same_word(a, pairs[i][1]) && same_word(b, pairs[i][0])))
            return true;
    return false;
}

static bool are_bits(const csv_column *c, size_t n) {
    bool seen[2] = {false, false};
    for (size_t i = 0; i < n; i++) {
        double x = c->number[i];
        if (isnan(x)) continue;
        if (x != 0 && x != 1) return false;
        seen[x == 1] = true;
    }
    return seen[0] && seen[1];
}

static bool are_whole_days(const csv_column *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double x = c->number[i], days = trunc(x / 86400);
        if (!isnan(x) && days * 86400 != x) return false;
    }
    return true;
}

aml_form csv_find_form(const csv_column *c, size_t n) {
    static const aml_form of_unit[] = {AML_PLAIN, AML_MONEY, AML_PERCENT, AML_QUANTITY};
    switch (c->kind) {
    case AML_NUMBER:
        return c->amounts ? of_unit[c->texts->unit_kind] : are_bits(c, n) ? AML_BOOLEAN : AML_PLAIN;
    case AML_DATETIME: return c->clock ? AML_CLOCK : are_whole_days(c, n) ? AML_DATE : AML_PLAIN;
    case AML_CATEGORY: return are_answers(c) ? AML_BOOLEAN : AML_PLAIN;
    case AML_TEXT: return c->list ? AML_LIST : AML_PLAIN;
    case AML_IDENTIFIER: break;
    }
    return AML_PLAIN;
}
