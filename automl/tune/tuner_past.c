/* tuner_past.c: earlier searches of the same space, for the sampler to start from. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/sort.h"
#include "automl/tune/tuner.h"

enum { MOST_TRIALS = 200, MOST_SEARCHES = 100 };

static bool is_done(const aml_record *r) { return r->state == AML_TRIAL_DONE && isfinite(r->loss); }

/* ---- out of a search */

static void put_trial(aml_string *out, const aml_tuner *t, double loss, const double *config) {
    aml_json_comma(out);
    aml_string_put(out, "{");
    aml_json_add_number(out, "loss", loss);
    aml_json_key(out, "params");
    aml_user_space_write(out, t->space, config);
    aml_string_put(out, "}");
}

/* The better half of the room goes to the best, the rest to the latest of the others. */
static aml_status choose(bool *taken, const aml_tuner *t, aml_arena *scratch) {
    double *loss = AML_ARRAY(scratch, t->n, double);
    uint32_t *order = AML_ARRAY(scratch, t->n, uint32_t);
    size_t n = 0;
    if (!loss || !order) return AML_ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        loss[i] = is_done(&t->records[i]) ? t->records[i].loss : INFINITY;
    AML_TRY(aml_argsort(order, loss, t->n));
    for (size_t i = 0; i < t->n && n < MOST_TRIALS / 2; i++, n++)
        taken[order[i]] = isfinite(loss[order[i]]);
    for (size_t i = t->n; i-- > 0 && n < MOST_TRIALS;) {
        if (taken[i] || !is_done(&t->records[i])) continue;
        taken[i] = true;
        n++;
    }
    return AML_OK;
}

static aml_status put_all(aml_string *out, const aml_tuner *t, aml_arena *scratch) {
    bool *taken = AML_ARRAY(scratch, t->n + 1, bool);
    if (!taken) return AML_ENOMEM;
    AML_TRY(choose(taken, t, scratch));
    aml_string_put(out, "[");
    for (size_t i = 0; i < t->n; i++)
        if (taken[i]) put_trial(out, t, t->records[i].loss, t->records[i].config);
    aml_string_put(out, "]");
    return out->failed ? AML_ENOMEM : AML_OK;
}

char *aml_tuner_past_json(aml_tuner *t) {
    aml_string out = {0};
    aml_arena *scratch = aml_arena_new(NULL);
    pthread_mutex_lock(&t->lock);
    aml_status status = scratch ? put_all(&out, t, scratch) : AML_ENOMEM;
    pthread_mutex_unlock(&t->lock);
    aml_arena_free(scratch);
    if (status) aml_string_free(&out);
    return status ? NULL : out.text;
}

void aml_tuner_save_past(aml_string *out, const aml_tuner *t) {
    for (size_t k = 0; k < t->n_past; k++) {
        const aml_past_search *s = &t->past[k];
        aml_string_put(out, "{\"learn\":[");
        for (size_t i = 0; i < s->n; i++)
            put_trial(out, t, s->losses[i], s->configs + i * t->space->space.n);
        aml_string_put(out, "]}\n");
    }
}

/* ---- into a search */

static aml_status grow(aml_tuner *t) {
    aml_past_search *past = AML_ARRAY(t->arena, t->n_past + 1, aml_past_search);
    if (!past) return AML_ENOMEM;
    if (t->n_past) memcpy(past, t->past, t->n_past * sizeof *past);
    t->past = past;
    return AML_OK;
}

/* A trial that has no place in the space any more is left out: its constraints may have changed. */
aml_status aml_tuner_apply_past(aml_tuner *t, const aml_json *trials, const char *file) {
    size_t d = t->space->space.n, n = 0;
    if (trials->type != AML_JSON_ARRAY)
        return aml_fail_at(AML_EDATA, file, trials->line, trials->column, "these are no trials");
    double *configs = AML_ARRAY(t->arena, trials->size * d + 1, double);
    double *losses = AML_ARRAY(t->arena, trials->size + 1, double);
    if (!configs || !losses) return AML_ENOMEM;
    for (const aml_json *x = trials->child; x; x = x->next) {
        const aml_json *params = aml_json_find(x, "params");
        losses[n] = aml_json_number(x, "loss", NAN);
        if (!params || params->type != AML_JSON_OBJECT || !isfinite(losses[n])) continue;
        aml_status status = aml_user_space_config(configs + n * d, t->space, params, file);
        if (status == AML_ENOMEM) return status;
        if (!status && aml_space_allows(&t->space->space, configs + n * d)) n++;
    }
    if (!n) return AML_OK;
    AML_TRY(grow(t));
    t->past[t->n_past++] = (aml_past_search){n, configs, losses};
    return AML_OK;
}

static aml_status learn(aml_tuner *t, const aml_json *trials, const char *file) {
    aml_string line = {0};
    if (t->n)
        return aml_help(aml_fail(AML_EUSAGE, "the search has begun: it has %zu trials", t->n), NULL,
                        "learn from earlier searches before the first trial is asked for");
    if (t->n_goals > 1)
        return aml_help(
            aml_fail(AML_EUSAGE, "a search with several goals cannot learn from others"),
            "their trials are judged by one loss", "give it one goal");
    if (t->n_past == MOST_SEARCHES)
        return aml_fail(AML_EUSAGE, "a search learns from %d others at most", MOST_SEARCHES);
    AML_TRY(aml_tuner_apply_past(t, trials, file));
    aml_tuner_line_past(&line, trials);
    aml_status status = aml_tuner_write(t, &line);
    aml_string_free(&line);
    return status;
}

aml_status aml_tuner_learn_json(aml_tuner *t, const char *text, size_t size, const char *file) {
    aml_json *trials;
    aml_arena *scratch = aml_arena_new(NULL);
    aml_status status =
        scratch ? aml_json_parse(&trials, scratch, text, size, file, 0, AML_EDATA) : AML_ENOMEM;
    pthread_mutex_lock(&t->lock);
    if (!status && !(status = aml_tuner_enter(t))) {
        status = learn(t, trials, file);
        aml_tuner_leave(t);
    }
    pthread_mutex_unlock(&t->lock);
    aml_arena_free(scratch);
    return status;
}

static aml_status same_search(aml_tuner *t, aml_tuner *earlier) {
    aml_arena *scratch = aml_arena_new(NULL);
    if (!scratch) return AML_ENOMEM;
    bool same = aml_tuner_same_search(t->header, earlier->header, scratch);
    aml_arena_free(scratch);
    if (same) return AML_OK;
    return aml_help(aml_fail(AML_ECONFIG, "the earlier search is one of another space or goal"),
                    NULL, "search space, constraints and goals have to be the same");
}

aml_status aml_tuner_learn(aml_tuner *t, aml_tuner *earlier) {
    AML_NEED(t);
    AML_NEED(earlier);
    if (t == earlier) return aml_fail(AML_EUSAGE, "a search cannot learn from itself");
    AML_TRY(same_search(t, earlier));
    char *text = aml_tuner_past_json(earlier);
    if (!text) return AML_ENOMEM;
    aml_status status = aml_tuner_learn_json(t, text, strlen(text), "earlier search");
    aml_free(text);
    return status;
}
