/* metafeatures.c: numbers that describe a dataset. */
#include "search/parts/metafeatures.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

enum { MAX_ROWS = 2000, MAX_COLUMNS = 256, MAX_PAIRED = 24 };

enum {
    LOG_ROWS,
    LOG_COLUMNS,
    LOG_ROWS_PER_COLUMN,
    LOG_CLASSES,
    SHARE_CATEGORY,
    SHARE_TEXT,
    SHARE_DATETIME,
    SHARE_INTEGER,
    SHARE_TWO_VALUED,
    SHARE_MISSING,
    SHARE_COLUMNS_MISSING,
    CLASS_ENTROPY,
    CLASS_SHARE_MIN,
    CLASS_SHARE_MAX,
    SKEW_MEAN,
    SKEW_SD,
    KURTOSIS_MEAN,
    KURTOSIS_SD,
    SHARE_OUTLIERS,
    SHARE_ZERO,
    LOG_VARIATION_MEAN,
    DISTINCT_MEAN,
    DISTINCT_MIN,
    LOG_LEVELS_MEAN,
    LOG_LEVELS_MAX,
    LOG_TEXT_LENGTH,
    TARGET_SKEW,
    TARGET_KURTOSIS,
    TARGET_DISTINCT,
    TARGET_OUTLIERS,
    TARGET_ZERO,
    CORRELATION_MEAN,
    CORRELATION_MAX,
    RELEVANCE_MEAN,
    RELEVANCE_MAX,
    RELEVANCE_SD,
    COUNT
};
_Static_assert((int)COUNT == (int)AML_METAFEATURES, "one name a feature");

const char *const aml_metafeature_names[AML_METAFEATURES] = {"log_rows",
                                                             "log_columns",
                                                             "log_rows_per_column",
                                                             "log_classes",
                                                             "share_category",
                                                             "share_text",
                                                             "share_datetime",
                                                             "share_integer",
                                                             "share_two_valued",
                                                             "share_missing",
                                                             "share_columns_missing",
                                                             "class_entropy",
                                                             "class_share_min",
                                                             "class_share_max",
                                                             "skew_mean",
                                                             "skew_sd",
                                                             "kurtosis_mean",
                                                             "kurtosis_sd",
                                                             "share_outliers",
                                                             "share_zero",
                                                             "log_variation_mean",
                                                             "distinct_mean",
                                                             "distinct_min",
                                                             "log_levels_mean",
                                                             "log_levels_max",
                                                             "log_text_length",
                                                             "target_skew",
                                                             "target_kurtosis",
                                                             "target_distinct",
                                                             "target_outliers",
                                                             "target_zero",
                                                             "correlation_mean",
                                                             "correlation_max",
                                                             "relevance_mean",
                                                             "relevance_max",
                                                             "relevance_sd"};

/* ---- sums over columns ---- */

typedef struct tally {
    double n, sum, squares, lowest, highest;
} tally;

static void add(tally *t, double x) {
    if (!isfinite(x)) return;
    t->lowest = t->n > 0 ? fmin(t->lowest, x) : x;
    t->highest = t->n > 0 ? fmax(t->highest, x) : x;
    t->n++;
    t->sum += x;
    t->squares += x * x;
}

static double mean_of(const tally *t) { return t->n > 0 ? t->sum / t->n : 0; }

static double sd_of(const tally *t) {
    double m = mean_of(t);
    return t->n > 0 ? sqrt(fmax(t->squares / t->n - m * m, 0)) : 0;
}

/* ---- one column of numbers ---- */

typedef struct moments {
    double n, mean, sd, skew, kurtosis, outliers, zeros,
        distinct; /* the last three as shares of n */
} moments;

