/* advice.c: what the knowledge says after some trials. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "search/parts/points.h"
#include "search/parts/prior.h"

/* ---- pipelines as configurations ---- */

static const char *setting(const aml_pipeline *p, const char *name) {
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->settings[i].name, name)) return p->settings[i].value;
    return NULL;
}

/* A text as the nearest value that the dimension allows; false for a choice it does not have. */
static bool read_value(double *out, const aml_dim *d, const char *text) {
    size_t choices = aml_param_choices(d->param);
    if (d->param->kind != AML_CHOICE) return aml_parse_double(out, text, strlen(text));
    for (size_t i = 0; i < choices; i++) {
        if (strcmp(d->param->choices[i], text)) continue;
        *out = (double)i;
        return *out >= d->lo && *out <= d->hi;
    }
    return false;
}

/* False when the space does not have the pipeline's root (its learner). Other unknown settings are
 * left at their defaults: a space that was narrowed still profits. */
static bool map_pipeline(double *config, const aml_space *space, const aml_groups *groups,
                         const aml_pipeline *p) {
    for (size_t i = 0; i < space->n; i++) {
        const char *text = setting(p, space->dims[i].name);
        config[i] = NAN;
        bool read = text && read_value(&config[i], &space->dims[i], text);
        if (!i && groups->rooted && !read) return false;
        if (!read) config[i] = NAN;
    }
    aml_space_repair(config, space);
    return true;
}

/* Names that can be read. */
static double three_digits(double x) {
    double unit = x != 0 ? pow(10, 2 - floor(log10(fabs(x)))) : 0;
    return unit >= 1 ? round(x * unit) / unit : x;
}

aml_status aml_pipeline_of(aml_pipeline *out, const aml_space *space, const double *config,
                           aml_arena *keep) {
    aml_setting *s = AML_ARRAY(keep, space->n, aml_setting);
    size_t n = 0;
    for (size_t d = 0; s && d < space->n; d++) {
        const aml_param *p = space->dims[d].param;
        aml_string text = {0};
        if (!aml_space_live(space, config, d)) continue;
        aml_param_write(&text, p, p->kind == AML_REAL ? three_digits(config[d]) : config[d]);
        s[n].name = space->dims[d].name;
        s[n].value = text.failed ? NULL : aml_strdup(keep, text.text);
        aml_string_free(&text);
        if (!s[n++].value) return AML_ENOMEM;
    }
    *out = (aml_pipeline){.n = n, .settings = s};
    return s ? AML_OK : AML_ENOMEM;
}

static void map_all(aml_advice *a, const aml_space *space) {
    aml_groups groups = aml_space_groups(space);
    for (size_t j = 0; j < a->p; j++) {
        double *config = a->configs + j * space->n;
        a->usable[j] = map_pipeline(config, space, &groups, &a->prior->table->pipelines[j]);
        for (size_t i = 0; i < j && a->usable[j]; i++)
            if (a->usable[i] && aml_space_equal(space, config, a->configs + i * space->n))
                a->usable[j] = false;
    }
}

static void find_columns(aml_advice *a, const aml_space *space, const aml_told *told) {
    for (size_t i = 0; i < told->n; i++) {
        a->column[i] = SIZE_MAX;
        for (size_t j = 0; j < a->p && a->column[i] == SIZE_MAX; j++)
            if (a->usable[j] &&
                aml_space_equal(space, told->records[i].config, a->configs + j * space->n))
                a->column[i] = j;
    }
}

/* ---- losses ---- */

/* Without a known baseline: the unit by which the first result is what was expected of its
 * pipeline. */
static double guess_unit(const aml_advice *a, const aml_told *told) {
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        double expected = a->column[i] < a->p ? a->prior->mix->mean[a->column[i]] : 0.5;
        if (aml_has_loss(r) && r->loss > 0 && expected > 0)
            return r->loss / pow(expected, 1 / a->prior->power);
    }
    return 1;
}

