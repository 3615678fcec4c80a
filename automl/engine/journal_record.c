/* journal_record.c: a trial as bytes: its record, bit by bit; and predictions and models. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/engine/fits.h"
#include "automl/engine/journal.h"

enum { FORMAT = 1 };

aml_status aml_record_write(aml_writer *w, const aml_trial *t, size_t n_config) {
    aml_put_u8(w, FORMAT);
    aml_put_u8(w, (uint8_t)t->state);
    aml_put_u32(w, (uint32_t)t->status);
    aml_put_u8(w, t->timed_out);
    aml_put_u8(w, t->truncated);
    aml_put_string(w, t->reason);
    aml_put_f64s(w, t->config, n_config);
    aml_put_u32(w, (uint32_t)t->n_folds);
    aml_put_f64s(w, t->fold_loss, t->n_done);
    aml_put_f64s(w, t->fold_score, t->n_done);
    aml_put_f64(w, t->loss);
    aml_put_f64(w, t->score);
    aml_put_f64(w, t->error);
    aml_put_f64(w, t->fit_seconds);
    aml_put_f64(w, t->predict_seconds);
    aml_put_u64(w, t->n_predicted);
    aml_put_u64(w, t->bytes);
    aml_put_u64(w, t->held);
    return w->status;
}

static aml_status other_search(size_t id) {
    return aml_help(aml_fail(AML_EDATA, "the record of trial %zu is not one of this search", id),
                    "another program wrote it, or the store is damaged", "begin a new run: --new");
}

static aml_status get_folds(aml_trial *t, aml_reader *r, size_t k, aml_arena *scratch) {
    size_t n = 0;
    double *loss = aml_get_f64s(r, scratch, SIZE_MAX, &n),
           *score = aml_get_f64s(r, scratch, n, NULL);
    if (r->status || t->n_folds != k || n > k) return r->status ? r->status : AML_EDATA;
    t->n_done = n;
    t->fold_loss = aml_calloc(k + 1, sizeof(double));
    t->fold_score = aml_calloc(k + 1, sizeof(double));
    if (!t->fold_loss || !t->fold_score) return AML_ENOMEM;
    memcpy(t->fold_loss, loss, n * sizeof *loss);
    memcpy(t->fold_score, score, n * sizeof *score);
    return AML_OK;
}

static aml_status get_trial(aml_trial *t, aml_reader *r, size_t n_config, size_t k,
                            aml_arena *scratch) {
    if (aml_get_u8(r) != FORMAT) return AML_EDATA;
    t->state = (aml_trial_state)aml_get_u8(r);
    t->status = (aml_status)aml_get_u32(r);
    t->timed_out = aml_get_u8(r);
    t->truncated = aml_get_u8(r);
    const char *reason = aml_get_string(r, scratch);
    const double *config = aml_get_f64s(r, scratch, n_config, NULL);
    t->n_folds = aml_get_u32(r);
    if (r->status || t->state < AML_TRIAL_DONE || t->state > AML_TRIAL_FAILED) return AML_EDATA;
    memcpy(t->config, config, n_config * sizeof *config);
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    AML_TRY(get_folds(t, r, k, scratch));
    t->loss = aml_get_f64(r);
    t->score = aml_get_f64(r);
    t->error = aml_get_f64(r);
    t->fit_seconds = aml_get_f64(r);
    t->predict_seconds = aml_get_f64(r);
    t->n_predicted = aml_get_u64(r);
    t->bytes = aml_get_u64(r);
    t->held = aml_get_u64(r);
    bool good = t->state != AML_TRIAL_DONE || (t->n_done == k && isfinite(t->loss));
    bool times = t->fit_seconds >= 0 && t->predict_seconds >= 0;
    return r->status || r->at != r->size || !good || !times ? AML_EDATA : AML_OK;
}

aml_status aml_record_check(const aml_trial *t, const aml_space *space) {
    double *repaired = aml_calloc(space->n + 1, sizeof *repaired);
    if (!repaired) return AML_ENOMEM;
    memcpy(repaired, t->config, space->n * sizeof *repaired);
    aml_space_repair(repaired, space);
    bool same = true;
    for (size_t i = 0; i < space->n; i++)
        same &= repaired[i] == t->config[i] || (isnan(repaired[i]) && isnan(t->config[i]));
    aml_free(repaired);
    return same ? AML_OK : other_search(t->id);
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

aml_status aml_record_read(aml_trial *t, const void *bytes, size_t size, size_t n_config,
                           const aml_bench *bench) {
    aml_reader r = {.data = bytes, .size = size, .file = "run store"};
    aml_arena *scratch = aml_arena_new(NULL);
    aml_status status = scratch ? get_trial(t, &r, n_config, bench->folds->k, scratch) : AML_ENOMEM;
    aml_arena_free(scratch);
    t->restored = true;
    if (r.status == AML_ENOMEM) return AML_ENOMEM;
    return status == AML_EDATA ? other_search(t->id) : status;
}

/* ---- what a trial came to: predictions and models */