static aml_status describe(moments *m, const double *x, size_t n, double *work) {
    size_t k = 0, distinct = 0;
    double scale = 0, s2 = 0, s3 = 0, s4 = 0;
    *m = (moments){0};
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) work[k++] = x[i], scale = fmax(scale, fabs(x[i]));
    if (!k) return AML_OK;
    AML_TRY(aml_sort_f64(work, k));
    for (size_t i = 0; i < k; i++) {
        distinct += !i || work[i] != work[i - 1];
        m->zeros += work[i] == 0;
        m->mean += work[i] / (double)k;
    }
    for (size_t i = 0; i < k && scale > 0; i++) { /* scaled: squares of large numbers stay finite */
        double d = (work[i] - m->mean) / scale;
        s2 += d * d, s3 += d * d * d, s4 += d * d * d * d;
    }
    double sd = sqrt(s2 / (double)k);
    m->n = (double)k;
    m->sd = sd * scale;
    if (sd > 1e-12) {
        m->skew = s3 / (double)k / (sd * sd * sd);
        m->kurtosis = s4 / (double)k / (sd * sd * sd * sd);
    }
    for (size_t i = 0; i < k; i++) m->outliers += fabs(work[i] - m->mean) > 3 * m->sd;
    m->outliers /= m->n;
    m->zeros /= m->n;
    m->distinct = (double)distinct / m->n;
    return AML_OK;
}

/* ---- associations ---- */

static double correlation(const double *x, const moments *mx, const double *y, const moments *my,
                          size_t n) {
    double sum = 0, count = 0;
    if (!(mx->sd > 0) || !(my->sd > 0)) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) continue;
        sum += (x[i] - mx->mean) / mx->sd * ((y[i] - my->mean) / my->sd);
        count++;
    }
    return count > 0 ? fmin(fabs(sum / count), 1) : 0;
}

/* sqrt(between groups / total) of x, corrected for chance; group numbers < n_groups, others are
 * left out. */
static double correlation_ratio(const double *x, const double *group, size_t n, size_t n_groups,
                                double *work) {
    double *sum = work, *count = work + n_groups, total = 0, squares = 0, all = 0, between = 0;
    memset(work, 0, 2 * n_groups * sizeof *work);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !(group[i] >= 0 && group[i] < (double)n_groups)) continue;
        sum[(size_t)group[i]] += x[i];
        count[(size_t)group[i]]++;
        total += x[i];
        squares += x[i] * x[i];
        all++;
    }
    if (all < 2) return 0;
    double used = 0, variance = squares - total * total / all;
    for (size_t g = 0; g < n_groups; g++)
        if (count[g] > 0) between += sum[g] * sum[g] / count[g], used++;
    between -= total * total / all;
    if (!(variance > 1e-12 * squares)) return 0;
    double share = between / variance, chance = (used - 1) / (all - 1);
    return chance < 1 ? sqrt(fmin(fmax((share - chance) / (1 - chance), 0), 1)) : 0;
}

/* ---- the sample ---- */

typedef struct sample {
    const aml_frame *frame;
    const aml_task *task;
    const uint8_t *use;
    size_t n, p, p_seen; /* rows looked at; feature columns, and those looked at */
    const uint32_t *rows;
    const aml_column **columns; /* p_seen */
    double **x;                 /* p_seen: n values; NULL for text */
    moments *m;                 /* p_seen */
    double *y, *work;           /* n, 2 n + 2 × groups */
    moments target;
} sample;

static uint32_t *draw_rows(size_t *n, size_t all, aml_ctx *ctx) {
    aml_rng rng = aml_rng_child(&ctx->rng, 0);
    *n = all < MAX_ROWS ? all : MAX_ROWS;
    uint32_t *rows = AML_ARRAY(ctx->scratch, *n, uint32_t);
    for (size_t i = 0; rows && i < *n; i++) /* one of each stretch of the file */
        rows[i] = all == *n
                      ? (uint32_t)i
                      : (uint32_t)(((double)i + aml_rng_uniform(&rng)) * (double)all / (double)*n);
    return rows;
}

static void pick_columns(sample *s) {
    size_t seen = 0;
    for (size_t j = 0; j < s->frame->p; j++) s->p += !s->use || s->use[j];
    size_t want = s->p < MAX_COLUMNS ? s->p : MAX_COLUMNS;
    for (size_t j = 0; j < s->frame->p; j++) {
        if (s->use && !s->use[j]) continue;
        if (seen * want / s->p != (seen + 1) * want / s->p)
            s->columns[s->p_seen++] = &s->frame->columns[j];
        seen++;
    }
}

