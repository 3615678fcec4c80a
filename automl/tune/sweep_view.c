/* sweep_view.c: what a sweep has found, one by one and as JSON. */
#include <math.h>
#include <string.h>

#include "automl/tune/sweep.h"

#include "automl/core/call.h"

const char *aml_sweep_folder(const aml_sweep *s) {
    AML_NEED_OR(s, "");
    return s->folder;
}
const char *aml_sweep_run_id(const aml_sweep *s) {
    AML_NEED_OR(s, "");
    return s->run.id;
}
aml_tuner *aml_sweep_tuner(const aml_sweep *s) {
    AML_NEED_OR(s, NULL);
    return s->tuner;
}
const char *aml_sweep_end(const aml_sweep *s) {
    AML_NEED_OR(s, "");
    return s->end;
}
size_t aml_sweep_trials(const aml_sweep *s) {
    AML_NEED_OR(s, 0);
    return s->n;
}

const char *aml_sweep_metric(const aml_sweep *s, size_t i) {
    AML_NEED_OR(s, NULL);
    return i < s->n_metrics ? s->metrics[i]->name : NULL;
}

double aml_sweep_value(const aml_sweep *s, size_t id, size_t metric) {
    AML_NEED_OR(s, NAN);
    if (id >= s->n || metric >= s->n_metrics || !s->records[id].values) return NAN;
    return s->records[id].values[metric];
}

const char *aml_sweep_note(const aml_sweep *s, size_t i) {
    AML_NEED_OR(s, NULL);
    return i < s->n_notes ? s->notes[i] : NULL;
}

void aml_sweep_put_params(aml_string *out, aml_tuner *t, size_t trial) {
    aml_tuner_value p = {.size = sizeof p};
    for (size_t i = 0; aml_tuner_value_at(t, trial, i, &p); i++)
        aml_string_printf(out, "%s%s=%s", i ? " " : "", p.name, p.text);
}

bool aml_sweep_best(size_t *trial, const aml_sweep *s) {
    if (s->n_goals > 1) return aml_tuner_best(s->tuner, 0, trial) != 0;
    *trial = s->best;
    return s->best != SIZE_MAX;
}

void aml_sweep_fill(aml_sweep_trial *out, const aml_sweep *s, size_t trial) {
    const aml_sweep_record *r = &s->records[trial];
    aml_sweep_trial t = {.id = trial,
                         .state = aml_sweep_state_word(r->state),
                         .reason = r->reason ? r->reason : "",
                         .cause = r->cause ? r->cause : "",
                         .params = r->params,
                         .seconds = r->wall,
                         .cpu_seconds = r->cpu,
                         .peak_memory = r->peak,
                         .attempts = r->failures + (r->state == AML_SWEEP_PENDING ? 0 : 1)};
    aml_call_give(out, &t, sizeof t);
}

int aml_sweep_trial_at(const aml_sweep *s, size_t id, aml_sweep_trial *out) {
    AML_NEED_OR(s, 0);
    AML_NEED_OR(out, 0);
    if (id >= s->n) return 0;
    aml_sweep_fill(out, s, id);
    return 1;
}

int aml_sweep_failure(const aml_sweep *s, size_t i, aml_sweep_failure_group *out) {
    AML_NEED_OR(s, 0);
    AML_NEED_OR(out, 0);
    size_t groups = 0;
    for (size_t k = 0; k < s->n; k++) {
        const aml_sweep_record *r = &s->records[k];
        bool seen = r->state != AML_SWEEP_FAILED;
        for (size_t j = 0; j < k && !seen; j++)
            seen =
                s->records[j].state == AML_SWEEP_FAILED && !strcmp(s->records[j].cause, r->cause);
        if (seen || groups++ < i) continue;
        aml_sweep_failure_group g = {.cause = r->cause, .reason = r->reason, .trial = k};
        for (size_t j = k; j < s->n; j++)
            g.count +=
                s->records[j].state == AML_SWEEP_FAILED && !strcmp(s->records[j].cause, r->cause);
        return aml_call_give(out, &g, sizeof g);
    }
    return 0;
}

/* ---- JSON */

static void put_goals(aml_string *out, const aml_sweep *s) {
    const char *name;
    int maximize;
    aml_json_key(out, "goals");
    aml_string_put(out, "[");
    for (size_t i = 0; aml_tuner_goal(s->tuner, i, &name, &maximize); i++) {
        aml_json_comma(out);
        aml_string_put(out, "{");
        aml_json_add_string(out, "metric", name);
        aml_json_add_string(out, "goal", maximize ? "maximize" : "minimize");
        aml_string_put(out, "}");
    }
    aml_string_put(out, "]");
}

