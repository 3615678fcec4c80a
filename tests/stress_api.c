/* stress_api.c: random calls of automl.h, misuse included: whatever is called, with whatever, in whatever order, there is no
 * crash and no leak, a failure has a name, and hands nothing out.
 *
 *     stress_api SEED CALLS
 *
 * What is called is a function of the seed. Under AddressSanitizer leaks show at the end. What no library can survive is left
 * out: objects that were freed, arrays shorter than they are said to be, pointers to nowhere. */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/automl.h"

enum { ROWS = 30, ROOM = 4, OUTPUTS = 16 };

/* ---- chance */

static uint64_t state;
static uint64_t next(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
static size_t below(size_t n) { return (size_t)(next() % n); }
static bool one_in(size_t n) { return !below(n); }
#define PICK(list) ((list)[below(sizeof(list) / sizeof *(list))])

static char long_text[20000];

static const char *text(void) {
    static const char *const odd[] = {"",
                                      "x",
                                      "\xff\xfe\x80",
                                      "%s%n%d",
                                      "a\nb\x1b[31m",
                                      "nothing",
                                      "last",
                                      "-",
                                      "null",
                                      "{}",
                                      "\"x\"",
                                      "[1,2",
                                      "1e999",
                                      "\xf0\x9f\x8c\xb3",
                                      "cv5",
                                      "auto",
                                      "y",
                                      long_text};
    return one_in(12) ? NULL : PICK(odd);
}
static const char *name(void) {
    static const char *const names[] = {"x", "y", "c", "t", "k", "nothing"};
    return one_in(6) ? text() : PICK(names);
}
/* Files that are there, that are something else, and that are not. */
static const char *path(void) {
    static const char *const paths[] = {
        "t.csv", "m.automl", "cut.automl", "e.json",     "t.jsonl", "s.db",   "out.1",    "out.2",
        ".",     "none/out", "s.json",     "broken.csv", "none",    "f.json", "/dev/null"};
    const char *p = one_in(20) ? text() : PICK(paths);
    return p && !strcmp(p, "-") ? "none" : p;
}
/* Where something is written: never over what is read. */
static const char *output(void) {
    static const char *const paths[] = {"out.1", "out.2", "none/out", ".", "/dev/full", "-"};
    return one_in(12) ? NULL : PICK(paths);
}
static size_t number(void) {
    static const size_t odd[] = {0, 1, 2, 3, 7, 29, 30, 1000, SIZE_MAX, SIZE_MAX / 2, 1u << 31};
    return PICK(odd);
}
static double real(void) {
    static const double odd[] = {0, 0.5, 1, -1, 2, 1e-300, 1e300, -1e300, (double)INFINITY, NAN};
    return PICK(odd);
}
static int threads(void) {
    static const int odd[] = {0, 1, 2, -7, INT_MIN};
    return one_in(400) ? INT_MAX : PICK(odd);
}
static const char *const *names(void) {
    static const char *list[4];
    size_t n = below(4);
    for (size_t i = 0; i < n; i++) list[i] = name();
    list[n] = NULL;
    return one_in(2) ? NULL : list;
}
/* A struct of the interface in room for a larger one, with a size that may be wrong. */
typedef union any_size {
    size_t size;
    char bytes[4096];
    double alignment;
} any_size;
static size_t size_of(size_t right) {
    static const size_t wrong[] = {0, 1, 7, 8, 9, 24, 4096, 4097, SIZE_MAX};
    return one_in(25) ? PICK(wrong) : right;
}

/* ---- what went before */

static size_t calls;
static const char *doing = "";

static void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "call %zu, %s: ", calls, doing);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static void named(aml_status s) {
    char block[2048];
    const aml_error *e = aml_last_error();
    calls++;
    if (!s) return;
    if (!strcmp(aml_status_name(s), "E-UNKNOWN")) die("status %d", (int)s);
    if (s == AML_EINTERNAL) die("an internal error: %s", e->message);
    if (e->status != s)
        die("status %d, but the error has %d: %s", (int)s, (int)e->status, e->message);
    if (!e->message[0]) die("no message for status %d", (int)s);
    if (strstr(e->message, "aml_status_of_nothing")) die("status %d has no error", (int)s);
    aml_format_error(block, one_in(3) ? below(sizeof block) : sizeof block, e);
}
/* An error that is none of the call's. */
static void mark(const char *what) {
    doing = what;
    (void)aml_frame_rows_count(NULL);
    aml_error *e = (aml_error *)(uintptr_t)aml_last_error();
    e->status = AML_OK;
    memcpy(e->message, "aml_status_of_nothing", 22);
}
#define CALL(call) (mark(#call), named(call))
#define VALUE(call) (mark(#call), calls++, (call))
#define FREE_TEXT(call) aml_text_free(VALUE(call))
/* A call that hands out an object by its first argument. */
#define MAKE(kind, object, call)                                     \
    do {                                                             \
        aml_status status_;                                          \
        mark(#call);                                                 \
        status_ = (call);                                            \
        named(status_);                                              \
        if ((status_ == AML_OK) != ((object) != NULL))               \
            die("status %d and %p", (int)status_, (void *)(object)); \
        put(kind, object);                                           \
    } while (0)

/* ---- objects */

typedef enum kind {
    FRAME,
    BUILDER,
    MODEL,
    TUNER,
    CHECK,
    EVALUATION,
    EXPLANATION,
    PERMUTATION,
    LINEAGE,
    EXPERIMENT,
    FEATURES,
    STORE,
    RUNS,
    COMPARISON,
    SWEEP,
    KINDS
} kind;
static const char *const kind_words[KINDS] = {
    "frames",         "builders",     "models",        "tuners",      "checks",
    "evaluations",    "explanations", "permutations",  "lineages",    "experiments",
    "featurizations", "stores",       "lists of runs", "comparisons", "sweeps"};
static void *pool[KINDS][ROOM];

static void drop(kind k, void *p) {
    switch (k) {
    case FRAME: aml_frame_free(p); break;
    case BUILDER: aml_frame_builder_free(p); break;
    case MODEL: /* explanations and the like read the model */
        for (kind d = EXPLANATION; d <= LINEAGE; d++)
            for (int i = 0; i < ROOM; i++) {
                if (pool[d][i]) drop(d, pool[d][i]);
                pool[d][i] = NULL;
            }
        aml_model_free(p);
        break;
    case TUNER: aml_tuner_free(p); break;
    case CHECK: aml_check_free(p); break;
    case EVALUATION: aml_evaluation_free(p); break;
    case EXPLANATION: aml_explanation_free(p); break;
    case PERMUTATION: aml_permutation_free(p); break;
    case LINEAGE: aml_lineage_free(p); break;
    case EXPERIMENT: aml_experiment_free(p); break;
    case FEATURES: aml_featurization_free(p); break;
    case STORE: aml_store_close(p); break;
    case RUNS: aml_runs_free(p); break;
    case COMPARISON: aml_comparison_free(p); break;
    case SWEEP: aml_sweep_free(p); break;
    case KINDS: break;
    }
}
static void *get(kind k) { return pool[k][below(ROOM)]; }
static size_t n_made[KINDS];
static void put(kind k, void *p) {
    size_t i = 1 + below(ROOM - 1); /* the first stays */
    if (!p) return;
    n_made[k]++;
    void *old = pool[k][i];
    pool[k][i] = NULL;
    if (old) drop(k, old);
    pool[k][i] = p;
}
static void op_free(void) {
    kind k = (kind)below(KINDS);
    size_t i = 1 + below(ROOM - 1);
    void *p = pool[k][i];
    pool[k][i] = NULL;
    doing = "free";
    drop(k, p);
    calls++;
}

/* ---- frames */

static void op_builder(void) {
    static double numbers[ROWS];
    static const char *texts[ROWS];
    aml_frame_builder *b = get(BUILDER);
    bool odd = one_in(8);
    if (!b || one_in(3)) {
        put(BUILDER, VALUE(aml_frame_builder_new(one_in(8) ? below(ROWS + 1) : ROWS, NULL)));
        return;
    }
    for (size_t i = 0; i < ROWS; i++) {
        numbers[i] = odd && one_in(6) ? real() : (double)below(i % 3 ? 3 : 40) - 1;
        texts[i] = odd && one_in(6) ? text() : one_in(2) ? "red" : one_in(2) ? "blue" : "green";
    }
    if (one_in(3)) CALL(aml_frame_add_texts(b, name(), one_in(12) ? NULL : texts));
    else if (one_in(4)) CALL(aml_frame_borrow_numbers(b, name(), one_in(12) ? NULL : numbers));
    else CALL(aml_frame_add_numbers(b, name(), one_in(12) ? NULL : numbers));
    if (!one_in(4)) return;
    for (int i = 0; i < ROOM; i++)
        if (pool[BUILDER][i] == b) pool[BUILDER][i] = NULL;
    put(FRAME, VALUE(aml_frame_build(b)));
}

static aml_read_options *read_options(any_size *room) {
    aml_read_options *o = (aml_read_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_read_options){.size = size_of(sizeof *o), .threads = threads()};
    if (one_in(4)) o->separator = PICK(",;\t\"x");
    if (one_in(6)) o->decimal = PICK(".,x");
    if (one_in(4)) o->header = (int)below(4) - 1;
    if (one_in(4)) o->text = names();
    if (one_in(6)) o->memory_limit = number();
    if (one_in(6)) o->encoding = text();
    if (one_in(6)) o->quote = text();
    if (one_in(6)) o->ragged = one_in(2) ? "pad" : text();
    if (one_in(6)) o->skip_lines = number();
    if (one_in(6)) o->skip_footer = number();
    if (one_in(6)) o->schema = path();
    if (one_in(6)) o->thousands = text();
    if (one_in(6)) o->escape = text();
    return one_in(3) ? NULL : o;
}

static void op_read(void) {
    any_size room;
    aml_frame *f = NULL;
    if (one_in(20)) CALL(aml_frame_read(NULL, path(), NULL));
    else if (one_in(3))
        MAKE(FRAME, f,
             aml_model_read(&f, get(MODEL), path(), read_options(&room), names(), (int)below(2)));
    else MAKE(FRAME, f, aml_frame_read(&f, path(), read_options(&room)));
}

static void op_frame(void) {
    const aml_frame *f = get(FRAME);
    char cell[64];
    VALUE(aml_frame_rows_count(f));
    VALUE(aml_frame_columns_count(f));
    VALUE(aml_frame_column_name(f, number()));
    VALUE(aml_frame_note(f, number()));
    VALUE(aml_frame_text(one_in(9) ? NULL : cell, below(sizeof cell + 1), f, name(), number()));
    if (one_in(20)) CALL(aml_frame_write_schema(f, output()));
}

/* ---- training */

static int progress(const aml_progress *p, void *arg) {
    (void)arg;
    return p->trials > 1;
}
static void hear(aml_log_level level, const char *words, void *arg) {
    (void)level, (void)arg;
    if (!words || !*words) die("an empty log");
}

static aml_train_options *train_options(any_size *room) {
    static const char *const learners[][3] = {{"ridge"},    {"naive_bayes"}, {"ridge", "logistic"},
                                              {"baseline"}, {"knn"},         {"nonsense"},
                                              {NULL}};
    static const char *const metrics[] = {"auc", "rmse", "log_loss", "nonsense", "", "f1", "mae"};
    static const char *const tasks[] = {"binary", "multiclass", "regression", "nonsense"};
    static const char *const validations[] = {
        "cv2", "cv5", "holdout0.2", "holdout7", "cv0", "cv1", "cv99999999999", "nonsense", ""};
    static const char *const words[] = {"best",     "fast",  "single", "interpretable",
                                        "nonsense", "none",  "random", "race",
                                        "grid",     "sobol", "tpe"};
    static const char *const *groups[3];
    static double score;
    static volatile int stop;
    static aml_param_range range;
    static const aml_param_range *ranges[2];
    aml_train_options *o = (aml_train_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_train_options){.size = size_of(sizeof *o),
                             .target = one_in(6) ? name() : "y",
                             .trials = 1 + below(2),
                             .learners = PICK(learners),
                             .validation = one_in(3) ? PICK(validations) : "cv2",
                             .seed = next(),
                             .threads = one_in(30)   ? INT_MAX
                                        : one_in(30) ? -1
                                                     : (int)below(3)};
    if (o->size == 8 || o->size == 24) o->size = sizeof *o; /* without trials it would be 60 s */
    if (one_in(2)) return o;
    if (one_in(12))
        o->trials = 0, o->time_limit = one_in(2) ? 0.03 : -1, o->trials = o->time_limit < 0;
    if (one_in(12)) o->time_limit = one_in(2) ? 0.05 : real();
    if (one_in(8)) o->task = PICK(tasks);
    if (one_in(8)) o->metric = PICK(metrics);
    if (one_in(12)) o->valid = get(FRAME);
    if (one_in(6)) o->drop = names();
    if (one_in(12)) o->weight = name();
    if (one_in(12)) o->group = name();
    if (one_in(12)) o->time = name();
    if (one_in(8)) o->sampler = PICK(words);
    if (one_in(8)) o->scheduler = PICK(words);
    if (one_in(8)) o->prefer = PICK(words);
    if (one_in(8)) o->ensemble = (int)below(4) - 2;
    if (one_in(12)) o->max_concurrent_trials = threads();
    if (one_in(12)) o->memory_limit = one_in(2) ? number() : 1u << (10 + below(18));
    if (one_in(8)) o->progress = progress;
    if (one_in(8)) o->log = hear;
    if (one_in(12)) o->stop = &stop, stop = one_in(3);
    if (one_in(12)) o->forget = text();
    if (one_in(12)) o->increasing = names();
    if (one_in(12)) o->decreasing = names();
    if (one_in(16)) o->interactions = groups, groups[0] = names(), groups[1] = NULL;
    if (one_in(8)) o->featurization = get(FEATURES);
    if (one_in(16)) o->max_predict_seconds = real();
    if (one_in(16)) o->max_model_bytes = number();
    if (one_in(8)) o->calibration = (int)below(4) - 2;
    if (one_in(12)) o->threshold = real();
    if (one_in(12)) o->exit_score = &score, score = real();
    if (one_in(12)) o->patience = number();
    if (one_in(12)) o->trial_timeout = real();
    if (one_in(12)) {
        range = (aml_param_range){.size = size_of(sizeof range),
                                  .learner = one_in(2) ? "ridge" : text(),
                                  .param = one_in(2) ? "alpha" : text(),
                                  .min = real(),
                                  .max = real(),
                                  .values = names()};
        ranges[0] = &range;
        o->ranges = ranges;
    }
    if (one_in(10)) o->store = get(STORE), o->resume = one_in(2) ? -1 : 0;
    if (one_in(16)) o->experiment = text(), o->tags = names();
    if (one_in(24)) o->replay = text();
    if (one_in(16)) o->model_path = output();
    return one_in(30) ? NULL : o;
}

static void op_train(void) {
    any_size room;
    aml_model *m = NULL;
    const aml_train_options *o = train_options(&room);
    const aml_experiment *e = get(EXPERIMENT);
    if (one_in(8) && e) { /* an experiment's own options have a limit of their own */
        aml_train_options own = *aml_experiment_options(e);
        own.trials = 1;
        own.time_limit = 0;
        MAKE(MODEL, m, aml_train(&m, get(FRAME), &own));
    } else MAKE(MODEL, m, aml_train(one_in(40) ? NULL : &m, get(FRAME), o));
}

static void op_study(void) {
    any_size room;
    aml_study *s = NULL;
    aml_model *m = NULL;
    aml_leader l = {.size = size_of(sizeof l)};
    aml_progress p = {.size = size_of(sizeof p)};
    mark("aml_study_new");
    named(aml_study_new(one_in(40) ? NULL : &s, get(FRAME), train_options(&room)));
    for (size_t n = below(8); n; n--) {
        switch (below(7)) {
        case 0: CALL(aml_study_start(s)); break;
        case 1: mark("stop"), aml_study_stop(s); break;
        case 2: VALUE(aml_study_leader(s, number(), one_in(9) ? NULL : &l)); break;
        case 3: VALUE(aml_study_progress(s, one_in(9) ? NULL : &p)); break;
        case 4:
            MAKE(MODEL, m, aml_study_finish(one_in(20) ? NULL : &m, s));
            m = NULL;
            break;
        default:
            CALL(aml_study_step(s, one_in(9) ? (one_in(2) ? NAN : -1) : 0.001 * (double)below(9)));
        }
    }
    aml_study_free(s);
}

static void op_check(void) {
    any_size room;
    aml_check *c = get(CHECK), *made = NULL;
    aml_profile p = {.size = size_of(sizeof p)};
    aml_guardrail g = {.size = size_of(sizeof g)};
    if (one_in(4)) {
        MAKE(CHECK, made,
             aml_check_run(one_in(40) ? NULL : &made, get(FRAME), train_options(&room)));
        return;
    }
    VALUE(aml_check_profile(c, number(), one_in(20) ? NULL : &p));
    VALUE(aml_check_guardrail(c, number(), one_in(20) ? NULL : &g));
    VALUE(aml_check_task(c));
    FREE_TEXT(aml_check_json(c));
}

/* ---- models */

static void op_model_file(void) {
    aml_model *m = NULL;
    if (one_in(2)) MAKE(MODEL, m, aml_model_load(one_in(30) ? NULL : &m, path()));
    else if (one_in(2)) CALL(aml_model_save(get(MODEL), output()));
    else
        CALL(aml_model_export(get(MODEL), one_in(4) ? text() : aml_export_format_name(below(5)),
                              output()));
}

static void op_model(void) {
    const aml_model *m = get(MODEL);
    aml_leader l = {.size = size_of(sizeof l)};
    aml_alternative a = {.size = size_of(sizeof a)};
    aml_guardrail g = {.size = size_of(sizeof g)};
    aml_input_column c = {.size = size_of(sizeof c)};
    aml_part p = {.size = size_of(sizeof p)};
    aml_forecast f = {.size = size_of(sizeof f)};
    aml_score s = {.size = size_of(sizeof s)};
    const char *n;
    double x, outputs[OUTPUTS];
    bool null = one_in(20);
    for (int i = 0; i < OUTPUTS; i++) outputs[i] = real();
    switch (below(8)) {
    case 0: VALUE(aml_model_leader(m, number(), null ? NULL : &l)); break;
    case 1: VALUE(aml_model_alternative(m, number(), null ? NULL : &a)); break;
    case 2: VALUE(aml_model_guardrail(m, number(), null ? NULL : &g)); break;
    case 3: VALUE(aml_model_input(m, number(), null ? NULL : &c)); break;
    case 4: VALUE(aml_model_part(m, number(), null ? NULL : &p)); break;
    case 5: VALUE(aml_model_forecast(m, null ? NULL : &f)); break;
    case 6: VALUE(aml_model_importance(m, number(), null ? NULL : &n, &x)); break;
    default: aml_model_score(m, null ? NULL : &s);
    }
    VALUE(aml_model_task(m)), VALUE(aml_model_metric(m)), VALUE(aml_model_target(m)),
        VALUE(aml_model_run(m));
    VALUE(aml_model_classes(m)), VALUE(aml_model_class(m, number())), VALUE(aml_model_threshold(m));
    VALUE(aml_model_calibration(m)), VALUE(aml_model_outputs(m));
    if (aml_model_classes(m) <= OUTPUTS) VALUE(aml_model_choose(m, null ? NULL : outputs));
}

static void op_model_text(void) {
    const aml_model *m = get(MODEL);
    FREE_TEXT(aml_model_leaderboard_json(m, (unsigned)next()));
    FREE_TEXT(aml_model_leaderboard_csv(m, (unsigned)next()));
    FREE_TEXT(aml_model_inspect_json(m));
}

static void op_predict(void) {
    const aml_model *m = get(MODEL);
    const aml_frame *f = get(FRAME);
    size_t n = aml_frame_rows_count(f), k = aml_model_outputs(m);
    double *out = malloc((n * k + 1) * sizeof *out);
    if (one_in(3)) CALL(aml_model_predict_csv(m, f, output(), names(), threads()));
    else if (one_in(4)) CALL(aml_model_transform_csv(m, f, number(), output(), threads()));
    else CALL(aml_model_predict(one_in(30) ? NULL : out, m, f, threads()));
    free(out);
}

static void op_evaluate(void) {
    aml_evaluation *e, *made = NULL;
    const char *n;
    double x;
    if (one_in(3))
        MAKE(EVALUATION, made,
             aml_model_evaluate(one_in(30) ? NULL : &made, get(MODEL), get(FRAME), threads()));
    e = get(EVALUATION);
    VALUE(aml_evaluation_metric(e, number(), one_in(20) ? NULL : &n, &x));
    VALUE(aml_evaluation_rows(e));
    FREE_TEXT(aml_evaluation_json(e));
}

static aml_explain_options *explain_options(any_size *room) {
    static size_t rows[5];
    aml_explain_options *o = (aml_explain_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_explain_options){.size = size_of(sizeof *o),
                               .draws = one_in(6) ? number() : 2,
                               .seed = next(),
                               .threads = threads()};
    if (o->draws > 7 && o->draws < 100001) o->draws = 3;
    for (int i = 0; i < 5; i++) rows[i] = one_in(8) ? number() : below(ROWS);
    if (one_in(2)) o->rows = rows;
    o->n_rows = o->rows ? below(6) : one_in(9) ? number() : 0;
    return one_in(4) ? NULL : o;
}

static void op_explain(void) {
    any_size room;
    aml_explanation *e = get(EXPLANATION), *made = NULL;
    aml_permutation *p = get(PERMUTATION), *shuffled = NULL;
    const char *n;
    double x, y;
    if (one_in(4))
        MAKE(EXPLANATION, made,
             aml_model_explain(one_in(30) ? NULL : &made, get(MODEL), get(FRAME),
                               explain_options(&room)));
    else if (one_in(4))
        MAKE(PERMUTATION, shuffled,
             aml_model_permute(one_in(30) ? NULL : &shuffled, get(MODEL), get(FRAME),
                               explain_options(&room)));
    else {
        VALUE(aml_explanation_rows(e)), VALUE(aml_explanation_values(e));
        VALUE(aml_explanation_column(e, number(), one_in(20) ? NULL : &n, &x));
        VALUE(aml_explanation_method(e, number()));
        VALUE(aml_permutation_column(p, number(), one_in(20) ? NULL : &n, &x, &y));
        VALUE(aml_permutation_rows(p)), VALUE(aml_permutation_score(p));
        if (one_in(4)) CALL(aml_explanation_csv(e, output(), number()));
        FREE_TEXT(aml_explanation_json(e, p, (int)below(2)));
    }
}

static void op_lineage(void) {
    aml_lineage *l, *made = NULL;
    aml_engineered e = {.size = size_of(sizeof e)};
    if (one_in(3))
        MAKE(LINEAGE, made,
             aml_lineage_new(one_in(30) ? NULL : &made, get(MODEL), one_in(4) ? number() : 0));
    l = get(LINEAGE);
    VALUE(aml_lineage_at(l, number(), one_in(20) ? NULL : &e));
}

/* ---- documents */

static const char *document(void) {
    static const char *const documents[] = {
        "{\"data\":{\"train\":\"t.csv\",\"target\":\"y\"},\"limits\":{\"max_trials\":1}}",
        "{\"mode\":\"all\",\"blocked\":[\"pca\"]}",
        "{\"kinds\":{\"c\":\"category\",\"x\":\"drop\"}}",
        "off",
        "{\"params\":{\"target_encode\":{\"smoothing\":20}}}",
        "{\"extends\":\"e.json\"}",
        "{\"a\":",
        "[[[[[[[["};
    return one_in(3) ? text() : PICK(documents);
}

static void op_experiment(void) {
    any_size a, b;
    aml_experiment *e, *made = NULL;
    aml_experiment_files f = {.size = size_of(sizeof f)};
    const char *n, *v;
    char *draft = NULL;
    if (one_in(3))
        MAKE(EXPERIMENT, made,
             aml_experiment_parse(one_in(30) ? NULL : &made, document(), path(), names()));
    else if (one_in(3))
        MAKE(EXPERIMENT, made, aml_experiment_read(one_in(30) ? NULL : &made, path(), names()));
    e = get(EXPERIMENT);
    VALUE(aml_experiment_reading(e)), VALUE(aml_experiment_options(e)),
        VALUE(aml_experiment_name(e));
    VALUE(aml_experiment_description(e));
    mark("paths"), aml_experiment_paths(e, one_in(20) ? NULL : &f);
    VALUE(aml_experiment_tag(e, number(), one_in(20) ? NULL : &n, &v));
    CALL(aml_experiment_check(e, get(FRAME)));
    FREE_TEXT(aml_experiment_json(e));
    if (!one_in(20)) return;
    FREE_TEXT(aml_experiment_schema());
    CALL(aml_experiment_draft(one_in(20) ? NULL : &draft, get(FRAME), path(), output(),
                              read_options(&a), train_options(&b)));
    aml_text_free(draft);
}

static void op_featurization(void) {
    aml_featurization *f = NULL;
    VALUE(aml_featurization_texts(get(FEATURES)));
    if (one_in(2)) MAKE(FEATURES, f, aml_featurization_parse(one_in(30) ? NULL : &f, document()));
    else MAKE(FEATURES, f, aml_featurization_read(one_in(30) ? NULL : &f, path()));
}

/* ---- tuning */

static aml_tuner_options *tuner_options(any_size *room) {
    static const char *const spaces[] = {
        "a = float(0, 1)",
        "a = int(1, 9); b = choice(x, yy)",
        "lr = loguniform(1e-4, 1e-1); d = int(2, 10) if b == x; b = choice(x, y)",
        "{\"a\":{\"type\":\"normal\",\"mu\":0,\"sigma\":1}}",
        "a = float(1, 0)",
        "a = int(0, 1e300)",
        "a = log_int(1, 1000); c = constant(5)",
        "",
        "a",
        "a = bool()"};
    static const char *const samplers[] = {"random",
                                           "grid",
                                           "sobol",
                                           "tpe",
                                           "bayesian",
                                           "cmaes",
                                           "{\"type\":\"random\",\"rule\":\"sobol\"}",
                                           "nonsense"};
    static const char *const schedulers[] = {"none",
                                             "median_stopping",
                                             "asha",
                                             "hyperband",
                                             "{\"type\":\"bandit\",\"slack_factor\":0.2}",
                                             "race"};
    static const char *const goals[] = {"minimize loss", "maximize a, minimize b", "nonsense",
                                        "{\"goal\":\"maximize\",\"primary_metric\":\"q\"}"};
    aml_tuner_options *o = (aml_tuner_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_tuner_options){
        .size = size_of(sizeof *o), .space = one_in(8) ? text() : PICK(spaces), .seed = next()};
    if (one_in(6)) o->constraints = one_in(2) ? "a <= 0.9" : text();
    if (one_in(2)) o->sampler = PICK(samplers);
    if (one_in(2)) o->scheduler = PICK(schedulers);
    if (one_in(2)) o->goals = PICK(goals);
    if (one_in(6)) o->concurrency = number();
    if (one_in(6)) o->in_order = 1;
    if (one_in(6)) o->trials = number();
    return one_in(30) ? NULL : o;
}

static void op_tuner_make(void) {
    any_size room;
    aml_tuner *t = NULL;
    if (one_in(8))
        MAKE(TUNER, t,
             aml_tuner_open(one_in(30) ? NULL : &t, one_in(2) ? "t.jsonl" : path(),
                            tuner_options(&room)));
    else if (one_in(8)) MAKE(TUNER, t, aml_tuner_load(one_in(30) ? NULL : &t, path()));
    else MAKE(TUNER, t, aml_tuner_new(one_in(30) ? NULL : &t, tuner_options(&room)));
}

static void op_tuner(void) {
    aml_tuner *t = get(TUNER);
    size_t n = aml_tuner_trials(t), trial = 0, id = n && !one_in(6) ? below(n) : number();
    const double values[16] = {real(), real(), real()};
    int go_on;
    bool null = one_in(20);
    switch (below(7)) {
    case 0:
        if (n < 25) CALL(aml_tuner_ask(t, null ? NULL : &trial));
        break;
    case 1: CALL(aml_tuner_enqueue(t, one_in(2) ? "{\"a\":0.5}" : text())); break;
    case 2:
        CALL(aml_tuner_report(t, id, one_in(3) ? real() : (double)below(9), real(),
                              null ? NULL : &go_on));
        break;
    case 3:
    case 4: CALL(aml_tuner_tell(t, id, (aml_outcome)below(6), null ? NULL : values)); break;
    case 5:
        if (one_in(10)) CALL(aml_tuner_save(t, output()));
        break;
    default: VALUE(aml_tuner_trials(t));
    }
}

static void op_tuner_view(void) {
    aml_tuner *t = get(TUNER);
    size_t id = number(), at;
    aml_tuner_value v = {.size = size_of(sizeof v)};
    aml_tuner_trial r = {.size = size_of(sizeof r)};
    const char *n;
    double x, y;
    int up;
    bool null = one_in(20);
    VALUE(aml_tuner_value_at(t, id, number(), null ? NULL : &v));
    VALUE(aml_tuner_trial_at(t, id, null ? NULL : &r));
    VALUE(aml_tuner_trial_value(t, id, number()));
    VALUE(aml_tuner_trial_report(t, id, number(), null ? NULL : &x, &y));
    VALUE(aml_tuner_goal(t, number(), null ? NULL : &n, &up));
    VALUE(aml_tuner_best(t, number(), null ? NULL : &at));
    VALUE(aml_tuner_importance(t, number(), number(), null ? NULL : &n, &x));
    VALUE(aml_tuner_note(t, below(3)));
    FREE_TEXT(aml_tuner_params_json(t, id));
}

/* ---- sweeps, which are opened but not run */

static void op_sweep(void) {
    static const char *const command[] = {"echo", "{a}", NULL};
    static const char *const goals[] = {"minimize loss", "nonsense", NULL};
    any_size room;
    aml_sweep *s, *made = NULL;
    aml_sweep_trial t = {.size = size_of(sizeof t)};
    aml_sweep_failure_group g = {.size = size_of(sizeof g)};
    aml_sweep_options *o = (aml_sweep_options *)(void *)room.bytes;
    if (one_in(3)) {
        memset(&room, 0, sizeof room);
        *o = (aml_sweep_options){.size = size_of(sizeof *o),
                                 .command = one_in(8) ? names() : command,
                                 .space = one_in(8) ? text() : "a = int(1, 3)",
                                 .goals = PICK(goals),
                                 .metrics = one_in(4) ? names() : NULL,
                                 .name = one_in(4) ? text() : NULL,
                                 .output = "out.sweep",
                                 .trials = 1 + below(3),
                                 .dry_run = 1};
        if (one_in(8)) o->path = path();
        if (one_in(8)) o->time_limit = real(), o->trial_timeout = real();
        if (one_in(8)) o->max_concurrent_trials = threads();
        if (one_in(8)) o->sampler = text(), o->scheduler = text();
        MAKE(SWEEP, made, aml_sweep_open(one_in(30) ? NULL : &made, one_in(30) ? NULL : o));
    }
    s = get(SWEEP);
    if (s) CALL(aml_sweep_run(s)); /* it was opened for a dry run */
    VALUE(aml_sweep_folder(s)), VALUE(aml_sweep_end(s)), VALUE(aml_sweep_trials(s));
    VALUE(aml_tuner_trials(aml_sweep_tuner(s)));
    VALUE(aml_sweep_trial_at(s, number(), one_in(20) ? NULL : &t));
    VALUE(aml_sweep_metric(s, number())), VALUE(aml_sweep_value(s, number(), number()));
    VALUE(aml_sweep_failure(s, number(), one_in(20) ? NULL : &g)),
        VALUE(aml_sweep_note(s, number()));
    FREE_TEXT(aml_sweep_command(s, number()));
    FREE_TEXT(aml_sweep_json(s, (unsigned)next()));
    if (one_in(20)) FREE_TEXT(aml_sweep_schema());
}

/* ---- the store */

static void op_store(void) {
    any_size room;
    aml_store *s = get(STORE), *made = NULL;
    aml_runs *r = get(RUNS), *found = NULL;
    aml_model *m = NULL;
    aml_run_info info = {.size = size_of(sizeof info)};
    aml_run_filter *f = (aml_run_filter *)(void *)room.bytes;
    char *out = NULL;
    memset(&room, one_in(40) ? 1 : 0, sizeof room);
    *f = (aml_run_filter){.size = size_of(sizeof *f), .limit = one_in(3) ? number() : 3};
    if (one_in(9)) f->status = text();
    if (one_in(9)) f->tag = text();
    if (one_in(9)) f->sort = text();
    if (one_in(4)) f->since = real();
    const char *id = one_in(2) ? "last" : text();
    switch (below(10)) {
    case 0:
        MAKE(STORE, made,
             aml_store_open(one_in(30) ? NULL : &made, one_in(2) ? "s.db" : path(),
                            (unsigned)below(3)));
        break;
    case 1:
        MAKE(RUNS, found, aml_store_list(one_in(30) ? NULL : &found, s, one_in(6) ? NULL : f));
        break;
    case 2: MAKE(RUNS, found, aml_store_find(one_in(30) ? NULL : &found, s, id)); break;
    case 3: MAKE(MODEL, m, aml_store_leaderboard(one_in(30) ? NULL : &m, s, id)); break;
    case 4: CALL(aml_store_tag(s, id, text(), text())); break;
    case 5:
        if (one_in(10)) CALL(aml_store_delete(s, id));
        break;
    case 6:
        CALL(aml_store_json(one_in(30) ? NULL : &out, s, r, (int)below(2)));
        aml_text_free(out);
        break;
    case 7:
        CALL(aml_store_csv(one_in(30) ? NULL : &out, s, r));
        aml_text_free(out);
        break;
    default: VALUE(aml_runs_count(r)), VALUE(aml_runs_at(r, number(), one_in(20) ? NULL : &info));
    }
}

static void op_compare(void) {
    aml_comparison *c, *made = NULL;
    aml_compared x = {.size = size_of(sizeof x)};
    if (one_in(3))
        MAKE(COMPARISON, made,
             aml_store_compare(one_in(30) ? NULL : &made, get(STORE), one_in(3) ? text() : "last",
                               one_in(3) ? text() : "last"));
    c = get(COMPARISON);
    VALUE(aml_comparison_at(c, number(), one_in(20) ? NULL : &x));
    FREE_TEXT(aml_comparison_json(c));
}

/* ---- the rest */

static void op_small(void) {
    aml_catalog_entry e = {.size = size_of(sizeof e)};
    double x;
    VALUE(aml_version()), VALUE(aml_status_name((aml_status)next()));
    VALUE(aml_catalog(number(), one_in(20) ? NULL : &e));
    VALUE(aml_suggest(text(), names())), VALUE(aml_read_number(one_in(20) ? NULL : &x, text()));
    if (one_in(50)) FREE_TEXT(aml_catalog_json());
    if (one_in(20)) CALL(aml_check_writable(output()));
    if (one_in(20)) CALL(aml_text_write(text(), output()));
    if (one_in(50)) CALL(aml_plugin_load(one_in(3) ? text() : path()));
}

static const struct {
    int weight;
    void (*run)(void);
} ops[] = {{300, op_builder},   {60, op_read},        {200, op_frame},        {20, op_train},
           {6, op_study},       {60, op_check},       {40, op_model_file},    {250, op_model},
           {60, op_model_text}, {60, op_predict},     {60, op_evaluate},      {120, op_explain},
           {60, op_lineage},    {60, op_experiment},  {60, op_featurization}, {60, op_tuner_make},
           {400, op_tuner},     {150, op_tuner_view}, {60, op_sweep},         {200, op_store},
           {60, op_compare},    {150, op_small},      {60, op_free}};

/* ---- files to read */

static void file(const char *at, const char *bytes, size_t n) {
    FILE *f = fopen(at, "w");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) die("cannot write %s", at);
}

