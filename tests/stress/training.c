/* training.c: calls that train, study and check. */
#include <limits.h>
#include <math.h>

#include "stress.h"

static int progress(const aml_progress *p, void *arg) {
    (void)arg;
    return p->trials > 1;
}
static void hear(aml_log_level level, const char *words, void *arg) {
    (void)level, (void)arg;
    if (!words || !*words) die("an empty log");
}

aml_train_options *train_options(any_size *room) {
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

const op training_ops[] = {{20, op_train}, {6, op_study}, {60, op_check}, {0}};
