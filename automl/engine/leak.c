/* leak.c: guardrails about the target: balance, rare classes, and columns that alone give it away. */
#include <math.h>
#include <string.h>

#include "automl/core/metric.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/engine/profile.h"

enum { SAMPLE = 4000, BINS = 64 };

/* How well one column alone predicts: cell means (or class shares) learnt on one half of a sample and tried on the other. A
 * column of nearly distinct values cannot look good by memory. */
typedef struct probe {
    const aml_frame *f;
    const aml_task *t;
    const uint32_t *row; /* frame row of each task row of the sample */
    const uint32_t *at;  /* task row */
    size_t n;
    const aml_data_profile *p;
    double *strength; /* by column, 0 … 1 */
    _Atomic int status;
} probe;

/* Cell number of each sample row: quantile bins of numbers (0 = missing), levels of categories. */
static aml_status cells(uint32_t *cell, size_t *n_cells, const probe *j, const aml_column *c,
                        aml_arena *scratch) {
    if (c->kind == AML_CATEGORY) {
        for (size_t i = 0; i < j->n; i++) cell[i] = (uint32_t)(c->code[j->row[i]] + 2);
        *n_cells = (size_t)c->n_levels + 2;
        return AML_OK;
    }
    double *v = AML_ARRAY(scratch, j->n, double);
    uint32_t *order = AML_ARRAY(scratch, j->n, uint32_t);
    if (!v || !order) return AML_ENOMEM;
    for (size_t i = 0; i < j->n; i++) v[i] = c->number[j->row[i]];
    AML_TRY(aml_argsort(order, v, j->n));
    size_t distinct = 0;
    for (size_t i = 0; i < j->n; i++) distinct += !i || v[order[i]] != v[order[i - 1]];
    size_t bin = 0, seen = 0;
    for (size_t i = 0; i < j->n; i++) {
        bool fresh = i && v[order[i]] != v[order[i - 1]];
        seen += fresh;
        if (fresh) bin = distinct <= BINS ? seen : i * BINS / j->n;
        cell[order[i]] = isnan(v[order[i]]) ? BINS + 1 : (uint32_t)bin;
    }
    *n_cells = BINS + 2;
    return AML_OK;
}

/* 1 - (error of cell means) / (error of the overall mean), on the rows of odd position, learnt on the even ones; for classes by
 * the share of rows whose class is the cell's most frequent one, beyond the overall most frequent class. */
static double strength_of(const probe *j, const uint32_t *cell, size_t n_cells,
                          aml_arena *scratch) {
    size_t k = j->t->kind == AML_REGRESSION ? 2 : (size_t)j->t->n_classes;
    double *sum = AML_ARRAY(scratch, (n_cells + 1) * k, double),
           *all = sum ? sum + n_cells * k : NULL;
    if (!sum) return 0;
    bool values = j->t->kind == AML_REGRESSION;
    for (size_t i = 0; i < j->n; i += 2) {
        double y = j->t->y[j->at[i]];
        double *s = sum + cell[i] * k;
        if (values) s[0] += y, s[1]++, all[0] += y, all[1]++;
        else s[(size_t)y]++, all[(size_t)y]++;
    }
    size_t top = 0;
    for (size_t c = 1; !values && c < k; c++)
        if (all[c] > all[top]) top = c;
    double error = 0, plain = 0;
    for (size_t i = 1; i < j->n; i += 2) {
        double y = j->t->y[j->at[i]];
        const double *s = sum + cell[i] * k;
        if (values) {
            double mean = all[0] / all[1], guess = s[1] > 0 ? s[0] / s[1] : mean;
            error += (y - guess) * (y - guess);
            plain += (y - mean) * (y - mean);
            continue;
        }
        size_t best = top;
        for (size_t c = 0; c < k; c++)
            if (s[c] > s[best]) best = c;
        error += (size_t)y != best;
        plain += (size_t)y != top;
    }
    return plain > 0 ? 1 - error / plain : 0;
}

static void probe_column(void *arg, size_t i, size_t begin, size_t end, int thread) {
    probe *j = arg;
    const aml_column *c = &j->f->columns[i];
    (void)begin, (void)end, (void)thread;
    bool numbers = c->kind == AML_NUMBER || c->kind == AML_DATETIME;
    if (j->p->columns[i].role != AML_FEATURE || (!numbers && c->kind != AML_CATEGORY)) return;
    aml_arena *scratch = aml_arena_new(NULL);
    uint32_t *cell = scratch ? AML_ARRAY(scratch, j->n, uint32_t) : NULL;
    size_t n_cells;
    aml_status status = cell ? cells(cell, &n_cells, j, c, scratch) : AML_ENOMEM;
    if (status) j->status = status;
    else j->strength[i] = strength_of(j, cell, n_cells, scratch);
    aml_arena_free(scratch);
}

