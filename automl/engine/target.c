/* target.c: classes or values, weights, groups and time of the rows that can be learnt from. */
#include "automl/engine/target.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/core/text.h"

enum { FEW_VALUES = 20, MOST_CLASSES = 1000 };

static bool cell_missing(const aml_column *c, size_t row) {
    switch (c->kind) {
    case AML_NUMBER:
    case AML_DATETIME: return isnan(c->number[row]);
    case AML_CATEGORY: return c->code[row] == -1;
    case AML_TEXT:
    case AML_IDENTIFIER: return c->offset[row + 1] == c->offset[row];
    }
    return true;
}

/* Distinct values of a number column, upwards; NULL with n = SIZE_MAX when there are more than `most`. */
static aml_status distinct_numbers(double *out, size_t *n, size_t most, const aml_column *c,
                                   const uint32_t *rows, size_t n_rows) {
    double *v = aml_malloc((n_rows + 1) * sizeof *v);
    if (!v) return AML_ENOMEM;
    for (size_t i = 0; i < n_rows; i++) v[i] = c->number[rows[i]] + 0.0;
    aml_status status = aml_sort_f64(v, n_rows);
    *n = 0;
    for (size_t i = 0; !status && i < n_rows; i++) {
        if (i && v[i] == v[i - 1]) continue;
        if (*n == most) {
            *n = SIZE_MAX;
            break;
        }
        out[(*n)++] = v[i];
    }
    aml_free(v);
    return status;
}

static int by_name(const void *a, const void *b, void *arg) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    double u, v;
    if (*(bool *)arg && aml_parse_double(&u, x, strlen(x)) && aml_parse_double(&v, y, strlen(y)))
        return u < v ? -1 : u > v;
    return strcmp(x, y);
}

/* The texts of a column's cells that occur among the rows, sorted: numbers upwards, else bytewise. */
static aml_status class_names(aml_task *t, const aml_frame *f, const aml_column *c,
                              const uint32_t *rows, size_t n, aml_ctx *ctx) {
    const char **names = AML_ARRAY(ctx->keep, MOST_CLASSES + 1, const char *);
    if (!names) return AML_ENOMEM;
    size_t k = 0;
    char buffer[64];
    if (c->kind == AML_CATEGORY) {
        bool *seen = AML_ARRAY(ctx->scratch, (size_t)c->n_levels + 1, bool);
        if (!seen) return AML_ENOMEM;
        for (size_t i = 0; i < n; i++)
            if (c->code[rows[i]] >= 0) seen[c->code[rows[i]]] = true;
        for (uint32_t l = 0; l < c->n_levels && k <= MOST_CLASSES; l++)
            if (seen[l]) names[k < MOST_CLASSES ? k : MOST_CLASSES] = c->levels[l], k++;
    } else if (c->kind == AML_NUMBER) {
        double *v = AML_ARRAY(ctx->scratch, MOST_CLASSES, double);
        if (!v) return AML_ENOMEM;
        AML_TRY(distinct_numbers(v, &k, MOST_CLASSES, c, rows, n));
        for (size_t i = 0; k != SIZE_MAX && i < k; i++) {
            names[i] = aml_strndup(ctx->keep, buffer, aml_format_double(buffer, v[i]));
            if (!names[i]) return AML_ENOMEM;
        }
    } else {
        k = SIZE_MAX; /* free text and keys: as good as every row its own class */
    }
    if (k > MOST_CLASSES || k * 2 > n + 2) {
        aml_fail_at(AML_EDATA, f->source, 0, 0,
                    "target `%s` has too many classes to learn from %zu rows", c->name, n);
        return aml_help(AML_EDATA,
                        "a class needs several rows, and at most 1000 classes are supported",
                        "choose another target, or ask for numbers with --task regression");
    }
    bool numeric = true;
    double ignored;
    for (size_t i = 0; i < k; i++) {
        if (!aml_parse_double(&ignored, names[i], strlen(names[i]))) numeric = false;
        names[i] = aml_strdup(ctx->keep, names[i]);
        if (!names[i]) return AML_ENOMEM;
    }
    AML_TRY(aml_sort(names, k, sizeof *names, by_name, &numeric));
    t->classes = names;
    t->n_classes = (int)k;
    return AML_OK;
}

