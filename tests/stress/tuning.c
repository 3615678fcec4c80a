/* tuning.c: calls on tuners, and on sweeps, which are opened but not run. */
#include "stress.h"

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
    switch (below(8)) {
    case 6: CALL(aml_tuner_learn(t, null ? NULL : get(TUNER))); break;
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

const op tuning_ops[] = {
    {60, op_tuner_make}, {400, op_tuner}, {150, op_tuner_view}, {60, op_sweep}, {0}};