/* A failure tells as much as the loss of the constant predictor, or the worst seen. */
static void tell_losses(aml_advice *a, const aml_told *told) {
    double worst = 1;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        double ratio = r->loss / a->unit, y = ratio > 0 ? pow(ratio, a->prior->power) : 0;
        bool has_loss = aml_has_loss(r);
        y = has_loss ? aml_relative_loss(y) : worst;
        worst = fmax(worst, y);
        if (a->column[i] == SIZE_MAX) a->mix.best = has_loss ? fmin(a->mix.best, y) : a->mix.best;
        else if (r->state == AML_TRIAL_PENDING) aml_mix_believe(&a->mix, a->column[i]);
        else if (a->mix.open[a->column[i]]) aml_mix_observe(&a->mix, a->column[i], y);
    }
}

/* ---- seconds ---- */

static double whole_seconds(const aml_record *r) {
    if (!aml_has_loss(r) || !(r->seconds > 0) || !r->n_done) return 0;
    return r->seconds * (double)(r->n_folds > r->n_done ? r->n_folds : r->n_done) /
           (double)r->n_done;
}

static aml_status tell_seconds(aml_advice *a, const aml_told *told, aml_arena *scratch) {
    size_t p = a->p;
    double *m = aml_copy(scratch, a->prior->seconds_log, p * sizeof *m);
    double *c = aml_copy(scratch, a->prior->seconds_cov, p * p * sizeof *c);
    double *g = AML_ARRAY(scratch, p, double);
    bool *known = AML_ARRAY(scratch, p, bool);
    if (!m || !c || !g || !known) return AML_ENOMEM;
    for (size_t i = 0; i < told->n; i++) {
        size_t j = a->column[i];
        double seconds = whole_seconds(&told->records[i]);
        if (j == SIZE_MAX || !(seconds > 0) || known[j]) continue;
        double v = c[j * p + j], r = log(seconds) - m[j];
        known[j] = true;
        if (!(v > 1e-8)) continue;
        for (size_t k = 0; k < p; k++) g[k] = c[j * p + k] / v;
        for (size_t k = 0; k < p; k++) m[k] += r * g[k];
        for (size_t k = 0; k < p; k++) {
            double f = g[k] * v;
            for (size_t l = 0; l < p; l++) c[k * p + l] -= f * g[l];
        }
    }
    a->seconds_log = m;
    return AML_OK;
}

aml_status aml_advice_new(aml_advice **out, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const aml_ctx *ctx) {
    aml_arena *scratch = ctx->scratch;
    const aml_prior *prior = problem ? problem->knowledge : NULL;
    *out = NULL;
    if (!prior) return AML_OK;
    aml_advice *a = AML_NEW(scratch, aml_advice);
    if (!a) return AML_ENOMEM;
    a->prior = prior;
    a->p = prior->table->n_pipelines;
    a->configs = AML_ARRAY(scratch, a->p * space->n, double);
    a->usable = AML_ARRAY(scratch, a->p, bool);
    a->column = AML_ARRAY(scratch, told->n, size_t);
    if (!a->configs || !a->usable || !a->column) return AML_ENOMEM;
    map_all(a, space);
    find_columns(a, space, told);
    if (prior->mix) {
        bool known = isfinite(problem->baseline_loss) && problem->baseline_loss > 0;
        AML_TRY(aml_mix_start(&a->mix, prior->mix, prior->weights, scratch));
        a->unit = known ? problem->baseline_loss : guess_unit(a, told);
        tell_losses(a, told);
        for (size_t j = 0; j < a->p; j++) a->mix.open[j] = a->mix.open[j] && a->usable[j];
        if (isfinite(told->time_left)) AML_TRY(tell_seconds(a, told, scratch));
    }
    *out = a;
    return AML_OK;
}

aml_status aml_advice_means(double *mean, const aml_advice *a, aml_arena *scratch) {
    const aml_mix_prior *q = a->mix.prior;
    double *w = AML_ARRAY(scratch, q->n, double);
    if (!w) return AML_ENOMEM;
    aml_mix_weights(w, &a->mix);
    memset(mean, 0, q->p * sizeof *mean);
    for (size_t i = 0; i < q->n; i++)
        for (size_t j = 0; j < q->p; j++) mean[j] += w[i] * q->rows[i * q->p + j];
    return AML_OK;
}

bool aml_advice_helps(const aml_advice *a) {
    bool any = false;
    for (size_t j = 0; a && a->prior->mix && j < a->p; j++) any |= a->usable[j];
    return any;
}