static void furnish(void) {
    static char csv[4000], model[1 << 20];
    size_t n = (size_t)snprintf(csv, sizeof csv, "x,c,y\n");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%d,%s,%d\n", i * 7 % 11,
                              i % 3 ? "red" : "blue", i % 2);
    file("t.csv", csv, n);
    file("broken.csv", "a,b\n1,2\n\"x,\n3\0", 14);
    file("e.json",
         "{\"data\":{\"train\":\"t.csv\",\"target\":\"y\"},\"limits\":{\"max_trials\":1}}", 66);
    file("s.json", "{\"columns\":[{\"name\":\"x\",\"kind\":\"category\"}]}", 45);
    file("f.json", "{\"mode\":\"off\"}", 14);
    aml_frame *f = NULL;
    aml_model *m = NULL;
    aml_train_options o = {.size = sizeof o, .target = "y", .trials = 2};
    if (aml_frame_read(&f, "t.csv", NULL) || aml_train(&m, f, &o) || aml_model_save(m, "m.automl"))
        die("%s", aml_last_error()->message);
    pool[MODEL][0] = m;
    pool[FRAME][0] = f;
    aml_store *s = NULL;
    if (aml_store_open(&s, "s.db", AML_STORE_CREATE)) die("%s", aml_last_error()->message);
    o.store = s;
    o.learners = (const char *const[]){"ridge", "naive_bayes", NULL};
    m = NULL;
    if (aml_train(&m, f, &o)) die("%s", aml_last_error()->message);
    put(MODEL, m);
    pool[STORE][0] = s;
    FILE *saved = fopen("m.automl", "r");
    n = saved ? fread(model, 1, sizeof model, saved) : 0;
    if (saved) fclose(saved);
    file("cut.automl", model, n / 2);
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/automl_stress_XXXXXX", command[64];
    size_t total = 0, limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    state = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (!mkdtemp(folder) || chdir(folder) || !freopen("/dev/null", "w", stdout) ||
        !freopen("/dev/null", "r", stdin))
        return 1;
    memset(long_text, 'a', sizeof long_text - 1);
    furnish();
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) total += (size_t)ops[i].weight;
    while (calls < limit) {
        size_t at = below(total), i = 0;
        for (; at >= (size_t)ops[i].weight; i++) at -= (size_t)ops[i].weight;
        ops[i].run();
    }
    for (int k = KINDS - 1; k >= 0; k--)
        for (int i = 0; i < ROOM; i++)
            if (pool[k][i]) {
                void *p = pool[k][i];
                pool[k][i] = NULL;
                drop((kind)k, p);
            }
    fprintf(stderr, "%zu calls, seed %s:", calls, argc > 1 ? argv[1] : "1");
    for (int k = 0; k < KINDS; k++) fprintf(stderr, " %zu %s", n_made[k], kind_words[k]);
    fputc('\n', stderr);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0; /* allowed: a test that cleans up */
}