static void put_counts(aml_string *out, const aml_sweep *s) {
    aml_json_key(out, "counts");
    aml_string_put(out, "{");
    for (size_t i = 0; aml_sweep_state_word(i); i++)
        if (i != AML_SWEEP_RUNNING)
            aml_json_add_number(out, aml_sweep_state_word(i), (double)s->counts[i]);
    aml_json_add_number(out, "retried", (double)s->retried);
    aml_string_put(out, "}");
}

static void put_trial(aml_string *out, const aml_sweep *s, size_t i, bool timings) {
    const aml_sweep_record *r = &s->records[i];
    char *params = aml_tuner_params_json(s->tuner, i);
    aml_json_comma(out);
    aml_string_put(out, "{");
    aml_json_add_number(out, "trial", (double)i);
    aml_json_add_string(out, "state", aml_sweep_state_word(r->state));
    if (r->cause && *r->cause) aml_json_add_string(out, "cause", r->cause);
    if (r->reason && *r->reason) aml_json_add_string(out, "reason", r->reason);
    aml_json_key(out, "values");
    aml_string_put(out, "{");
    for (size_t k = 0; k < s->n_metrics; k++)
        if (r->values && !isnan(r->values[k]))
            aml_json_add_number(out, s->metrics[k]->name, r->values[k]);
    aml_string_put(out, "}");
    aml_json_key(out, "params");
    aml_string_put(out, params ? params : "null");
    aml_json_add_number(out, "failed_attempts", (double)r->failures);
    if (timings) {
        aml_json_key(out, "timings");
        aml_string_put(out, "{");
        aml_json_add_number(out, "seconds", r->wall);
        aml_json_add_number(out, "cpu_seconds", r->cpu);
        aml_json_add_number(out, "peak_memory", r->peak);
        aml_string_put(out, "}");
    }
    aml_string_put(out, "}");
    if (!params) out->failed = true;
    aml_text_free(params);
}

static void put_front(aml_string *out, const aml_sweep *s) {
    size_t trial;
    aml_json_key(out, "best");
    if (aml_sweep_best(&trial, s)) aml_json_put_number(out, (double)trial);
    else aml_string_put(out, "null");
    if (s->n_goals < 2) return;
    aml_json_key(out, "front");
    aml_string_put(out, "[");
    for (size_t i = 0; aml_tuner_best(s->tuner, i, &trial); i++) {
        aml_json_comma(out);
        aml_json_put_number(out, (double)trial);
    }
    aml_string_put(out, "]");
}

static void put_importance(aml_string *out, const aml_sweep *s) {
    const char *name;
    double share;
    aml_json_key(out, "importance");
    aml_string_put(out, "[");
    for (size_t i = 0; aml_tuner_importance(s->tuner, 0, i, &name, &share); i++) {
        aml_json_comma(out);
        aml_string_put(out, "{");
        aml_json_add_string(out, "parameter", name);
        aml_json_add_number(out, "share", share);
        aml_string_put(out, "}");
    }
    aml_string_put(out, "]");
}

char *aml_sweep_json(const aml_sweep *s, unsigned flags) {
    AML_NEED_OR(s, NULL);
    aml_string text = {0};
    aml_string_put(&text, "{");
    aml_json_add_string(&text, "sweep", s->plan.name);
    aml_json_add_string(&text, "folder", s->folder);
    aml_json_add_string(&text, "end", s->end);
    put_goals(&text, s);
    put_counts(&text, s);
    put_front(&text, s);
    put_importance(&text, s);
    aml_json_key(&text, "trials");
    aml_string_put(&text, "[");
    for (size_t i = 0; i < s->n; i++) put_trial(&text, s, i, !(flags & AML_NO_TIMINGS));
    aml_string_put(&text, "]}");
    return aml_json_finish(&text);
}

char *aml_sweep_schema(void) {
    aml_string text = {0};
    aml_string_put(&text, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"");
    aml_json_add_string(&text, "title", "A sweep of automl tune");
    aml_string object = {0};
    aml_keys_schema(&object, aml_sweep_keys);
    aml_string_put(&text, ",");
    aml_string_put(&text, object.text ? object.text + 1 : "}"); /* its members are ours */
    text.failed |= object.failed;
    aml_string_free(&object);
    return aml_json_finish(&text);
}
