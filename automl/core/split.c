/* split.c: rows to folds: strata dealt like cards, groups placed largest first, time cut up.
 *
 * Every way ends in one label a row: fold f is scored on the rows with label f + 1. */
#include "automl/core/split.h"

#include <assert.h>
#include <math.h>

#include "automl/core/sort.h"

enum { MOST_BINS = 20 }; /* target quantiles of a regression */

typedef struct work {
    const aml_task *task;
    size_t n, k;
    aml_rng rng;
    aml_arena *tmp;
    uint32_t *label;   /* 0 = never validated */
    uint32_t *stratum; /* class or target quantile */
    size_t n_strata;
    uint32_t *order; /* rows, stratum by stratum, or group by group */
    size_t *start;   /* where each stratum begins in order, and the end */
} work;

/* ---- strata ---- */

static aml_status make_strata(work *w, size_t rows_a_bin) {
    const aml_task *t = w->task;
    size_t bins = w->n / rows_a_bin;
    w->n_strata = bins < 1 ? 1 : bins > MOST_BINS ? MOST_BINS : bins;
    if (t->kind != AML_REGRESSION) w->n_strata = (size_t)(t->n_classes > 1 ? t->n_classes : 1);
    w->stratum = AML_ARRAY(w->tmp, w->n, uint32_t);
    w->order = AML_ARRAY(w->tmp, w->n, uint32_t);
    w->start = AML_ARRAY(w->tmp, w->n_strata + 1, size_t);
    if (!w->stratum || !w->order || !w->start) return AML_ENOMEM;
    if (t->kind == AML_REGRESSION) {
        AML_TRY(aml_argsort(w->order, t->y, w->n));
        for (size_t i = 0; i < w->n; i++)
            w->stratum[w->order[i]] = (uint32_t)(i * w->n_strata / w->n);
    } else {
        for (size_t i = 0; i < w->n; i++) w->stratum[i] = (uint32_t)t->y[i];
    }
    for (size_t i = 0; i < w->n; i++) {
        assert(w->stratum[i] < w->n_strata);
        w->start[w->stratum[i] + 1]++;
    }
    for (size_t s = 0; s < w->n_strata; s++) w->start[s + 1] += w->start[s];
    return AML_OK;
}

/* order: the strata one after the other, each shuffled. */
static aml_status shuffle_strata(work *w) {
    uint32_t *rows = AML_ARRAY(w->tmp, w->n, uint32_t);
    size_t *at = aml_copy(w->tmp, w->start, w->n_strata * sizeof *at);
    if (!rows || !at) return AML_ENOMEM;
    for (size_t i = 0; i < w->n; i++) rows[i] = (uint32_t)i;
    aml_rng_shuffle(&w->rng, rows, w->n);
    for (size_t i = 0; i < w->n; i++) w->order[at[w->stratum[rows[i]]]++] = rows[i];
    return AML_OK;
}

/* A fold without one of two classes has no ranking to score, so k is at most the size of the
 * smaller class; among many classes rare ones are common and may cost folds only down to 3. */
static size_t fewer_folds(const work *w, const size_t *count) {
    size_t least = w->task->kind == AML_BINARY ? 2 : 3, k = w->k;
    for (size_t s = 0; s < w->n_strata; s++) {
        size_t c = count[s] < least ? least : count[s];
        if (count[s] && c < k) k = c;
    }
    return k;
}

static aml_status stratified_kfold(work *w) {
    AML_TRY(make_strata(w, 2 * w->k));
    AML_TRY(shuffle_strata(w));
    if (w->task->kind != AML_REGRESSION) {
        size_t *count = AML_ARRAY(w->tmp, w->n_strata, size_t);
        if (!count) return AML_ENOMEM;
        for (size_t s = 0; s < w->n_strata; s++) count[s] = w->start[s + 1] - w->start[s];
        w->k = fewer_folds(w, count);
    }
    if (w->k > w->n) w->k = w->n;
    for (size_t i = 0; i < w->n; i++) w->label[w->order[i]] = (uint32_t)(i % w->k) + 1;
    return AML_OK;
}

static size_t share_of(double share, size_t n) {
    double m = round(share * (double)n);
    return m < 1 ? 1 : m > (double)(n - 1) ? n - 1 : (size_t)m;
}