static aml_status report_leaks(aml_data_profile *p, const aml_frame *f, const aml_task *t,
                               const uint32_t *rows, aml_ctx *ctx) {
    size_t n = t->n < SAMPLE ? t->n : SAMPLE;
    uint32_t *row = AML_ARRAY(ctx->scratch, n, uint32_t),
             *at = AML_ARRAY(ctx->scratch, n, uint32_t);
    uint32_t *found = AML_ARRAY(ctx->scratch, f->p + 1, uint32_t);
    probe j = {.f = f,
               .t = t,
               .row = row,
               .at = at,
               .n = n,
               .p = p,
               .strength = AML_ARRAY(ctx->scratch, f->p + 1, double)};
    if (!row || !at || !found || !j.strength) return AML_ENOMEM;
    uint32_t *pool = AML_ARRAY(ctx->scratch, t->n, uint32_t);
    if (!pool) return AML_ENOMEM;
    for (size_t i = 0; i < t->n; i++) pool[i] = (uint32_t)i;
    aml_rng rng = ctx->rng;
    aml_rng_shuffle(&rng, pool, t->n);
    for (size_t i = 0; i < n; i++) {
        at[i] = pool[i];
        row[i] = rows[pool[i]];
    }
    if (n >= 40) aml_par_for(ctx->n_threads, f->p, 1, probe_column, &j);
    if (j.status) return (aml_status)j.status;
    size_t k = 0;
    for (size_t i = 0; i < f->p; i++) {
        if (j.strength[i] < 0.98) continue;
        found[k++] = (uint32_t)i;
        p->columns[i].warning = "leak suspect: it alone predicts the target";
    }
    if (!k)
        return aml_guardrail_add(&p->guardrails, ctx->keep, "leak_suspects", "Passed", 0, "",
                                 "no column alone predicts the target");
    char *names = aml_name_list(f, found, k, ctx->keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(aml_guardrail_add(&p->guardrails, ctx->keep, "leak_suspects", "Alerted", k, "",
                              "%zu columns alone predict the target (leak?): %s; leave them out "
                              "with --drop if they are not known at prediction time",
                              k, names));
    return aml_guardrail_columns(&p->guardrails, ctx->keep, f, found, k);
}

static aml_status report_balance(aml_data_profile *p, const aml_task *t, aml_ctx *ctx) {
    size_t k = (size_t)t->n_classes, *count = AML_ARRAY(ctx->scratch, k, size_t), low = 0, high = 0,
           rare = 0;
    if (!count) return AML_ENOMEM;
    for (size_t i = 0; i < t->n; i++) count[(size_t)t->y[i]]++;
    for (size_t c = 0; c < k; c++) {
        if (count[c] < count[low]) low = c;
        if (count[c] > count[high]) high = c;
        rare += count[c] < 10;
    }
    char a[200], b[200];
    aml_printable(a, sizeof a, t->classes[low], strlen(t->classes[low]), 40);
    aml_printable(b, sizeof b, t->classes[high], strlen(t->classes[high]), 40);
    if (count[low] * 5 <= count[high])
        AML_TRY(aml_guardrail_add(&p->guardrails, ctx->keep, "class_balance", "Alerted", count[low],
                                  "",
                                  "class `%s` has %zu rows, class `%s` %zu: judge by auc, "
                                  "average_precision or norm_macro_recall rather than accuracy",
                                  a, count[low], b, count[high]));
    else
        AML_TRY(
            aml_guardrail_add(&p->guardrails, ctx->keep, "class_balance", "Passed", 0, "",
                              "the classes are balanced enough (smallest %zu, largest %zu rows)",
                              count[low], count[high]));
    if (!rare) return AML_OK;
    return aml_guardrail_add(&p->guardrails, ctx->keep, "rare_classes", "Alerted", rare, "",
                             "%zu classes have fewer than 10 rows and can hardly be learnt", rare);
}

aml_status aml_profile_target(aml_data_profile *p, const aml_frame *f, const aml_task *t,
                              const uint32_t *rows, aml_ctx *ctx) {
    if (t->kind != AML_REGRESSION) AML_TRY(report_balance(p, t, ctx));
    return report_leaks(p, f, t, rows, ctx);
}
