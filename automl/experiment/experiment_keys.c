/* experiment_keys.c: the keys of an experiment: the one place where they are described. */
#include <math.h>
#include <string.h>

#include "automl/engine/catalog.h"
#include "automl/engine/featurization.h"
#include "automl/engine/reading.h"
#include "automl/experiment/experiment.h"

/* ---- words */

static const char *task_word(size_t i) {
    static const char *const words[] = {"auto", "binary", "multiclass", "regression", NULL};
    return words[i];
}

static const char *metric_word(size_t i) {
    const aml_metric *metric = i ? aml_metrics()[i - 1] : NULL;
    return !i ? "auto" : metric ? metric->name : NULL;
}

static const char *sampler_word(size_t i) {
    const aml_sampler *sampler = aml_samplers()[i];
    return sampler ? sampler->name : NULL;
}

static const char *scheduler_word(size_t i) {
    const aml_scheduler *scheduler = aml_schedulers()[i];
    return scheduler ? scheduler->name : NULL;
}

static const char *prefer_word(size_t i) {
    static const char *const words[] = {"best", "fast", "single", "interpretable", NULL};
    return words[i];
}

/* ---- readers of their own */

/* On unless it is false. */
static aml_status read_switch(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key flag = {.type = AML_KEY_FLAG};
    bool on;
    AML_TRY(aml_key_read(&on, x, &flag, at));
    *(int *)to = on ? 0 : -1;
    return AML_OK;
}

static void switch_schema(aml_string *s) { aml_string_put(s, "{\"type\":\"boolean\"}"); }

/* A word, "auto" = NULL. */
static aml_status read_word(void *to, const aml_json *x, const aml_key_place *at,
                            const char *(*word)(size_t i)) {
    const aml_key key = {.type = AML_KEY_TEXT, .word = word};
    const char *text;
    AML_TRY(aml_key_read(&text, x, &key, at));
    *(const char **)to = strcmp(text, "auto") != 0 ? text : NULL;
    return AML_OK;
}

static void word_schema(aml_string *s, const char *(*word)(size_t i)) {
    aml_string_put(s, "{\"enum\":[");
    for (size_t i = 0; word(i); i++) {
        aml_json_comma(s);
        aml_json_put_string(s, word(i));
    }
    aml_string_put(s, "]}");
}

static aml_status read_task(void *to, const aml_json *x, const aml_key_place *at) {
    return read_word(to, x, at, task_word);
}

static aml_status read_metric(void *to, const aml_json *x, const aml_key_place *at) {
    return read_word(to, x, at, metric_word);
}

static void task_schema(aml_string *s) { word_schema(s, task_word); }
static void metric_schema(aml_string *s) { word_schema(s, metric_word); }

static aml_status read_featurization(void *to, const aml_json *x, const aml_key_place *at) {
    aml_featurization *f;
    AML_TRY(aml_featurization_take(&f, x, at));
    *(const aml_featurization **)to = f;
    return AML_OK;
}

static void featurization_schema(aml_string *s) { aml_featurization_schema(s); }

/* "auto", or a number between 0 and 1. */
static aml_status read_threshold(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key share = {.type = AML_KEY_REAL, .hi = 1, .open = true};
    if (x->type != AML_JSON_STRING) return aml_key_read(to, x, &share, at);
    *(double *)to = 0;
    if (!strcmp(x->string, "auto")) return AML_OK;
    return x->untyped ? aml_key_read(to, x, &share, at)
                      : aml_key_expected(x, at, "\"auto\" or a number between 0 and 1", NULL);
}

static void threshold_schema(aml_string *s) {
    aml_string_put(s, "{\"const\":\"auto\"},"
                      "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}");
}

/* A file, or false: none. */
static aml_status read_store(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key text = {.type = AML_KEY_TEXT};
    bool none = x->type == AML_JSON_FALSE || (x->untyped && !strcmp(x->string, "false"));
    *(const char **)to = "";
    if (none) return AML_OK;
    if (x->type != AML_JSON_STRING) return aml_key_expected(x, at, "a file's name, or false", NULL);
    return aml_key_read(to, x, &text, at);
}

static void store_schema(aml_string *s) {
    aml_string_put(s, "{\"const\":false},{\"type\":\"string\",\"minLength\":1}");
}

static aml_status read_interactions(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key group = {.type = AML_KEY_TEXTS};
    const char *const **groups = AML_ARRAY(at->keep, x->size + 1, const char *const *);
    size_t n = 0;
    if (!groups) return AML_ENOMEM;
    AML_TRY(aml_key_need(x, AML_JSON_ARRAY, at));
    for (const aml_json *item = x->child; item; item = item->next, n++) {
        aml_key_place place = aml_key_element(at, n);
        if (item->type != AML_JSON_ARRAY || !item->size)
            return aml_key_expected(item, &place, "a list of columns", NULL);
        AML_TRY(aml_key_read(&groups[n], item, &group, &place));
    }
    *(const char *const *const **)to = groups;
    return AML_OK;
}

static void interactions_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"minItems\":1,"
                      "\"items\":{\"type\":\"string\",\"minLength\":1}}}");
}

