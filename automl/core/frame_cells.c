/* frame_cells.c: a column from cells of text, judged as the CSV reader judges it. */
#include "automl/core/frame_cells.h"

#include <string.h>

#include "automl/core/csv_columns.h"

static aml_status refuse(const aml_cells *cells, size_t i, const char *what) {
    char name[280];
    return aml_fail(AML_EDATA, "value %zu of column `%s` %s", i + 1,
                    aml_printable(name, sizeof name, cells->name, strlen(cells->name), 60), what);
}

static aml_status check_cell(const aml_cells *cells, size_t i, const char *text, size_t size) {
    if (size > CSV_FIELD_LIMIT) return refuse(cells, i, "is longer than 16 MiB");
    if (memchr(text, 0, size)) return refuse(cells, i, "has a NUL byte in its text");
    if (aml_utf8_valid(text, size) < size) return refuse(cells, i, "is not UTF-8");
    return AML_OK;
}

/* Texts that come again are checked once. */
static aml_status encode(csv_column *c, const aml_cells *cells) {
    c->texts->code = csv_new_array(c, cells->n, sizeof *c->texts->code);
    c->texts->code_room = cells->n ? cells->n : 1;
    if (!c->texts->code) return AML_ENOMEM;
    csv_dict *d = &c->texts->words->dict;
    for (size_t i = 0; i < cells->n; i++) {
        size_t size = 0;
        const char *text = cells->at(cells->arg, i, &size);
        if (!text || !size) text = "", size = 0;
        int64_t k = size > CSV_FIELD_LIMIT ? -1 : csv_dict_find_text(d, text, size);
        if (k < 0) {
            AML_TRY(check_cell(cells, i, text, size));
            k = csv_dict_add_text(d, text, size);
        }
        if (k < 0) return AML_ENOMEM;
        if (d->levels[k].count++ == 0) d->levels[k].row = i;
        c->texts->code[i] = (int32_t)k;
    }
    return AML_OK;
}

static aml_status judge(aml_column *out, csv_column *c, const aml_cells *cells, aml_arena *keep) {
    AML_TRY(encode(c, cells));
    csv_judge(c, cells->n, &(csv_dialect){.decimal = '.'}, 1);
    AML_TRY(csv_explain_column(c, cells->n, "memory", c->texts->bad_row + 1, 0));
    c->form = csv_find_form(c, cells->n);
    return csv_finish(out, c, cells->n, keep);
}

aml_status aml_column_of_cells(aml_column *out, const aml_cells *cells, aml_memory *account,
                               aml_arena *keep) {
    csv_words words = {.dict = {.account = account}};
    csv_texts texts = {.words = &words};
    csv_column c = {.name = cells->name, .kind = cells->kind, .texts = &texts, .account = account};
    if (cells->kind == AML_NUMBER || cells->kind == AML_DATETIME) c.schema = cells->want;
    aml_status status = judge(out, &c, cells, keep);
    csv_column_free(&c, 1);
    return status;
}
