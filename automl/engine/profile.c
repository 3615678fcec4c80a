/* profile.c: one pass over each column, then the decision what is a feature. */
#include "automl/engine/profile.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/core/text.h"

enum { SAMPLE = 200000, ID_ROWS = 50, MANY_LEVELS = 1000 };

char *aml_name_list(const aml_frame *f, const uint32_t *columns, size_t n, aml_arena *keep) {
    aml_string s = {0};
    for (size_t i = 0; i < n && i < 5; i++) {
        char shown[280];
        const char *name = f->columns[columns[i]].name;
        aml_string_printf(&s, "%s`%s`", i ? ", " : "",
                          aml_printable(shown, sizeof shown, name, strlen(name), 40));
    }
    if (n > 5) aml_string_printf(&s, " and %zu more", n - 5);
    char *out = s.failed ? NULL : aml_strdup(keep, s.text ? s.text : "");
    aml_string_free(&s);
    return out;
}

/* ---- facts of a column */

static aml_status number_facts(aml_column_facts *c, const aml_column *column, size_t n) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        double x = column->number[i];
        if (isnan(x)) continue;
        valid++;
        sum += x / 1024; /* scaled, so that sums of huge values stay finite */
        if (x < low) low = x;
        if (x > high) high = x;
    }
    c->missing = n - valid;
    if (!valid) return AML_OK;
    c->min = low;
    c->max = high;
    c->mean = sum / (double)valid * 1024;
    size_t m = n < SAMPLE ? n : SAMPLE, k = 0;
    double *v = aml_malloc(m * sizeof *v);
    if (!v) return AML_ENOMEM;
    for (size_t i = 0; i < m; i++) {
        double x = column->number[(size_t)((double)i * (double)n / (double)m)];
        if (!isnan(x)) v[k++] = x + 0.0;
    }
    aml_status status = aml_sort_f64(v, k);
    size_t run = 0, longest = 0;
    for (size_t i = 0; !status && i < k; i++) {
        bool fresh = !i || v[i] != v[i - 1];
        c->distinct += fresh;
        run = fresh ? 1 : run + 1;
        if (run > longest) longest = run;
    }
    if (c->distinct < 2 && low < high) c->distinct = 2; /* the sample missed the other value */
    c->mode_share = (double)longest / (double)m;
    aml_free(v);
    return status;
}

static aml_status category_facts(aml_column_facts *c, const aml_column *column, size_t n) {
    size_t *count = aml_calloc((size_t)column->n_levels + 1, sizeof *count), most = 0;
    if (!count) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (column->code[i] >= 0) count[column->code[i]]++;
        else c->missing++;
    }
    for (uint32_t l = 0; l < column->n_levels; l++) {
        c->distinct += count[l] > 0;
        if (count[l] > most) most = count[l];
    }
    c->mode_share = (double)most / (double)(n ? n : 1);
    aml_free(count);
    return AML_OK;
}

/* Distinct texts by their hashes. */
static aml_status text_facts(aml_column_facts *c, const aml_column *column, size_t n) {
    double *hash = aml_malloc((n + 1) * sizeof *hash);
    size_t k = 0, run = 0, longest = 0;
    if (!hash) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t length = column->offset[i + 1] - column->offset[i];
        if (length)
            hash[k++] = (double)(aml_hash(column->bytes + column->offset[i], length, 0) >> 11);
    }
    c->missing = n - k;
    aml_status status = aml_sort_f64(hash, k);
    for (size_t i = 0; !status && i < k; i++) {
        bool fresh = !i || hash[i] != hash[i - 1];
        c->distinct += fresh;
        run = fresh ? 1 : run + 1;
        if (run > longest) longest = run;
    }
    c->mode_share = (double)longest / (double)(n ? n : 1);
    aml_free(hash);
    return status;
}

