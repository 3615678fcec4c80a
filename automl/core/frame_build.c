/* frame_build.c: a frame built column by column in memory. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_columns.h"

typedef struct link {
    struct link *next;
    aml_column column;
} link;

struct aml_frame_builder {
    size_t n, p;
    aml_arena *keep; /* the frame's */
    aml_memory *account;
    link *first, **last;
};

aml_frame_builder *aml_frame_builder_new(size_t n, aml_memory *account) {
    aml_frame_builder *b = aml_calloc(1, sizeof *b);
    if (!b) return NULL;
    b->n = n;
    b->account = account;
    b->last = &b->first;
    b->keep = aml_arena_new(account);
    if (b->keep) return b;
    aml_free(b);
    return NULL;
}

void aml_frame_builder_free(aml_frame_builder *b) {
    if (!b) return;
    aml_arena_free(b->keep);
    aml_free(b);
}

static aml_status add(aml_column **out, aml_frame_builder *b, const char *name) {
    for (const link *l = b->first; l; l = l->next)
        if (!strcmp(l->column.name, name))
            return aml_fail(AML_EUSAGE, "two columns are named `%s`", name);
    link *l = AML_NEW(b->keep, link);
    char *copy = aml_strdup(b->keep, name);
    if (!l || !copy) return AML_ENOMEM;
    l->column.name = copy;
    *out = &l->column;
    *b->last = l;
    b->last = &l->next;
    b->p++;
    return AML_OK;
}

aml_status aml_frame_add_numbers(aml_frame_builder *b, const char *name, const double *values) {
    aml_column *c;
    for (size_t i = 0; i < b->n; i++) {
        if (!isinf(values[i])) continue;
        aml_fail(AML_EDATA, "value %zu of column `%s` is infinite", i + 1, name);
        return aml_help(AML_EDATA, "numbers must be finite", "use NaN for a missing value");
    }
    double *copy = aml_copy(b->keep, values, b->n * sizeof *values);
    if (!copy) return AML_ENOMEM;
    AML_TRY(add(&c, b, name));
    c->kind = AML_NUMBER;
    c->number = copy;
    c->integer = true;
    for (size_t i = 0; i < b->n; i++) {
        c->n_missing += isnan(copy[i]);
        c->integer &= isnan(copy[i]) || copy[i] == trunc(copy[i]);
    }
    c->integer &= c->n_missing < b->n;
    return AML_OK;
}

/* Cells as the reader has them. */
static aml_status encode(csv_column *c, const char *const *values, size_t n) {
    c->texts->code = csv_new_array(c, n, sizeof *c->texts->code);
    c->texts->code_room = n ? n : 1;
    if (!c->texts->code) return AML_ENOMEM;
    csv_dict *d = &c->texts->words->dict;
    for (size_t i = 0; i < n; i++) {
        const char *value = values[i] ? values[i] : "";
        size_t size = strlen(value);
        if (size > CSV_FIELD_LIMIT || aml_utf8_valid(value, size) < size)
            return aml_fail(AML_EDATA, "value %zu of column `%s` is %s", i + 1, c->name,
                            size > CSV_FIELD_LIMIT ? "longer than 16 MiB" : "not UTF-8");
        int64_t k = csv_dict_add_text(d, value, size);
        if (k < 0) return AML_ENOMEM;
        if (d->levels[k].count++ == 0) d->levels[k].row = i;
        c->texts->code[i] = (int32_t)k;
    }
    return AML_OK;
}

static aml_status judge(aml_column *out, csv_column *c, const char *const *values, size_t n,
                        aml_arena *keep) {
    AML_TRY(encode(c, values, n));
    csv_judge(c, n, &(csv_dialect){.decimal = '.'}, 1);
    AML_TRY(csv_explain_column(c, n, "memory", c->texts->bad_row + 1, 0));
    c->form = csv_find_form(c, n);
    return csv_finish(out, c, n, keep);
}

aml_status aml_frame_add_strings(aml_frame_builder *b, const char *name, const char *const *values,
                                 aml_kind kind) {
    aml_column column = {0}, *added;
    csv_words words = {.dict = {.account = b->account}};
    csv_texts texts = {.words = &words};
    csv_column c = {.name = name, .kind = kind, .texts = &texts, .account = b->account};
    aml_status status = judge(&column, &c, values, b->n, b->keep);
    csv_column_free(&c, 1);
    if (status) return status;
    AML_TRY(add(&added, b, name));
    column.name = added->name;
    *added = column;
    return AML_OK;
}

static aml_frame *assemble(const aml_frame_builder *b) {
    aml_frame *f = AML_NEW(b->keep, aml_frame);
    aml_column *columns = AML_ARRAY(b->keep, b->p, aml_column);
    size_t j = 0;
    if (!f || !columns) return NULL;
    for (const link *l = b->first; l; l = l->next) columns[j++] = l->column;
    *f =
        (aml_frame){.n = b->n, .p = b->p, .columns = columns, .source = "memory", .arena = b->keep};
    return f;
}

aml_frame *aml_frame_build(aml_frame_builder *b) {
    aml_frame *f = assemble(b);
    if (!f) aml_arena_free(b->keep);
    aml_free(b);
    return f;
}