static aml_status read_column(sample *s, size_t j, aml_arena *scratch) {
    const aml_column *c = s->columns[j];
    if (!c->number && !c->code) return AML_OK;
    double *x = s->x[j] = AML_ARRAY(scratch, s->n, double);
    if (!x) return AML_ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        if (c->number) x[i] = c->number[s->rows[i]];
        else x[i] = c->code[s->rows[i]] < 0 ? NAN : (double)c->code[s->rows[i]];
    }
    return describe(&s->m[j], x, s->n, s->work);
}

static aml_status take_sample(sample *s, aml_ctx *ctx) {
    size_t groups = MAX_ROWS + (size_t)(s->task->n_classes > 0 ? s->task->n_classes : 0);
    s->rows = draw_rows(&s->n, s->frame->n, ctx);
    s->columns = AML_ARRAY(ctx->scratch, s->frame->p, const aml_column *);
    s->work = AML_ARRAY(ctx->scratch, 2 * s->n + 2 * groups, double);
    s->y = AML_ARRAY(ctx->scratch, s->n, double);
    if (!s->rows || !s->columns || !s->work || !s->y) return AML_ENOMEM;
    pick_columns(s);
    s->x = AML_ARRAY(ctx->scratch, s->p_seen, double *);
    s->m = AML_ARRAY(ctx->scratch, s->p_seen, moments);
    if (!s->x || !s->m) return AML_ENOMEM;
    for (size_t i = 0; i < s->n; i++) s->y[i] = s->task->y[s->rows[i]];
    for (size_t j = 0; j < s->p_seen; j++) AML_TRY(read_column(s, j, ctx->scratch));
    return describe(&s->target, s->y, s->n, s->work);
}

/* ---- the features ---- */

static void put_size(double *out, const sample *s) {
    double n = (double)s->frame->n, p = (double)s->p;
    out[LOG_ROWS] = log(n + 1);
    out[LOG_COLUMNS] = log(p + 1);
    out[LOG_ROWS_PER_COLUMN] = log((n + 1) / (p + 1));
    out[LOG_CLASSES] = s->task->n_classes > 0 ? log((double)s->task->n_classes) : 0;
}

static void put_kinds(double *out, const sample *s) {
    double p = s->p_seen ? (double)s->p_seen : 1, numbers = 0, missing = 0;
    tally levels = {0}, length = {0};
    for (size_t j = 0; j < s->p_seen; j++) {
        const aml_column *c = s->columns[j];
        out[SHARE_CATEGORY] += (c->kind == AML_CATEGORY) / p;
        out[SHARE_TEXT] += (c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) / p;
        out[SHARE_DATETIME] += (c->kind == AML_DATETIME) / p;
        numbers += c->kind == AML_NUMBER;
        out[SHARE_INTEGER] += c->kind == AML_NUMBER && c->integer;
        out[SHARE_TWO_VALUED] += (s->m[j].n > 0 && s->m[j].distinct * s->m[j].n < 2.5) / p;
        out[SHARE_COLUMNS_MISSING] += (c->n_missing > 0) / p;
        missing += (double)c->n_missing / (s->frame->n ? (double)s->frame->n : 1);
        if (c->kind == AML_CATEGORY) add(&levels, log((double)c->n_levels + 1));
        if (c->offset && s->frame->n)
            add(&length, (double)c->offset[s->frame->n] / (double)s->frame->n);
    }
    if (numbers > 0) out[SHARE_INTEGER] /= numbers;
    out[SHARE_MISSING] = missing / p;
    out[LOG_LEVELS_MEAN] = mean_of(&levels);
    out[LOG_LEVELS_MAX] = levels.highest;
    out[LOG_TEXT_LENGTH] = log(mean_of(&length) + 1);
}

static void put_shapes(double *out, const sample *s) {
    tally skew = {0}, kurtosis = {0}, outliers = {0}, zero = {0}, variation = {0}, distinct = {0};
    for (size_t j = 0; j < s->p_seen; j++) {
        const moments *m = &s->m[j];
        if (s->columns[j]->kind != AML_NUMBER || !(m->n > 0)) continue;
        add(&skew, fabs(m->skew));
        add(&kurtosis, log(m->kurtosis + 1));
        add(&outliers, m->outliers);
        add(&zero, m->zeros);
        add(&variation, log(fmin(m->sd / (fabs(m->mean) + 1e-12), 1e6) + 1e-6));
        add(&distinct, m->distinct);
    }
    out[SKEW_MEAN] = mean_of(&skew);
    out[SKEW_SD] = sd_of(&skew);
    out[KURTOSIS_MEAN] = mean_of(&kurtosis);
    out[KURTOSIS_SD] = sd_of(&kurtosis);
    out[SHARE_OUTLIERS] = mean_of(&outliers);
    out[SHARE_ZERO] = mean_of(&zero);
    out[LOG_VARIATION_MEAN] = mean_of(&variation);
    out[DISTINCT_MEAN] = mean_of(&distinct);
    out[DISTINCT_MIN] = distinct.lowest;
}