/* A class of at least two rows is on both sides. */
static aml_status stratified_holdout(work *w, double share) {
    AML_TRY(make_strata(w, 10));
    AML_TRY(shuffle_strata(w));
    size_t m = share_of(share, w->n);
    for (size_t s = 0; s < w->n_strata; s++) {
        size_t begin = w->start[s], end = w->start[s + 1];
        size_t quota = end * m / w->n - begin * m / w->n;
        if (w->task->kind != AML_REGRESSION && end - begin >= 2) {
            if (quota < 1) quota = 1;
            if (quota == end - begin) quota--;
        }
        for (size_t i = 0; i < quota; i++) w->label[w->order[begin + i]] = 1;
    }
    return AML_OK;
}

/* ---- groups ---- */

typedef struct groups {
    size_t n;
    size_t *start;    /* rows of group g: order[start[g] … start[g + 1]-1] */
    uint32_t *ranked; /* group numbers, largest first, equals at random */
} groups;

static aml_status find_groups(groups *g, work *w) {
    const uint32_t *group = w->task->group;
    double *key = AML_ARRAY(w->tmp, w->n, double);
    g->start = AML_ARRAY(w->tmp, w->n + 1, size_t);
    if (!key || !g->start) return AML_ENOMEM;
    for (size_t i = 0; i < w->n; i++) key[i] = group[i];
    AML_TRY(aml_argsort(w->order, key, w->n));
    for (size_t i = 0; i < w->n; i++)
        if (!i || group[w->order[i]] != group[w->order[i - 1]]) g->start[g->n++] = i;
    g->start[g->n] = w->n;
    if (g->n < 2) {
        aml_fail(AML_EDATA, "all %zu rows are of one group", w->n);
        return aml_help(AML_EDATA, "rows of one group are never both trained on and validated on",
                        "use a group column with at least 2 values, or none");
    }
    uint32_t *shuffled = AML_ARRAY(w->tmp, g->n, uint32_t),
             *rank = AML_ARRAY(w->tmp, g->n, uint32_t);
    g->ranked = AML_ARRAY(w->tmp, g->n, uint32_t);
    if (!shuffled || !rank || !g->ranked) return AML_ENOMEM;
    for (size_t i = 0; i < g->n; i++) shuffled[i] = (uint32_t)i;
    aml_rng_shuffle(&w->rng, shuffled, g->n);
    for (size_t i = 0; i < g->n; i++)
        key[i] = -(double)(g->start[shuffled[i] + 1] - g->start[shuffled[i]]);
    AML_TRY(aml_argsort(rank, key, g->n));
    for (size_t i = 0; i < g->n; i++) g->ranked[i] = shuffled[rank[i]];
    return AML_OK;
}

/* count[s]: how many groups have a row of stratum s. */
static aml_status groups_with(size_t **count, const groups *g, const work *w) {
    size_t *seen = AML_ARRAY(w->tmp, w->n_strata, size_t);
    *count = AML_ARRAY(w->tmp, w->n_strata, size_t);
    if (!seen || !*count) return AML_ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        for (size_t j = g->start[i]; j < g->start[i + 1]; j++) {
            uint32_t s = w->stratum[w->order[j]];
            if (seen[s] == i + 1) continue;
            seen[s] = i + 1;
            (*count)[s]++;
        }
    }
    return AML_OK;
}

/* What is in the parts so far. A group goes where it adds least to
 * sum over parts p and strata s of (rows of s in p)^2 / (rows of s)^2 / share of p, sizes alike. */
typedef struct parts {
    size_t k, empty;
    const double *share; /* sum 1 */
    double *rows;        /* k */
    double *count;       /* n_strata × k */
    double *cost;        /* k, of the group at hand */
} parts;

static size_t cheapest_part(parts *p, const work *w, const uint32_t *rows, size_t n,
                            bool only_empty) {
    double all = (double)w->n, size = (double)n;
    for (size_t f = 0; f < p->k; f++)
        p->cost[f] = size * (2 * p->rows[f] + size) / (all * all * p->share[f]);
    for (size_t j = 0; j < n; j++) {
        uint32_t s = w->stratum[rows[j]];
        double total = (double)(w->start[s + 1] - w->start[s]);
        double *count = p->count + s * p->k; /* row by row: each sees those before it */
        for (size_t f = 0; f < p->k; f++) {
            p->cost[f] += (2 * count[f] + 1) / (total * total * p->share[f]);
            count[f]++;
        }
    }
    for (size_t j = 0; j < n; j++)
        for (size_t f = 0; f < p->k; f++) p->count[w->stratum[rows[j]] * p->k + f]--;
    size_t best = p->k;
    for (size_t f = 0; f < p->k; f++)
        if ((!only_empty || p->rows[f] == 0) && (best == p->k || p->cost[f] < p->cost[best]))
            best = f;
    return best;
}

