/* split_sample.c: some of the rows, each class by its share. */
#include "automl/core/arena.h"
#include "automl/core/split.h"

/* Part of `total` that falls to the items after `before` and up to `after` of n. */
static size_t slice(size_t before, size_t after, size_t total, size_t n) {
    return n ? (size_t)((uint64_t)after * total / n - (uint64_t)before * total / n) : 0;
}

/* take[s] of left[s] rows by its share; what it lacks of two of each class (one, when n is small)
 * is taken from the classes that have more, by theirs. */
static void sample_quotas(size_t *take, const size_t *left, size_t n_strata, size_t n,
                          size_t total) {
    size_t least = n / n_strata < 2 ? n / n_strata : 2, before = 0, lacking = 0, spare = 0;
    for (size_t s = 0; s < n_strata; before += left[s++]) {
        size_t need = left[s] < least ? left[s] : least;
        take[s] = slice(before, before + left[s], n, total);
        if (take[s] < need) lacking += need - take[s];
        else spare += take[s] - need;
    }
    before = 0;
    for (size_t s = 0; s < n_strata; s++) {
        size_t need = left[s] < least ? left[s] : least, more = take[s] < need ? 0 : take[s] - need;
        if (more) take[s] -= slice(before, before + more, lacking, spare);
        else take[s] = need;
        before += more;
    }
}

/* Knuth's algorithm S in each stratum, all in one pass over the rows. */
static size_t draw(uint32_t *rows, const aml_task *task, size_t *take, size_t *left, aml_rng *rng) {
    size_t n = 0;
    bool classes = task->kind != AML_REGRESSION;
    for (size_t i = 0; i < task->n; i++) {
        size_t s = classes ? (size_t)task->y[i] : 0;
        if (aml_rng_below(rng, (uint32_t)left[s]--) >= take[s]) continue;
        take[s]--;
        rows[n++] = (uint32_t)i;
    }
    return n;
}

size_t aml_split_sample(uint32_t *rows, const aml_task *task, size_t n, aml_rng rng) {
    size_t few[2 * 64] = {0}, n_strata = 1;
    if (n >= task->n) {
        for (size_t i = 0; i < task->n; i++) rows[i] = (uint32_t)i;
        return task->n;
    }
    if (task->kind != AML_REGRESSION && task->n_classes > 1) n_strata = (size_t)task->n_classes;
    size_t *left = n_strata <= 64 ? few : aml_calloc(2 * n_strata, sizeof *left);
    if (!left) { /* no memory: a plain sample, as for a regression */
        aml_task plain = *task;
        plain.kind = AML_REGRESSION;
        return aml_split_sample(rows, &plain, n, rng);
    }
    for (size_t i = 0; i < task->n; i++) left[n_strata > 1 ? (size_t)task->y[i] : 0]++;
    sample_quotas(left + n_strata, left, n_strata, n, task->n);
    size_t count = draw(rows, task, left + n_strata, left, &rng);
    if (left != few) aml_free(left);
    return count;
}