/* Whole numbers, all different, counting up or filling their range: a key, not a measurement. */
static bool counts_rows(const aml_column *column, const aml_column_facts *c, size_t n) {
    if (column->kind != AML_NUMBER || !column->integer || n < ID_ROWS || n > SAMPLE || c->missing ||
        c->distinct != n)
        return false;
    bool rises = true;
    for (size_t i = 1; rises && i < n; i++) rises = column->number[i] > column->number[i - 1];
    return rises || c->max - c->min + 1 <= 2 * (double)n;
}

typedef struct facts_job {
    aml_data_profile *p;
    const aml_frame *f;
    _Atomic int status;
} facts_job;

static void column_facts(void *arg, size_t i, size_t begin, size_t end, int thread) {
    facts_job *j = arg;
    const aml_column *column = &j->f->columns[i];
    aml_column_facts *c = &j->p->columns[i];
    aml_status status = AML_OK;
    (void)begin, (void)end, (void)thread;
    c->min = c->mean = c->max = NAN;
    c->warning = "";
    switch (column->kind) {
    case AML_NUMBER:
    case AML_DATETIME: status = number_facts(c, column, j->f->n); break;
    case AML_CATEGORY: status = category_facts(c, column, j->f->n); break;
    case AML_TEXT:
    case AML_IDENTIFIER: status = text_facts(c, column, j->f->n); break;
    }
    bool key = column->kind == AML_CATEGORY && j->f->n >= ID_ROWS &&
               (double)c->distinct > 0.95 * (double)j->f->n;
    c->identifier = column->kind == AML_IDENTIFIER || key || counts_rows(column, c, j->f->n);
    if (status) j->status = status;
}

/* ---- decisions */

static uint64_t column_hash(const aml_column *c, size_t n) {
    switch (c->kind) {
    case AML_NUMBER:
    case AML_DATETIME: return aml_hash(c->number, n * sizeof(double), 1);
    case AML_CATEGORY: return aml_hash(c->code, n * sizeof(int32_t), 2);
    default: return aml_hash(c->bytes, c->offset[n], 3);
    }
}

static bool same_column(const aml_column *a, const aml_column *b, size_t n) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case AML_NUMBER:
    case AML_DATETIME: return !memcmp(a->number, b->number, n * sizeof(double));
    case AML_CATEGORY: return !memcmp(a->code, b->code, n * sizeof(int32_t));
    default:
        return !memcmp(a->offset, b->offset, (n + 1) * sizeof *a->offset) &&
               !memcmp(a->bytes, b->bytes, a->offset[n]);
    }
}

typedef struct drops {
    uint32_t *columns; /* room for p */
    size_t n;
} drops;

static void drop(drops *d, aml_data_profile *p, size_t column, const char *warning) {
    p->columns[column].role = AML_DROPPED;
    p->columns[column].warning = warning;
    d->columns[d->n++] = (uint32_t)column;
}