static aml_status infer_kind(aml_task_kind *out, const aml_column *c, const uint32_t *rows,
                             size_t n, aml_ctx *ctx) {
    *out = AML_MULTICLASS;
    if (c->kind != AML_NUMBER) return AML_OK;
    double *v = AML_ARRAY(ctx->scratch, FEW_VALUES, double);
    size_t k;
    if (!v) return AML_ENOMEM;
    AML_TRY(distinct_numbers(v, &k, FEW_VALUES, c, rows, n));
    bool whole = k != SIZE_MAX;
    for (size_t i = 0; whole && i < k; i++) whole = v[i] == floor(v[i]);
    bool repeat = k <= 2 || (k != SIZE_MAX && n >= 5 * k);
    *out = (k <= 2 || whole) && repeat ? AML_MULTICLASS : AML_REGRESSION;
    return AML_OK;
}

aml_status aml_target_read(double *y, const aml_frame *f, size_t column, aml_task_kind kind,
                           const char *const *classes, int n_classes) {
    const aml_column *c = &f->columns[column];
    char buffer[64];
    for (size_t i = 0; i < f->n; i++) {
        y[i] = NAN;
        if (cell_missing(c, i)) continue;
        if (kind == AML_REGRESSION && c->kind == AML_NUMBER) {
            y[i] = c->number[i];
            continue;
        }
        size_t length;
        const char *cell = aml_frame_cell(&length, c, i, buffer);
        if (kind == AML_REGRESSION) {
            if (aml_parse_double(&y[i], cell, length)) continue;
            char shown[200];
            aml_fail_at(AML_EDATA, f->source, aml_frame_line(f, i), 0,
                        "target `%s` is not a number: `%s`", c->name,
                        aml_printable(shown, sizeof shown, cell, length, 40));
            return aml_help(AML_EDATA, "a regression target must be a number in every row",
                            "mend the cell, or ask for classes with --task multiclass");
        }
        for (int k = 0; k < n_classes; k++)
            if (strlen(classes[k]) == length && !memcmp(classes[k], cell, length)) y[i] = k;
    }
    return AML_OK;
}

/* Weights: finite and not negative; missing counts as 0. */
static aml_status check_weights(const aml_frame *f, int column) {
    const aml_column *c = &f->columns[column];
    if (c->kind != AML_NUMBER)
        return aml_help(aml_fail_at(AML_EDATA, f->source, 0, 0,
                                    "weight column `%s` does not hold numbers", c->name),
                        NULL, "choose a column of numbers, 0 or larger");
    for (size_t i = 0; i < f->n; i++) {
        if (isnan(c->number[i]) || c->number[i] >= 0) continue;
        aml_fail_at(AML_EDATA, f->source, aml_frame_line(f, i), 0,
                    "weight column `%s` has the negative weight %g", c->name, c->number[i]);
        return aml_help(AML_EDATA, "weights count how often a row occurs",
                        "mend the cell, or drop the row");
    }
    return AML_OK;
}

static aml_status usable_rows(aml_target *out, const aml_frame *f, const aml_column *c, int weight,
                              aml_ctx *ctx) {
    out->rows = AML_ARRAY(ctx->keep, f->n + 1, uint32_t);
    if (!out->rows) return AML_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const double *w = weight >= 0 ? &f->columns[weight].number[i] : NULL;
        if (cell_missing(c, i)) out->n_missing++;
        else if (w && !(*w > 0)) out->n_zero_weight++;
        else out->rows[n++] = (uint32_t)i;
    }
    out->task.n = n;
    if (n > 1) return AML_OK;
    if (n)
        return aml_help(
            aml_fail_at(AML_EDATA, f->source, 0, 0, "there is only one row to learn from"),
            "a model needs at least 2 rows with a target", "give more rows");
    aml_fail_at(AML_EDATA, f->source, 0, 0,
                out->n_missing == f->n ? "target `%s` is missing in all %zu rows"
                                       : "target `%s`: no row of %zu can be used",
                c->name, f->n);
    return aml_help(AML_EDATA, "learning needs rows whose target is known",
                    "check the name of the target and how missing values are written");
}

static aml_status check_classes(const aml_target *t, const aml_frame *f, const char *name) {
    if (t->task.n_classes >= 2) return AML_OK;
    char shown[200];
    aml_fail_at(
        AML_EDATA, f->source, 0, 0, "target `%s` has only one class: `%s`", name,
        aml_printable(shown, sizeof shown, t->task.classes[0], strlen(t->task.classes[0]), 40));
    return aml_help(AML_EDATA, "there is nothing to tell apart",
                    "choose another target, or add rows of another class");
}