aml_status aml_material_write(aml_writer *w, const aml_trial *t, const aml_bench *b) {
    size_t cells = b->n_scored * (size_t)b->n_outputs;
    aml_put_u8(w, FORMAT);
    aml_put_f32s(w, t->out_of_fold, cells);
    aml_put_f64s(w, t->importance, t->importance ? b->n_inputs : 0);
    aml_put_u8(w, t->fits != NULL);
    if (!t->fits || w->status) return w->status;
    aml_fit_of *all = aml_calloc(t->n_done + 1, sizeof *all);
    if (!all) return AML_ENOMEM;
    for (size_t f = 0; f < t->n_done; f++) all[f] = (aml_fit_of){&t->fits[f], t->plan.learner};
    aml_status status = aml_fits_put(w, all, t->n_done);
    aml_free(all);
    return status;
}

static aml_status get_fits(aml_trial *t, aml_reader *r, const aml_bench *b) {
    aml_fit_of *all = aml_calloc(t->n_done + 1, sizeof *all);
    t->fits = aml_calloc(t->n_folds + 1, sizeof *t->fits);
    aml_status status = all && t->fits ? AML_OK : AML_ENOMEM;
    for (size_t f = 0; !status && f < t->n_done; f++)
        all[f] = (aml_fit_of){&t->fits[f], t->plan.learner};
    if (!status) status = aml_fits_get(all, t->n_done, r, b->account);
    aml_free(all);
    return status;
}

static aml_status get_material(aml_trial *t, aml_reader *r, const aml_bench *b,
                               aml_arena *scratch) {
    size_t cells = b->n_scored * (size_t)b->n_outputs, n = 0;
    if (aml_get_u8(r) != FORMAT) return AML_EDATA;
    const float *pred = aml_get_f32s(r, scratch, cells, NULL);
    const double *share = aml_get_f64s(r, scratch, SIZE_MAX, &n);
    bool fits = aml_get_u8(r);
    if (r->status) return r->status;
    if ((n && n != b->n_inputs) || !all_finite(pred, cells)) return AML_EDATA;
    for (size_t i = 0; i < n; i++)
        if (!(share[i] >= 0 && isfinite(share[i]))) return AML_EDATA;
    t->out_of_fold = aml_calloc(cells + 1, sizeof(float));
    if (n) t->importance = aml_calloc(n + 1, sizeof(double));
    if (!t->out_of_fold || (n && !t->importance)) return AML_ENOMEM;
    memcpy(t->out_of_fold, pred, cells * sizeof *pred);
    if (n) memcpy(t->importance, share, n * sizeof *share);
    return fits ? get_fits(t, r, b) : AML_OK;
}

aml_status aml_material_read(aml_trial *t, const void *bytes, size_t size, const aml_bench *b) {
    aml_reader r = {.data = bytes, .size = size, .file = "run store"};
    aml_arena *scratch = aml_arena_new(NULL);
    aml_status status = scratch ? get_material(t, &r, b, scratch) : AML_ENOMEM;
    aml_arena_free(scratch);
    if (!status && r.at != r.size) status = AML_EDATA;
    if (!status) return AML_OK;
    aml_trial_slim(t);
    aml_free(t->importance);
    t->importance = NULL;
    return status;
}
