/* score.c: predicts rows of CSV with libautoml_score.
 *
 *     cc score.c -o score $(pkg-config --cflags --libs automl_score)
 *     ./score model.automl <rows.csv
 *
 * The columns may stand in any order. To stay short it knows no quotes: cells hold no commas. */
#include <automl_score.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1 << 16, MOST = 1000 };

static int failed(void) {
    char text[2048];
    aml_score_format_error(text, sizeof text, aml_score_last_error());
    fputs(text, stderr);
    return aml_score_last_error()->status;
}

/* The cells of a line, in place. */
static size_t split(char *cell[MOST], char *line) {
    size_t n = 0;
    line[strcspn(line, "\r\n")] = 0;
    while (n < MOST) {
        cell[n++] = line;
        line = strchr(line, ',');
        if (!line) break;
        *line++ = 0;
    }
    return n;
}

static void print(const aml_score_model *m, const double *out) {
    size_t classes = aml_score_classes(m);
    if (!classes) printf("%.17g\n", out[0]);
    else if (classes == 2)
        printf("%s,%.17g,%.17g\n", aml_score_class(m, aml_score_choose(m, out)), 1 - out[0],
               out[0]);
    else {
        printf("%s", aml_score_class(m, aml_score_choose(m, out)));
        for (size_t c = 0; c < classes; c++) printf(",%.17g", out[c]);
        putchar('\n');
    }
}

int main(int argc, char **argv) {
    static char line[LINE], *cell[MOST];
    static ptrdiff_t place[MOST];
    aml_score_model *model;
    aml_scorer *scorer;
    if (argc != 2 || aml_score_load(&model, argv[1]) || aml_scorer_new(&scorer, model))
        return argc == 2 ? failed() : 64;
    size_t p = aml_score_inputs(model), n = fgets(line, LINE, stdin) ? split(cell, line) : 0;
    for (size_t j = 0; j < n; j++) place[j] = aml_score_find(model, cell[j]);
    double *out = malloc((aml_score_outputs(model) + 1) * sizeof *out);
    aml_cell *row = malloc((p + 1) * sizeof *row);
    if (!out || !row) return 71;
    while (fgets(line, LINE, stdin)) {
        size_t m = split(cell, line);
        for (size_t j = 0; j < p; j++) row[j] = (aml_cell){.text = ""};
        for (size_t j = 0; j < m && j < n; j++)
            if (place[j] >= 0) row[place[j]] = (aml_cell){.text = cell[j], .size = strlen(cell[j])};
        if (aml_scorer_row(out, scorer, row)) return failed();
        print(model, out);
    }
    free(row);
    free(out);
    aml_scorer_free(scorer);
    aml_score_free(model);
    return 0;
}