static aml_status read_tags(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key text = {.type = AML_KEY_TEXT};
    aml_tag *tags = AML_ARRAY(at->keep, x->size + 1, aml_tag);
    size_t n = 0;
    if (!tags) return AML_ENOMEM;
    AML_TRY(aml_key_need(x, AML_JSON_OBJECT, at));
    for (const aml_json *m = x->child; m; m = m->next, n++) {
        aml_key_place place = aml_key_member(at, m->name);
        tags[n].name = m->name;
        if (m->type == AML_JSON_NUMBER) tags[n].value = m->string;
        else AML_TRY(aml_key_read(&tags[n].value, m, &text, &place));
    }
    *(const aml_tag **)to = tags;
    return AML_OK;
}

static void tags_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"object\",\"additionalProperties\":"
                      "{\"type\":[\"string\",\"number\"],\"minLength\":1}}");
}

/* ---- validation: "cv5", "holdout0.2", {"folds": 5}, {"holdout": 0.2} */

typedef struct scheme {
    size_t folds;
    double holdout;
} scheme;

static const aml_key scheme_keys[] = {{.name = "folds",
                                       .summary = "of cross-validation",
                                       .type = AML_KEY_COUNT,
                                       .member = offsetof(scheme, folds),
                                       .lo = 2,
                                       .hi = 20},
                                      {.name = "holdout",
                                       .summary = "share of the rows that is kept apart",
                                       .type = AML_KEY_REAL,
                                       .member = offsetof(scheme, holdout),
                                       .lo = 0.01,
                                       .hi = 0.9},
                                      {0}};

/* The number behind "cv" or "holdout", as the key reads it. */
static aml_status read_scheme_text(scheme *to, const aml_json *x, const aml_key_place *at) {
    bool cv = !strncmp(x->string, "cv", 2), holdout = !strncmp(x->string, "holdout", 7);
    const char *digits = x->string + (cv ? 2 : holdout ? 7 : 0);
    aml_json number = {.type = AML_JSON_NUMBER,
                       .string = digits,
                       .line = x->line,
                       .column = x->column,
                       .file = x->file};
    if ((!cv && !holdout) || !aml_parse_double(&number.number, digits, strlen(digits)))
        return aml_key_expected(x, at, "\"auto\", \"cv5\", \"holdout0.2\" or such", NULL);
    return aml_key_read(cv ? (void *)&to->folds : (void *)&to->holdout, &number,
                        &scheme_keys[holdout], at);
}

static aml_status read_validation(void *to, const aml_json *x, const aml_key_place *at) {
    scheme s = {0};
    char share[32];
    if (x->type == AML_JSON_STRING && !strcmp(x->string, "auto")) return AML_OK;
    if (x->type == AML_JSON_STRING) AML_TRY(read_scheme_text(&s, x, at));
    else AML_TRY(aml_keys_read(&s, x, scheme_keys, at));
    if (!s.folds == !(s.holdout > 0))
        return aml_key_expected(x, at, "{\"folds\": 5} or {\"holdout\": 0.2}", NULL);
    aml_format_double(share, s.holdout);
    char *text =
        s.folds ? aml_printf(at->keep, "cv%zu", s.folds) : aml_printf(at->keep, "holdout%s", share);
    *(const char **)to = text;
    return text ? AML_OK : AML_ENOMEM;
}

static void validation_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"string\",\"pattern\":\"^(auto|cv[0-9]+|holdout0?[.][0-9]+)$\"}");
    aml_keys_schema(s, scheme_keys);
}

/* ---- the table */

#define AT(m) .member = offsetof(aml_experiment, m)
#define TEXT(key, place, about) \
    { .name = key, .summary = about, .type = AML_KEY_TEXT, AT(place) }
#define TEXTS(key, place, about) \
    { .name = key, .summary = about, .type = AML_KEY_TEXTS, AT(place) }
#define WORD(key, place, words, about) \
    { .name = key, .summary = about, .type = AML_KEY_TEXT, AT(place), .word = words }
