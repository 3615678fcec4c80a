/* table.c: aligned columns. */
#include "automl/cli/table.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2, LEAST = 20, CELL = 1024 };

struct cli_table {
    const cli_column *columns;
    size_t n, n_cells, room;
    char **cells;
    bool failed;
};

cli_table *cli_table_new(const cli_column *columns, size_t n) {
    cli_table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->columns = columns;
    t->n = n;
    return t;
}

void cli_table_put(cli_table *t, const char *cell) {
    char clean[CELL];
    if (!t || t->failed) return;
    if (t->n_cells == t->room) {
        size_t room = t->room * 2 + 64;
        char **cells = realloc(t->cells, room * sizeof *cells);
        t->failed = !cells;
        if (!cells) return;
        t->cells = cells;
        t->room = room;
    }
    char *copy = strdup(cli_clean(clean, sizeof clean, cell ? cell : ""));
    t->failed = !copy;
    if (copy) t->cells[t->n_cells++] = copy;
}

/* Widths of the columns, 0 for those that have nothing to say. */
static void measure(size_t *widths, const cli_table *t, size_t width) {
    size_t used = 0, last = 0;
    for (size_t j = 0; j < t->n; j++) widths[j] = 0;
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t w = cli_text_width(t->cells[i]);
        if (w > widths[i % t->n]) widths[i % t->n] = w;
    }
    for (size_t j = 0; j < t->n; j++) {
        size_t heading = cli_text_width(t->columns[j].heading);
        if (!widths[j]) continue;
        if (widths[j] < heading) widths[j] = heading;
        if (last || used) used += GAP;
        used += widths[j];
        last = j;
    }
    if (used <= width) return;
    size_t over = used - width;
    widths[last] = widths[last] > LEAST + over ? widths[last] - over
                   : widths[last] < LEAST      ? widths[last]
                                               : LEAST;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last) {
    size_t w = cli_text_width(text), bytes = strlen(text);
    const char *more = "";
    if (w > width) {
        bytes = cli_text_cut(text, width - 1);
        w = width;
        more = "…";
    }
    if (right) fprintf(out, "%*s", (int)(width - w), "");
    fprintf(out, "%.*s%s", (int)bytes, text, more);
    if (!right && !last) fprintf(out, "%*s", (int)(width - w), "");
}

static void print_row(const cli_table *t, FILE *out, const size_t *widths, char *const *cells) {
    size_t last = 0;
    bool first = true;
    for (size_t j = 0; j < t->n; j++) /* no blanks at the end of a line */
        if (widths[j] && (cells ? *cells[j] : *t->columns[j].heading)) last = j;
    for (size_t j = 0; j <= last; j++) {
        if (!widths[j]) continue;
        if (!first) fprintf(out, "%*s", GAP, "");
        first = false;
        const char *text = cells ? cells[j] : t->columns[j].heading;
        print_cell(out, text, widths[j], t->columns[j].right, j == last);
    }
}

bool cli_table_print(cli_table *t, FILE *out, size_t width, bool colour) {
    size_t *widths = t ? malloc(t->n * sizeof *widths) : NULL;
    bool good = widths && !t->failed;
    if (good) {
        measure(widths, t, width);
        if (colour) fputs("\033[1m", out);
        print_row(t, out, widths, NULL);
        fputs(colour ? "\033[0m\n" : "\n", out);
        for (size_t i = 0; i + t->n <= t->n_cells; i += t->n) {
            print_row(t, out, widths, t->cells + i);
            fputc('\n', out);
        }
    }
    for (size_t i = 0; t && i < t->n_cells; i++) free(t->cells[i]);
    if (t) free(t->cells);
    free(widths);
    free(t);
    return good;
}