/* label = part + base. */
static aml_status place_groups(work *w, const groups *g, const double *share, size_t k,
                               uint32_t base) {
    parts p = {.k = k, .empty = k, .share = share};
    p.rows = AML_ARRAY(w->tmp, k, double);
    p.count = AML_ARRAY(w->tmp, w->n_strata * k, double);
    p.cost = AML_ARRAY(w->tmp, k, double);
    if (!p.rows || !p.count || !p.cost) return AML_ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        size_t begin = g->start[g->ranked[i]], n = g->start[g->ranked[i] + 1] - begin;
        const uint32_t *rows = w->order + begin;
        size_t f = cheapest_part(&p, w, rows, n, g->n - i <= p.empty);
        if (p.rows[f] == 0) p.empty--;
        p.rows[f] += (double)n;
        for (size_t j = 0; j < n; j++) {
            p.count[w->stratum[rows[j]] * k + f]++;
            w->label[rows[j]] = (uint32_t)f + base;
        }
    }
    return AML_OK;
}

static aml_status grouped_kfold(work *w) {
    groups g = {0};
    size_t *count;
    AML_TRY(make_strata(w, w->n / 5 + 1));
    AML_TRY(find_groups(&g, w));
    AML_TRY(groups_with(&count, &g, w));
    if (w->task->kind != AML_REGRESSION) w->k = fewer_folds(w, count);
    if (w->k > g.n) w->k = g.n;
    double *share = AML_ARRAY(w->tmp, w->k, double);
    if (!share) return AML_ENOMEM;
    for (size_t f = 0; f < w->k; f++) share[f] = 1 / (double)w->k;
    return place_groups(w, &g, share, w->k, 1);
}

static aml_status grouped_holdout(work *w, double share) {
    groups g = {0};
    AML_TRY(make_strata(w, w->n / 5 + 1));
    AML_TRY(find_groups(&g, w));
    return place_groups(w, &g, (double[]){1 - share, share}, 2, 0);
}

/* ---- time ---- */