/* One guardrail for a reason to drop columns. */
static aml_status report(aml_data_profile *p, const aml_frame *f, const drops *d, const char *id,
                         const char *what, aml_ctx *ctx) {
    if (!d->n)
        return aml_guardrail_add(&p->guardrails, ctx->keep, id, "Passed", 0, "", "no %s", what);
    char *names = aml_name_list(f, d->columns, d->n, ctx->keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(aml_guardrail_add(&p->guardrails, ctx->keep, id, "Done", d->n, "not used as features",
                              "%zu %s: %s", d->n, what, names));
    return aml_guardrail_columns(&p->guardrails, ctx->keep, f, d->columns, d->n);
}

static aml_status drop_constant(aml_data_profile *p, const aml_frame *f, drops *d, aml_ctx *ctx) {
    d->n = 0;
    for (size_t i = 0; i < f->p; i++) {
        aml_column_facts *c = &p->columns[i];
        if (c->role != AML_FEATURE) continue;
        if (!c->distinct) drop(d, p, i, "all missing");
        else if (c->distinct == 1 && !c->missing) drop(d, p, i, "constant");
    }
    return report(p, f, d, "constant_columns", "constant or all-missing columns", ctx);
}

static aml_status drop_identifiers(aml_data_profile *p, const aml_frame *f, drops *d,
                                   aml_ctx *ctx) {
    d->n = 0;
    for (size_t i = 0; i < f->p; i++)
        if (p->columns[i].role == AML_FEATURE && p->columns[i].identifier && !p->columns[i].asked)
            drop(d, p, i, "identifier (a different value in nearly every row)");
    return report(p, f, d, "identifier_columns", "identifier (id) columns", ctx);
}

static aml_status drop_duplicates(aml_data_profile *p, const aml_frame *f, drops *d, aml_ctx *ctx) {
    d->n = 0;
    double *hash = AML_ARRAY(ctx->scratch, f->p + 1, double);
    uint32_t *order = AML_ARRAY(ctx->scratch, f->p + 1, uint32_t);
    if (!hash || !order) return AML_ENOMEM;
    for (size_t i = 0; i < f->p; i++) hash[i] = (double)(column_hash(&f->columns[i], f->n) >> 11);
    AML_TRY(aml_argsort(order, hash, f->p));
    for (size_t i = 1; i < f->p; i++) { /* stable: the first of equals stands first */
        size_t a = order[i - 1], b = order[i];
        if (hash[a] != hash[b] || !same_column(&f->columns[a], &f->columns[b], f->n)) continue;
        if (p->columns[b].role != AML_FEATURE || p->columns[a].role == AML_TARGET) continue;
        if (p->columns[a].role == AML_FEATURE ||
            (p->columns[a].role == AML_DROPPED &&
             !strcmp(p->columns[a].warning, "copy of another column")))
            drop(d, p, b, "copy of another column");
    }
    return report(p, f, d, "duplicate_columns", "columns that repeat another", ctx);
}

static aml_status report_missing(aml_data_profile *p, const aml_frame *f, drops *d, aml_ctx *ctx) {
    d->n = 0;
    size_t cells = 0;
    for (size_t i = 0; i < f->p; i++) {
        if (p->columns[i].role != AML_FEATURE || !p->columns[i].missing) continue;
        d->columns[d->n++] = (uint32_t)i;
        cells += p->columns[i].missing;
    }
    if (!d->n)
        return aml_guardrail_add(&p->guardrails, ctx->keep, "missing_values", "Passed", 0, "",
                                 "no missing values in the features");
    char *names = aml_name_list(f, d->columns, d->n, ctx->keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(
        aml_guardrail_add(&p->guardrails, ctx->keep, "missing_values", "Done", d->n,
                          "kept as missing by trees, imputed (with flags) for the other learners",
                          "%zu missing cells in %zu columns: %s", cells, d->n, names));
    return aml_guardrail_columns(&p->guardrails, ctx->keep, f, d->columns, d->n);
}

static aml_status report_many_levels(aml_data_profile *p, const aml_frame *f, drops *d,
                                     aml_ctx *ctx) {
    d->n = 0;
    for (size_t i = 0; i < f->p; i++) {
        aml_column_facts *c = &p->columns[i];
        if (c->role != AML_FEATURE || f->columns[i].kind != AML_CATEGORY) continue;
        if (c->distinct < MANY_LEVELS && (c->distinct < 50 || c->distinct * 10 < f->n)) continue;
        d->columns[d->n++] = (uint32_t)i;
        c->warning = "high cardinality";
    }
    if (!d->n)
        return aml_guardrail_add(&p->guardrails, ctx->keep, "high_cardinality", "Passed", 0, "",
                                 "no categories with very many levels");
    char *names = aml_name_list(f, d->columns, d->n, ctx->keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(aml_guardrail_add(&p->guardrails, ctx->keep, "high_cardinality", "Done", d->n,
                              "rare levels share one code; target encoding is tried",
                              "%zu categories with very many levels: %s", d->n, names));
    return aml_guardrail_columns(&p->guardrails, ctx->keep, f, d->columns, d->n);
}

static aml_status report_precision(aml_data_profile *p, const aml_frame *f, drops *d,
                                   aml_ctx *ctx) {
    d->n = 0;
    for (size_t i = 0; i < f->p; i++) {
        const aml_column_facts *c = &p->columns[i];
        if (c->role != AML_FEATURE || f->columns[i].kind != AML_NUMBER || !f->columns[i].integer)
            continue;
        if (c->max > 9007199254740992.0 || c->min < -9007199254740992.0)
            d->columns[d->n++] = (uint32_t)i;
    }
    if (!d->n) return AML_OK;
    char *names = aml_name_list(f, d->columns, d->n, ctx->keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(aml_guardrail_add(&p->guardrails, ctx->keep, "number_precision", "Alerted", d->n, "",
                              "%zu columns hold whole numbers beyond 2^53, which lose digits: %s",
                              d->n, names));
    return aml_guardrail_columns(&p->guardrails, ctx->keep, f, d->columns, d->n);
}

static aml_status report_duplicate_rows(aml_data_profile *p, const aml_frame *f, aml_ctx *ctx) {
    double *hash = AML_ARRAY(ctx->scratch, f->n + 1, double);
    uint64_t *h = AML_ARRAY(ctx->scratch, f->n + 1, uint64_t);
    if (!hash || !h) return AML_ENOMEM;
    for (size_t c = 0; c < f->p; c++) {
        const aml_column *column = &f->columns[c];
        for (size_t i = 0; i < f->n; i++) {
            if (column->kind == AML_CATEGORY)
                h[i] = aml_hash(&column->code[i], sizeof(int32_t), h[i]);
            else if (column->kind == AML_NUMBER || column->kind == AML_DATETIME)
                h[i] = aml_hash(&column->number[i], sizeof(double), h[i]);
            else
                h[i] = aml_hash(column->bytes + column->offset[i],
                                column->offset[i + 1] - column->offset[i], h[i] + 1);
        }
    }
    for (size_t i = 0; i < f->n; i++) hash[i] = (double)(h[i] >> 11);
    AML_TRY(aml_sort_f64(hash, f->n));
    size_t repeated = 0;
    for (size_t i = 1; i < f->n; i++) repeated += hash[i] == hash[i - 1];
    if (!repeated)
        return aml_guardrail_add(&p->guardrails, ctx->keep, "duplicate_rows", "Passed", 0, "",
                                 "no repeated rows");
    return aml_guardrail_add(&p->guardrails, ctx->keep, "duplicate_rows", "Alerted", repeated, "",
                             "%zu of %zu rows repeat an earlier row: scores may be too good if "
                             "copies fall into different folds",
                             repeated, f->n);
}

aml_status aml_profile_columns(aml_data_profile *out, const aml_frame *f, const aml_role *roles,
                               aml_ctx *ctx) {
    *out =
        (aml_data_profile){.p = f->p, .columns = AML_ARRAY(ctx->keep, f->p + 1, aml_column_facts)};
    drops d = {.columns = AML_ARRAY(ctx->scratch, f->p + 1, uint32_t)};
    if (!out->columns || !d.columns) return AML_ENOMEM;
    for (size_t i = 0; i < f->p; i++) {
        out->columns[i].asked = roles[i] == AML_ASKED;
        out->columns[i].role = roles[i] == AML_ASKED ? AML_FEATURE : roles[i];
    }
    facts_job j = {.p = out, .f = f};
    aml_par_for(ctx->n_threads, f->p, 1, column_facts, &j);
    if (j.status) return (aml_status)j.status;
    AML_TRY(drop_constant(out, f, &d, ctx));
    AML_TRY(drop_identifiers(out, f, &d, ctx));
    AML_TRY(drop_duplicates(out, f, &d, ctx));
    AML_TRY(report_missing(out, f, &d, ctx));
    AML_TRY(report_many_levels(out, f, &d, ctx));
    AML_TRY(report_precision(out, f, &d, ctx));
    return report_duplicate_rows(out, f, ctx);
}
