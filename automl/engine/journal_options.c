/* journal_options.c: the options of a training as JSON. */
#include <stdio.h>

#include "automl/core/json.h"
#include "automl/engine/featurization.h"
#include "automl/engine/journal.h"

static void put_text(aml_string *s, const char *name, const char *text) {
    if (text) aml_json_add_string(s, name, text);
}

static void put_number(aml_string *s, const char *name, double x) {
    if (x < 0 || x > 0) aml_json_add_number(s, name, x);
}

static void put_list(aml_string *s, const char *const *names) {
    aml_string_put(s, "[");
    for (; names && *names; names++) {
        aml_json_comma(s);
        aml_json_put_string(s, *names);
    }
    aml_string_put(s, "]");
}

static void put_names(aml_string *s, const char *name, const char *const *names) {
    if (!names) return;
    aml_json_key(s, name);
    put_list(s, names);
}

static void put_groups(aml_string *s, const char *const *const *groups) {
    if (!groups) return;
    aml_json_key(s, "interactions");
    aml_string_put(s, "[");
    for (; *groups; groups++) {
        aml_json_comma(s);
        put_list(s, *groups);
    }
    aml_string_put(s, "]");
}

static void put_ranges(aml_string *s, const aml_param_range *const *ranges) {
    if (!ranges) return;
    aml_json_key(s, "ranges");
    aml_string_put(s, "[");
    for (; *ranges; ranges++) {
        const aml_param_range *r = *ranges;
        aml_json_comma(s);
        aml_string_put(s, "{");
        put_text(s, "learner", r->learner);
        put_text(s, "param", r->param);
        put_names(s, "values", r->values);
        if (!r->values) {
            aml_json_add_number(s, "min", r->min);
            aml_json_add_number(s, "max", r->max);
        }
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_limits(aml_string *s, const aml_train_options *o) {
    put_number(s, "trials", (double)o->trials);
    put_number(s, "time_limit", o->time_limit);
    put_number(s, "threads", o->threads);
    put_number(s, "memory_limit", (double)o->memory_limit);
}

/* Zero is the default of all of them, and is left out. */
void aml_options_put(aml_string *s, const aml_train_options *o, bool limits) {
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)o->seed);
    aml_string_put(s, "{");
    put_text(s, "target", o->target);
    put_text(s, "task", o->task);
    put_text(s, "metric", o->metric);
    put_text(s, "validation", o->valid ? "own rows" : o->validation);
    put_names(s, "drop", o->drop);
    put_text(s, "weight", o->weight);
    put_text(s, "group", o->group);
    put_text(s, "time", o->time);
    put_names(s, "learners", o->learners);
    put_names(s, "increasing", o->increasing);
    put_names(s, "decreasing", o->decreasing);
    put_groups(s, o->interactions);
    put_text(s, "sampler", o->sampler);
    put_text(s, "scheduler", o->scheduler);
    put_text(s, "learn_from", o->learn_from);
    put_number(s, "ensemble", o->ensemble);
    put_text(s, "seed", seed);
    put_number(s, "max_concurrent_trials", o->max_concurrent_trials);
    put_text(s, "forget", o->forget);
    aml_json_key(s, "featurization");
    aml_featurization_put(s, o->featurization);
    put_text(s, "prefer", o->prefer);
    put_number(s, "max_predict_seconds", o->max_predict_seconds);
    put_number(s, "max_model_bytes", (double)o->max_model_bytes);
    put_number(s, "calibration", o->calibration);
    put_number(s, "threshold", o->threshold);
    if (o->exit_score) aml_json_add_number(s, "exit_score", *o->exit_score);
    put_number(s, "patience", (double)o->patience);
    put_number(s, "trial_timeout", o->trial_timeout);
    put_ranges(s, o->ranges);
    if (limits) put_limits(s, o);
    aml_string_put(s, "}");
}
