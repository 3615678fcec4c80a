/* frame.c: looking into a frame: columns by name, cells as text, rows. */
#include "automl/core/frame.h"

#include <math.h>
#include <string.h>

#include "automl/core/csv.h"
#include "automl/core/text.h"

static const struct {
    aml_kind kind;
    const char *name;
} kinds[] = {{AML_NUMBER, "number"},
             {AML_CATEGORY, "category"},
             {AML_TEXT, "text"},
             {AML_DATETIME, "datetime"},
             {AML_IDENTIFIER, "identifier"}},
  forms[] = {{AML_NUMBER, "integer"}, {AML_NUMBER, "real"},     {AML_NUMBER, "money"},
             {AML_NUMBER, "percent"}, {AML_NUMBER, "quantity"}, {AML_DATETIME, "date"},
             {AML_DATETIME, "time"},  {AML_TEXT, "list"}};

const char *aml_kind_name(aml_kind kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind) return kinds[i].name;
    return "unknown";
}

bool aml_kind_parse(aml_kind *out, const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name)) continue;
        *out = kinds[i].kind;
        return true;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name)) continue;
        *out = forms[i].kind;
        return true;
    }
    return false;
}

const char *aml_column_form(const aml_column *c) {
    switch (c->form) {
    case AML_PLAIN: break;
    case AML_BOOLEAN: return "boolean";
    case AML_MONEY: return "money";
    case AML_PERCENT: return "percent";
    case AML_QUANTITY: return "quantity";
    case AML_DATE: return "date";
    case AML_CLOCK: return "time";
    case AML_LIST: return "list";
    }
    if (c->kind == AML_NUMBER) return c->integer ? "integer" : "real";
    return aml_kind_name(c->kind);
}

void aml_frame_free(aml_frame *f) {
    if (f) aml_arena_free(f->arena); /* the frame itself lives in it */
}

int aml_frame_find(const aml_frame *f, const char *name) {
    for (size_t j = 0; j < f->p; j++)
        if (!strcmp(f->columns[j].name, name)) return (int)j;
    return -1;
}

static const char *nearest_column(const aml_frame *f, const char *name) {
    const char **names = aml_malloc(f->p * sizeof *names);
    if (!names) return NULL;
    for (size_t j = 0; j < f->p; j++) names[j] = f->columns[j].name;
    const char *near = aml_nearest(name, names, f->p);
    aml_free(names);
    return near;
}

aml_status aml_frame_need(size_t *column, const aml_frame *f, const char *name, const char *what) {
    char shown[280], source[280];
    int j = aml_frame_find(f, name);
    if (j >= 0) {
        *column = (size_t)j;
        return AML_OK;
    }
    const char *near = nearest_column(f, name);
    aml_printable(shown, sizeof shown, name, strlen(name), 60);
    aml_printable(source, sizeof source, f->source, strlen(f->source), 60);
    aml_fail_at(AML_EDATA, f->source, 0, 0, "%s%scolumn `%s` is not in %s%s%s%s", what ? what : "",
                what ? " " : "", shown, source, near ? "; did you mean `" : "", near ? near : "",
                near ? "`?" : "");
    if (f->p == 0) return AML_EDATA;
    if (f->no_header)
        return aml_help(AML_EDATA, "its first line looks like data, so it has no header",
                        "add a header line; as it is, the columns are called c1 to c%zu", f->p);
    char first[280];
    aml_printable(first, sizeof first, f->columns[0].name, strlen(f->columns[0].name), 60);
    return aml_help(AML_EDATA, NULL, "the file has %zu column%s, the first is `%s`", f->p,
                    f->p == 1 ? "" : "s", first);
}

const char *aml_frame_cell(size_t *length, const aml_column *c, size_t row, char scratch[64]) {
    scratch[0] = 0;
    *length = 0;
    switch (c->kind) {
    case AML_NUMBER:
        if (!isnan(c->number[row])) *length = aml_format_double(scratch, c->number[row]);
        return scratch;
    case AML_DATETIME: *length = aml_format_datetime(scratch, c->number[row]); return scratch;
    case AML_CATEGORY:
        if (c->code[row] < 0) return scratch;
        *length = strlen(c->levels[c->code[row]]);
        return c->levels[c->code[row]];
    case AML_TEXT:
    case AML_IDENTIFIER:
        *length = (size_t)(c->offset[row + 1] - c->offset[row]);
        return c->bytes + c->offset[row];
    }
    return scratch;
}

/* ---- rows */

