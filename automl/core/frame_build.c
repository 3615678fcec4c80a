/* frame_build.c: a frame built column by column in memory. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/frame_cells.h"
#include "automl/core/text.h"

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

size_t aml_frame_builder_rows(const aml_frame_builder *b) { return b->n; }

static aml_status add(aml_column **out, aml_frame_builder *b, const char *name) {
    if (aml_utf8_valid(name, strlen(name)) < strlen(name))
        return aml_fail(AML_EDATA, "the name of column %zu is not UTF-8", b->p + 1);
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

aml_status aml_frame_borrow_numbers(aml_frame_builder *b, const char *name, const double *values) {
    AML_NEED(b);
    AML_NEED(name);
    if (b->n) AML_NEED(values);
    aml_column *c;
    for (size_t i = 0; i < b->n; i++) {
        if (!isinf(values[i])) continue;
        aml_fail(AML_EDATA, "value %zu of column `%s` is infinite", i + 1, name);
        return aml_help(AML_EDATA, "numbers must be finite", "use NaN for a missing value");
    }
    AML_TRY(add(&c, b, name));
    c->kind = AML_NUMBER;
    c->number = values;
    c->integer = true;
    for (size_t i = 0; i < b->n; i++) {
        c->n_missing += isnan(values[i]);
        c->integer &= isnan(values[i]) || values[i] == trunc(values[i]);
    }
    c->integer &= c->n_missing < b->n;
    return AML_OK;
}

aml_status aml_frame_add_numbers(aml_frame_builder *b, const char *name, const double *values) {
    AML_NEED(b);
    AML_NEED(name);
    if (b->n) AML_NEED(values);
    double *copy = aml_copy(b->keep, values, b->n * sizeof *values);
    return copy ? aml_frame_borrow_numbers(b, name, copy) : AML_ENOMEM;
}

static const char *cell_at(void *arg, size_t i, size_t *size) {
    const char *const *values = arg;
    *size = values[i] ? strlen(values[i]) : 0;
    return values[i];
}

aml_status aml_frame_add_strings(aml_frame_builder *b, const char *name, const char *const *values,
                                 aml_kind kind) {
    aml_column column = {0}, *added;
    aml_cells cells = {.name = name, .n = b->n, .at = cell_at, .arg = (void *)values, .kind = kind};
    AML_TRY(aml_column_of_cells(&column, &cells, b->account, b->keep));
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
    AML_NEED_OR(b, NULL);
    aml_frame *f = assemble(b);
    if (!f) aml_arena_free(b->keep);
    aml_free(b);
    return f;
}