static void put_classes(double *out, const sample *s) {
    size_t k = (size_t)s->task->n_classes;
    double *count = s->work, n = s->n ? (double)s->n : 1;
    memset(count, 0, k * sizeof *count);
    for (size_t i = 0; i < s->n; i++)
        if (s->y[i] >= 0 && s->y[i] < (double)k) count[(size_t)s->y[i]]++;
    out[CLASS_SHARE_MIN] = 1;
    for (size_t c = 0; c < k; c++) {
        double share = count[c] / n;
        if (share > 0) out[CLASS_ENTROPY] -= share * log(share);
        out[CLASS_SHARE_MIN] = fmin(out[CLASS_SHARE_MIN], share);
        out[CLASS_SHARE_MAX] = fmax(out[CLASS_SHARE_MAX], share);
    }
    if (k > 1) out[CLASS_ENTROPY] /= log((double)k);
}

static void put_target(double *out, const sample *s) {
    if (s->task->kind != AML_REGRESSION) {
        put_classes(out, s);
        return;
    }
    out[TARGET_SKEW] = s->target.skew;
    out[TARGET_KURTOSIS] = log(s->target.kurtosis + 1);
    out[TARGET_DISTINCT] = s->target.distinct;
    out[TARGET_OUTLIERS] = s->target.outliers;
    out[TARGET_ZERO] = s->target.zeros;
}

/* How strongly column j goes with the target; NaN when that cannot be told. */
static double relevance(const sample *s, size_t j) {
    const aml_column *c = s->columns[j];
    bool regression = s->task->kind == AML_REGRESSION;
    if (!s->x[j] || !(s->m[j].n > 1)) return NAN;
    if (c->kind != AML_CATEGORY && regression)
        return correlation(s->x[j], &s->m[j], s->y, &s->target, s->n);
    if (c->kind != AML_CATEGORY)
        return correlation_ratio(s->x[j], s->y, s->n, (size_t)s->task->n_classes, s->work);
    size_t levels = c->n_levels < MAX_ROWS ? c->n_levels : MAX_ROWS;
    return levels ? correlation_ratio(s->y, s->x[j], s->n, levels, s->work) : NAN;
}

static void put_associations(double *out, const sample *s) {
    tally between = {0}, with_target = {0};
    size_t step = s->p_seen / MAX_PAIRED + 1;
    for (size_t j = 0; j < s->p_seen; j++) add(&with_target, relevance(s, j));
    for (size_t j = 0; j < s->p_seen; j += step)
        for (size_t k = 0; k < j; k += step)
            if (s->columns[j]->kind == AML_NUMBER && s->columns[k]->kind == AML_NUMBER)
                add(&between, correlation(s->x[j], &s->m[j], s->x[k], &s->m[k], s->n));
    out[CORRELATION_MEAN] = mean_of(&between);
    out[CORRELATION_MAX] = between.highest;
    out[RELEVANCE_MEAN] = mean_of(&with_target);
    out[RELEVANCE_MAX] = with_target.highest;
    out[RELEVANCE_SD] = sd_of(&with_target);
}

aml_status aml_metafeatures(double *out, const aml_frame *f, const uint8_t *use,
                            const aml_task *task, aml_ctx *ctx) {
    sample s = {.frame = f, .task = task, .use = use};
    AML_TRY(take_sample(&s, ctx));
    memset(out, 0, AML_METAFEATURES * sizeof *out);
    put_size(out, &s);
    put_kinds(out, &s);
    put_shapes(out, &s);
    put_target(out, &s);
    put_associations(out, &s);
    for (size_t i = 0; i < AML_METAFEATURES; i++)
        if (!isfinite(out[i])) out[i] = 0;
    return AML_OK;
}
