/* frame_build.c: a frame built column by column in memory. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_internal.h"

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
    csv_column judged = {.number = copy};
    csv_judge_numbers(&judged, b->n);
    AML_TRY(add(&c, b, name));
    c->kind = AML_NUMBER;
    c->number = copy;
    c->n_missing = judged.n_missing;
    c->integer = judged.integer;
    return AML_OK;
}

/* All cells in one text, as the reader has them. */
static aml_status gather(char **text, csv_ref *ref, const char *const *values, size_t n,
                         const char *name, aml_arena *work) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += values[i] ? strlen(values[i]) : 0;
    *text = aml_alloc_raw(work, total + 1, 1);
    if (!*text) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t size = values[i] ? strlen(values[i]) : 0;
        if (size > CSV_FIELD_LIMIT || aml_utf8_valid(values[i] ? values[i] : "", size) < size)
            return aml_fail(AML_EDATA, "value %zu of column `%s` is %s", i + 1, name,
                            size > CSV_FIELD_LIMIT ? "longer than 16 MiB" : "not UTF-8");
        if (size) memcpy(*text + at, values[i], size);
        ref[i] = csv_ref_make(at, size, false);
        at += size;
    }
    return AML_OK;
}

static aml_status judge(aml_column *out, csv_column *c, const char *const *values, size_t n,
                        aml_arena *keep, aml_arena *work) {
    char *text;
    c->ref = aml_alloc_raw(work, n, sizeof *c->ref);
    if (!c->ref) return AML_ENOMEM;
    AML_TRY(gather(&text, c->ref, values, n, c->name, work));
    csv_judge(c, text, n, '.');
    AML_TRY(csv_explain_column(c, text, n, "memory", c->bad_row + 1, 0));
    return csv_finish(out, c, text, n, keep);
}

aml_status aml_frame_add_strings(aml_frame_builder *b, const char *name, const char *const *values,
                                 aml_kind kind) {
    aml_column column = {0}, *added;
    aml_arena *work = aml_arena_new(b->account);
    if (!work) return AML_ENOMEM;
    csv_column c = {.name = name, .kind = kind, .dict = {.account = b->account}};
    aml_status status = judge(&column, &c, values, b->n, b->keep, work);
    csv_column_free(&c);
    aml_arena_free(work);
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