#define VALUE(key, kind, place, about) \
    { .name = key, .summary = about, .type = AML_KEY_##kind, AT(place) }
#define COUNT(key, kind, place, most, about) \
    { .name = key, .summary = about, .type = AML_KEY_##kind, AT(place), .lo = 1, .hi = most }
#define OWN(key, place, what, about)                                                        \
    {                                                                                       \
        .name = key, .summary = about, .type = AML_KEY_OWN, AT(place), .read = read_##what, \
        .schema = what##_schema                                                             \
    }
#define SECTION(key, table, about) \
    { .name = key, .summary = about, .type = AML_KEY_OBJECT, .keys = table }

static const aml_key data_keys[] = {
    TEXT("train", files.train, "the table to learn from: a CSV file, plain or compressed"),
    TEXT("validation", files.validation, "rows to validate on, instead of folds: a file"),
    TEXT("test", files.test, "rows to evaluate the model on in the end: a file"),
    TEXT("target", options.target, "the column to predict"),
    TEXTS("drop", options.drop, "columns not to use"),
    TEXT("weight", options.weight, "column of row weights"),
    TEXT("group", options.group, "column whose rows of one value stay in one fold"),
    TEXT("time", options.time, "column to validate forward in the order of"),
    TEXT("schema", reading.schema,
         "kinds of columns and options of reading, as written by "
         "`automl check --write-schema`: a file"),
    {.name = "reading",
     .summary = "how the files are read, where detection is not to decide",
     .type = AML_KEY_OBJECT,
     AT(reading),
     .keys = aml_reading_keys},
    {0}};

static const aml_key limit_keys[] = {
    VALUE("timeout", SECONDS, options.time_limit,
          "time from start to saved model; 60s when there is no max_trials either"),
    VALUE("trial_timeout", SECONDS, options.trial_timeout,
          "time of a trial on all its folds; what takes longer fails, or ends early where it can"),
    COUNT("max_trials", COUNT, options.trials, INFINITY,
          "pipelines to try; alone it gives the same model every time"),
    COUNT("max_concurrent_trials", INT, options.max_concurrent_trials, 64,
          "trials side by side; part of the result (default 4)"),
    VALUE("exit_score", REAL_AT, options.exit_score,
          "the search ends once a pipeline scores as well as this"),
    COUNT("patience", COUNT, options.patience, INFINITY,
          "the search ends after so many trials in a row without a better one"),
    VALUE("memory_limit", BYTES, options.memory_limit, "most memory to use"),
    COUNT("threads", INT, options.threads, 1024,
          "threads to use; not part of the result (default: all cores)"),
    {0}};

static const aml_key search_keys[] = {
    WORD("sampler", options.sampler, sampler_word, "what picks pipelines (default auto)"),
    WORD("scheduler", options.scheduler, scheduler_word,
         "early termination: what stops the hopeless on their first folds (default race)"),
    TEXT("learn_from", options.learn_from,
         "a database of runs: what won in the finished ones comes first on data like theirs"),
    VALUE("seed", SEED, options.seed, "of all random choices (default 0)"),
    {0}};

static const aml_key model_keys[] = {
    WORD("prefer", options.prefer, prefer_word,
         "which of the final models: best (default), fast, single or interpretable"),
    VALUE("max_predict_time", SECONDS, options.max_predict_seconds,
          "that the model may take a row, on one thread: \"50us\""),
    VALUE("max_model_size", BYTES, options.max_model_bytes, "that the model file may have"),
    OWN("calibration", options.calibration, switch,
        "calibrate probabilities where it helps (default true)"),
    OWN("threshold", options.threshold, threshold,
        "probability above which the second of two classes is predicted: auto, or a number"),
    {0}};

static const aml_key constraint_keys[] = {
    TEXTS("increasing", options.increasing, "predictions never fall as these columns grow"),
    TEXTS("decreasing", options.decreasing, "predictions never rise as these columns grow"),
    OWN("interactions", options.interactions, interactions,
        "groups of columns; only columns of one group interact"),
    {0}};

static const aml_key output_keys[] = {
    TEXT("model", files.model, "the model file (default: beside the experiment, NAME.automl)"),
    TEXTS("leaderboard", files.leaderboard,
          "files for the leaderboard; the ending .csv or .json says which form"),
    TEXT("predictions", files.predictions, "a CSV file of predictions of the test rows"),
    TEXT("evaluation", files.evaluation, "a JSON file of all metrics on the test rows"),
    OWN("store", files.store, store,
        "the database of runs (default: automl.db beside the model), or false: none"),
    {0}};

const aml_key aml_experiment_keys[] = {
    TEXT("$schema", schema, "the JSON Schema of experiments, for editors"),
    TEXT("extends", extends,
         "another experiment, whose values are taken where this one has none: a file"),
    TEXT("name", name, "of the experiment (default: that of its file)"),
    TEXT("description", description, "what it is for"),
    OWN("tags", tags, tags, "names and values to find it by"),
    SECTION("data", data_keys, "tables, and what their columns are"),
    OWN("task", options.task, task, "auto (by the target), binary, multiclass or regression"),
    OWN("metric", options.metric, metric, "what to optimize (default: auc, log_loss or rmse)"),
    SECTION("limits", limit_keys, "when to end"),
    OWN("validation", options.validation, validation,
        "auto, cvK (cv5), holdoutX (holdout0.2), {\"folds\": 5} or {\"holdout\": 0.2}"),
    OWN("featurization", options.featurization, featurization,
        "auto, all, off, or an object of blocked steps, kinds of columns and parameters"),
    {.name = "learners",
     .summary = "names of learners, or an object of them with what is searched of their "
                "parameters: a value, a list of values, or {\"min\": …, \"max\": …}",
     .type = AML_KEY_OWN,
     .read = aml_experiment_learners,
     .schema = aml_experiment_learners_schema},
    SECTION("search", search_keys, "how pipelines are found"),
    OWN("ensemble", options.ensemble, switch, "blend the best pipelines (default true)"),
    SECTION("model", model_keys, "which of the models that the run could give"),
    SECTION("constraints", constraint_keys, "what every prediction is held to"),
    SECTION("outputs", output_keys, "files to write"),
    {0}};
