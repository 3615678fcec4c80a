/* study_score.c: the score of the model on rows that had no say in it, with its interval. */
#include <math.h>
#include <string.h>

#include "automl/engine/study.h"

/* No row was wrong, so resampling finds no spread. Up to three in n may be wrong all the same (1 - 3/n is the lower end
 * of the 95 % interval for 0 errors in n: the rule of three): the score with three predictions turned round. */
static aml_status three_wrong(double *bad, const aml_study *s, const double *pred) {
    const aml_bench *b = &s->bench;
    size_t n = b->n_scored, k = (size_t)b->n_outputs;
    double *q = aml_alloc_raw(s->ctx.scratch, n * k, sizeof *q);
    if (!q) return AML_ENOMEM;
    memcpy(q, pred, n * k * sizeof *q);
    for (size_t i = 0; i < 3; i++) {
        size_t row = (2 * i + 1) * n / 6, class = (size_t)b->y[row];
        double *p = q + row * k, *other = k > 1 ? &p[(class + 1) % k] : NULL, was = *p;
        if (!other) *p = 1 - *p;
        else was = p[class], p[class] = *other, *other = was;
    }
    aml_status status = b->metric->score(bad, b->y, b->w, q, n, s->task.n_classes);
    return status == AML_ENOMEM ? status : AML_OK;
}

aml_status aml_study_score(aml_study *s, double value, const double *pred) {
    const aml_bench *b = &s->bench;
    const aml_metric *metric = b->metric;
    aml_score *score = &s->model->score;
    double pooled = NAN, low, high;
    *score = (aml_score){
        .size = sizeof *score, .baseline = s->yardstick->score, .low = NAN, .high = NAN};
    score->method =
        b->folds->k > 1
            ? "folds; every row is predicted by models fitted, stopped and weighted without it "
              "(the search saw it); bootstrap over rows"
            : "holdout; every row is predicted by models fitted, stopped and weighted without it "
              "(the search saw it); bootstrap over rows";
    score->value = value;
    if (metric->score(&pooled, b->y, b->w, pred, b->n_scored, s->task.n_classes)) pooled = NAN;
    s->ctx.rng = aml_rng_stream(b->seed, AML_RNG_BOOTSTRAP, 0, 0);
    AML_TRY(aml_bootstrap(&low, &high, metric, b->y, b->w, pred, b->n_scored, (size_t)b->n_outputs,
                          s->task.n_classes, &s->ctx));
    score->low = score->value + low - pooled;
    score->high = score->value + high - pooled;
    if (!(score->high > score->low) && s->task.kind != AML_REGRESSION && isfinite(score->low)) {
        double *worse = metric->higher_is_better ? &score->low : &score->high;
        AML_TRY(three_wrong(worse, s, pred));
    }
    if (metric->higher_is_better && score->high > metric->best) score->high = metric->best;
    if (!metric->higher_is_better && score->low < metric->best) score->low = metric->best;
    return AML_OK;
}