/* Group numbers by order of first appearance. */
static aml_status read_groups(aml_target *t, const aml_frame *f, int column, aml_ctx *ctx) {
    const aml_column *c = &f->columns[column];
    uint32_t *group = AML_ARRAY(ctx->keep, t->task.n, uint32_t),
             *order = AML_ARRAY(ctx->scratch, t->task.n, uint32_t);
    double *key = AML_ARRAY(ctx->scratch, t->task.n, double);
    char buffer[64];
    if (!group || !order || !key) return AML_ENOMEM;
    for (size_t i = 0; i < t->task.n; i++) {
        size_t length;
        const char *cell = aml_frame_cell(&length, c, t->rows[i], buffer);
        key[i] = (double)(aml_hash(cell, length, 0) >> 11);
    }
    AML_TRY(aml_argsort(order, key, t->task.n));
    for (size_t i = 0, g = 0; i < t->task.n; i++) {
        if (i && key[order[i]] != key[order[i - 1]]) g++;
        group[order[i]] = (uint32_t)g;
    }
    t->task.group = group;
    return AML_OK;
}

static aml_status read_time(aml_target *t, const aml_frame *f, int column, aml_ctx *ctx) {
    const aml_column *c = &f->columns[column];
    if (c->kind != AML_NUMBER && c->kind != AML_DATETIME)
        return aml_help(aml_fail_at(AML_EDATA, f->source, 0, 0,
                                    "time column `%s` holds neither dates nor numbers", c->name),
                        NULL, "choose a column of dates or numbers");
    double *time = AML_ARRAY(ctx->keep, t->task.n, double);
    if (!time) return AML_ENOMEM;
    for (size_t i = 0; i < t->task.n; i++) {
        time[i] = c->number[t->rows[i]];
        if (isnan(time[i]))
            return aml_help(aml_fail_at(AML_EDATA, f->source, aml_frame_line(f, t->rows[i]), 0,
                                        "time column `%s` has a missing value", c->name),
                            NULL, "fill or drop the rows without a time");
    }
    t->task.time = time;
    return AML_OK;
}

static aml_status read_weights(aml_target *t, const aml_frame *f, int column, aml_ctx *ctx) {
    double *w = AML_ARRAY(ctx->keep, t->task.n, double), sum = 0;
    if (!w) return AML_ENOMEM;
    for (size_t i = 0; i < t->task.n; i++) sum += w[i] = f->columns[column].number[t->rows[i]];
    if (!isfinite(sum))
        return aml_fail_at(AML_EDATA, f->source, 0, 0,
                           "the sum of weight column `%s` is not finite", f->columns[column].name);
    for (size_t i = 0; i < t->task.n; i++) w[i] *= (double)t->task.n / sum;
    t->task.w = w;
    return AML_OK;
}

aml_status aml_target_make(aml_target *out, const aml_frame *f, size_t column, const char *kind,
                           int weight, int group, int time, aml_ctx *ctx) {
    const aml_column *c = &f->columns[column];
    *out = (aml_target){0};
    aml_task *t = &out->task;
    if (weight >= 0) AML_TRY(check_weights(f, weight));
    AML_TRY(usable_rows(out, f, c, weight, ctx));
    if (kind) {
        if (!aml_task_parse(&t->kind, kind))
            return aml_help(aml_fail(AML_EUSAGE, "there is no task `%s`", kind), NULL,
                            "choose binary, multiclass or regression");
    } else {
        AML_TRY(infer_kind(&t->kind, c, out->rows, t->n, ctx));
    }
    if (t->kind != AML_REGRESSION) {
        AML_TRY(class_names(t, f, c, out->rows, t->n, ctx));
        AML_TRY(check_classes(out, f, c->name));
        if (kind && t->kind == AML_BINARY && t->n_classes != 2)
            return aml_help(aml_fail_at(AML_EDATA, f->source, 0, 0,
                                        "target `%s` has %d classes, a binary task has 2", c->name,
                                        t->n_classes),
                            NULL, "use --task multiclass");
        t->kind = t->n_classes == 2 ? AML_BINARY : AML_MULTICLASS;
    }
    double *all = AML_ARRAY(ctx->scratch, f->n, double), *y = AML_ARRAY(ctx->keep, t->n, double);
    if (!all || !y) return AML_ENOMEM;
    AML_TRY(aml_target_read(all, f, column, t->kind, t->classes, t->n_classes));
    for (size_t i = 0; i < t->n; i++) y[i] = all[out->rows[i]];
    t->y = y;
    if (weight >= 0) AML_TRY(read_weights(out, f, weight, ctx));
    if (group >= 0) AML_TRY(read_groups(out, f, group, ctx));
    if (time >= 0) AML_TRY(read_time(out, f, time, ctx));
    return AML_OK;
}