static aml_status take_numbers(aml_column *out, const aml_column *c, const uint32_t *rows, size_t n,
                               aml_arena *keep) {
    double *to = aml_alloc_raw(keep, n, sizeof *to);
    if (!to) return AML_ENOMEM;
    out->integer = c->kind == AML_NUMBER;
    for (size_t i = 0; i < n; i++) {
        to[i] = c->number[rows[i]];
        if (isnan(to[i])) out->n_missing++;
        else if (to[i] != trunc(to[i])) out->integer = false;
    }
    if (out->n_missing == n) out->integer = false;
    out->number = to;
    return AML_OK;
}

static aml_status take_codes(aml_column *out, const aml_column *c, const uint32_t *rows, size_t n,
                             aml_arena *keep) {
    int32_t *to = aml_alloc_raw(keep, n, sizeof *to);
    if (!to) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        to[i] = c->code[rows[i]];
        out->n_missing += to[i] == -1;
        out->n_unseen += to[i] == -2;
    }
    out->code = to;
    return AML_OK;
}

static aml_status take_texts(aml_column *out, const aml_column *c, const uint32_t *rows, size_t n,
                             aml_arena *keep) {
    uint64_t *offset = aml_alloc_raw(keep, n + 1, sizeof *offset), at = 0;
    if (!offset) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        offset[i] = at;
        at += c->offset[rows[i] + 1] - c->offset[rows[i]];
        out->n_missing += at == offset[i];
    }
    offset[n] = at;
    char *bytes = aml_alloc_raw(keep, at, 1);
    if (!bytes) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + offset[i], c->bytes + c->offset[rows[i]], offset[i + 1] - offset[i]);
    out->offset = offset;
    out->bytes = bytes;
    return AML_OK;
}

aml_status aml_column_rows(aml_column *out, const aml_column *c, const uint32_t *rows, size_t n,
                           aml_arena *keep) {
    *out = (aml_column){.name = c->name,
                        .kind = c->kind,
                        .levels = c->levels,
                        .n_levels = c->n_levels,
                        .form = c->form,
                        .unit = c->unit,
                        .list = c->list,
                        .day_first = c->day_first};
    if (c->kind == AML_CATEGORY) return take_codes(out, c, rows, n, keep);
    if (c->kind == AML_NUMBER || c->kind == AML_DATETIME)
        return take_numbers(out, c, rows, n, keep);
    return take_texts(out, c, rows, n, keep);
}

/* The column as its frame's own. All levels stay, used or not: codes keep their meaning. */
static aml_status own_texts(aml_column *c, aml_arena *keep) {
    const char **levels = AML_ARRAY(keep, c->n_levels, const char *);
    c->name = aml_strdup(keep, c->name);
    if (c->unit && !(c->unit = aml_strdup(keep, c->unit))) return AML_ENOMEM;
    if (!c->name || !levels) return AML_ENOMEM;
    if (c->kind != AML_CATEGORY) return AML_OK;
    for (size_t k = 0; k < c->n_levels; k++)
        if (!(levels[k] = aml_strdup(keep, c->levels[k]))) return AML_ENOMEM;
    c->levels = levels;
    return AML_OK;
}

static aml_status take_rows(aml_frame **out, const aml_frame *f, const uint32_t *rows, size_t n,
                            aml_arena *keep) {
    aml_frame *to = AML_NEW(keep, aml_frame);
    aml_column *columns = AML_ARRAY(keep, f->p, aml_column);
    bool lines = f->line || f->first_line;
    uint64_t *line = lines ? aml_alloc_raw(keep, n, sizeof *line) : NULL;
    char *source = aml_strdup(keep, f->source);
    if (!to || !columns || !source || (lines && !line)) return AML_ENOMEM;
    for (size_t j = 0; j < f->p; j++) {
        AML_TRY(aml_column_rows(&columns[j], &f->columns[j], rows, n, keep));
        AML_TRY(own_texts(&columns[j], keep));
    }
    for (size_t i = 0; line && i < n; i++) line[i] = aml_frame_line(f, rows[i]);
    *to = (aml_frame){
        .n = n, .p = f->p, .columns = columns, .line = line, .source = source, .arena = keep};
    *out = to;
    return AML_OK;
}

aml_status aml_frame_rows(aml_frame **out, const aml_frame *f, const uint32_t *rows, size_t n,
                          aml_memory *account) {
    *out = NULL;
    aml_arena *keep = aml_arena_new(account);
    if (!keep) return AML_ENOMEM;
    aml_status status = take_rows(out, f, rows, n, keep);
    if (status) aml_arena_free(keep);
    return status;
}