static bool same_time(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* Labels the rows 0 … k by k cuts between different times, each as near as it can be to what is
 * wished (places in time order, upwards). Lowers k when there are fewer places to cut. */
static aml_status cut_time(work *w, const double *wish) {
    const double *time = w->task->time;
    size_t *cut = AML_ARRAY(w->tmp, w->n, size_t), n_cuts = 0, next = 0;
    w->order = AML_ARRAY(w->tmp, w->n, uint32_t);
    if (!cut || !w->order) return AML_ENOMEM;
    AML_TRY(aml_argsort(w->order, time, w->n));
    for (size_t i = 1; i < w->n; i++)
        if (!same_time(time[w->order[i]], time[w->order[i - 1]])) cut[n_cuts++] = i;
    if (!n_cuts) {
        aml_fail(AML_EDATA, "all %zu rows are of one time", w->n);
        return aml_help(AML_EDATA, "validation forward in time needs an earlier and a later row",
                        "use a time column with at least 2 values, or none");
    }
    if (w->k > n_cuts) w->k = n_cuts;
    for (size_t f = 0; f < w->k; f++, next++) {
        size_t last = n_cuts - (w->k - f); /* leaves one for each later fold */
        while (next < last &&
               fabs((double)cut[next + 1] - wish[f]) <= fabs((double)cut[next] - wish[f]))
            next++;
        for (size_t i = cut[next]; i < w->n; i++) w->label[w->order[i]] = (uint32_t)f + 1;
    }
    return AML_OK;
}

static aml_status forward_kfold(work *w) {
    double *wish = AML_ARRAY(w->tmp, w->k, double);
    if (!wish) return AML_ENOMEM;
    for (size_t f = 0; f < w->k; f++) wish[f] = (double)w->n * (double)(f + 1) / (double)(w->k + 1);
    return cut_time(w, wish);
}

static aml_status forward_holdout(work *w, double share) {
    return cut_time(w, (double[]){(double)(w->n - share_of(share, w->n))});
}

/* ---- labels to lists ---- */

static aml_status collect(aml_folds *out, const work *w, aml_arena *keep) {
    bool forward = w->task->time && !w->task->group;
    const uint32_t **train = AML_ARRAY(keep, w->k, const uint32_t *);
    const uint32_t **valid = AML_ARRAY(keep, w->k, const uint32_t *);
    size_t *n_train = AML_ARRAY(keep, w->k, size_t), *n_valid = AML_ARRAY(keep, w->k, size_t);
    size_t *count = AML_ARRAY(w->tmp, w->k + 1, size_t), before = 0;
    if (!train || !valid || !n_train || !n_valid || !count) return AML_ENOMEM;
    for (size_t i = 0; i < w->n; i++) count[w->label[i]]++;
    for (size_t f = 0; f < w->k; f++) {
        before += count[f];
        n_valid[f] = count[f + 1];
        n_train[f] = forward ? before : w->n - count[f + 1];
        uint32_t *t = AML_ARRAY(keep, n_train[f], uint32_t),
                 *v = AML_ARRAY(keep, n_valid[f], uint32_t);
        if (!t || !v) return AML_ENOMEM;
        train[f] = t;
        valid[f] = v;
        for (size_t i = 0; i < w->n; i++) {
            if (w->label[i] == f + 1) *v++ = (uint32_t)i;
            else if (!forward || w->label[i] <= f) *t++ = (uint32_t)i;
        }
    }
    *out = (aml_folds){w->k, train, n_train, valid, n_valid, out->scheme};
    return AML_OK;
}

static const char *way(const aml_task *t) {
    return t->group ? "grouped" : t->time ? "time-ordered" : "stratified";
}

static aml_status split(aml_folds *out, work *w, double share, aml_arena *keep) {
    const aml_task *t = w->task;
    w->label = AML_ARRAY(w->tmp, w->n, uint32_t);
    if (!w->label) return AML_ENOMEM;
    if (share > 0)
        AML_TRY(t->group  ? grouped_holdout(w, share)
                : t->time ? forward_holdout(w, share)
                          : stratified_holdout(w, share));
    else AML_TRY(t->group ? grouped_kfold(w) : t->time ? forward_kfold(w) : stratified_kfold(w));
    const char *rule = share > 0 && !t->group && !t->time ? "" : way(t), *gap = *rule ? " " : "";
    out->scheme = share > 0 ? aml_printf(keep, "%s%sholdout %.0f %%", rule, gap, 100 * share)
                            : aml_printf(keep, "%s%s%zu-fold", rule, gap, w->k);
    return out->scheme ? collect(out, w, keep) : AML_ENOMEM;
}

static aml_status start_split(aml_folds *out, const aml_task *task, size_t k, double share,
                              aml_rng rng, aml_arena *keep) {
    if (task->n < 2) {
        aml_fail(AML_EDATA, "at least 2 rows are needed to train and validate, got %zu", task->n);
        return aml_help(AML_EDATA, NULL, "give more rows with a target");
    }
    if (task->n > UINT32_MAX)
        return aml_fail(AML_EDATA, "at most %u rows can be split, got %zu", UINT32_MAX, task->n);
    work w = {.task = task, .n = task->n, .k = k < task->n ? k : task->n, .rng = rng};
    w.tmp = aml_arena_new(NULL);
    if (!w.tmp) return AML_ENOMEM;
    aml_status status = split(out, &w, share, keep);
    aml_arena_free(w.tmp);
    return status;
}

aml_status aml_split_kfold(aml_folds *out, const aml_task *task, size_t k, aml_rng rng,
                           aml_arena *keep) {
    if (k < 2) return aml_fail(AML_EINVAL, "the number of folds must be at least 2, got %zu", k);
    return start_split(out, task, k, 0, rng, keep);
}

aml_status aml_split_holdout(aml_folds *out, const aml_task *task, double share, aml_rng rng,
                             aml_arena *keep) {
    if (!(share > 0 && share < 1))
        return aml_fail(AML_EINVAL, "the validation share must be between 0 and 1, got %g", share);
    return start_split(out, task, 1, share, rng, keep);
}
