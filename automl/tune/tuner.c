/* tuner.c: ask, report, tell: a search over a user's space as a record of what was asked and told. */
#include "automl/tune/tuner.h"

#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"

/* ---- making ---- */

static aml_tuner *tuner_new(void) {
    aml_par_init();
    aml_linalg_init();
    aml_arena *arena = aml_arena_new(NULL);
    aml_tuner *t = arena ? AML_NEW(arena, aml_tuner) : NULL;
    if (!t) {
        aml_arena_free(arena);
        return NULL;
    }
    t->arena = arena;
    t->fd = -1;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void aml_tuner_free(aml_tuner *t) {
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) aml_free((void *)t->records[i].steps);
    aml_free(t->records);
    aml_free(t->queue);
    aml_tuner_free_view(t);
    aml_tuner_close_file(t);
    pthread_mutex_destroy(&t->lock);
    aml_arena_free(t->arena);
}

static aml_status finish(aml_tuner **out, aml_tuner *t, const char *path, aml_status status) {
    if (!status && path) status = aml_tuner_open_file(t, path);
    if (status) {
        aml_tuner_free(t);
        t = NULL;
    }
    *out = t;
    return status;
}

aml_status aml_tuner_make_at(aml_tuner **out, const char *path, const aml_tuner_parts *parts) {
    *out = NULL;
    aml_tuner *t = tuner_new();
    return t ? finish(out, t, path, aml_tuner_read_parts(t, parts)) : AML_ENOMEM;
}

aml_status aml_tuner_make(aml_tuner **out, const aml_tuner_parts *parts) {
    return aml_tuner_make_at(out, NULL, parts);
}

aml_status aml_tuner_new(aml_tuner **out, const aml_tuner_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(options);
    aml_tuner *t = tuner_new();
    return t ? finish(out, t, NULL, aml_tuner_read_options(t, options)) : AML_ENOMEM;
}

aml_status aml_tuner_open(aml_tuner **out, const char *path, const aml_tuner_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    aml_tuner *t = tuner_new();
    if (!t) return AML_ENOMEM;
    return finish(out, t, path, options ? aml_tuner_read_options(t, options) : AML_OK);
}

aml_status aml_tuner_load(aml_tuner **out, const char *path) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    aml_tuner *t = tuner_new();
    if (!t) return AML_ENOMEM;
    return finish(out, t, NULL, aml_tuner_read_file(t, path));
}

/* ---- what happened ---- */

static aml_status grow(aml_tuner *t) {
    if (t->n < t->room) return AML_OK;
    size_t room = 2 * t->room + 16;
    aml_record *records = aml_realloc(t->records, room * sizeof *records);
    if (!records) return AML_ENOMEM;
    t->records = records;
    t->room = room;
    return AML_OK;
}

aml_status aml_tuner_apply_ask(aml_tuner *t, const double *config) {
    size_t size = t->space->space.n * sizeof *config;
    AML_TRY(grow(t));
    double *copy = aml_copy(t->arena, config, size);
    if (!copy) return AML_ENOMEM;
    t->records[t->n] = (aml_record){.id = t->n, .config = copy, .loss = NAN};
    t->n++;
    if (t->n_queued && aml_space_equal(&t->space->space, t->queue, config)) {
        t->n_queued--;
        memmove(t->queue, t->queue + t->space->space.n, t->n_queued * size);
    }
    return AML_OK;
}

aml_status aml_tuner_apply_queue(aml_tuner *t, const double *config) {
    size_t n = t->space->space.n;
    if (t->n_queued == t->room_queued) {
        size_t room = 2 * t->room_queued + 4;
        double *queue = aml_realloc(t->queue, room * n * sizeof *queue);
        if (!queue) return AML_ENOMEM;
        t->queue = queue;
        t->room_queued = room;
    }
    memcpy(t->queue + n * t->n_queued++, config, n * sizeof *config);
    return AML_OK;
}

static double loss_of(const aml_tuner *t, size_t goal, double value) {
    return t->goals[goal].maximize ? -value : value;
}

/* Steps and losses in one block, which doubles when their number is a power of two. */
aml_status aml_tuner_apply_report(aml_tuner *t, size_t trial, double step, double value) {
    aml_record *r = &t->records[trial];
    size_t n = r->n_reports, room = 4;
    while (room <= n) room *= 2;
    if (!n || n == room / 2) {
        double *block = aml_malloc(2 * room * sizeof *block);
        if (!block) return AML_ENOMEM;
        if (n) {
            memcpy(block, r->steps, n * sizeof *block);
            memcpy(block + room, r->reports, n * sizeof *block);
        }
        aml_free((void *)r->steps);
        r->steps = block;
        r->reports = block + room;
    }
    ((double *)r->steps)[n] = step;
    ((double *)r->reports)[n] = isfinite(value) ? loss_of(t, 0, value) : INFINITY;
    r->n_reports++;
    return AML_OK;
}

aml_status aml_tuner_apply_tell(aml_tuner *t, size_t trial, aml_outcome outcome,
                                const double *values) {
    aml_record *r = &t->records[trial];
    bool finite = values != NULL;
    for (size_t g = 0; g < t->n_goals && finite; g++) finite = isfinite(values[g]);
    if (outcome == AML_OUTCOME_DONE && !finite) outcome = AML_OUTCOME_FAILED;
    r->state = outcome == AML_OUTCOME_DONE     ? AML_TRIAL_DONE
               : outcome == AML_OUTCOME_PRUNED ? AML_TRIAL_PRUNED
                                               : AML_TRIAL_FAILED;
    t->told++;
    if (outcome == AML_OUTCOME_FAILED) return AML_OK;
    if (finite) r->loss = loss_of(t, 0, values[0]);
    else if (r->n_reports) r->loss = r->reports[r->n_reports - 1];
    if (t->n_goals == 1 || !finite) return AML_OK;
    double *losses = AML_ARRAY(t->arena, t->n_goals, double);
    if (!losses) return AML_ENOMEM;
    for (size_t g = 0; g < t->n_goals; g++) losses[g] = loss_of(t, g, values[g]);
    r->goals = losses;
    return AML_OK;
}

/* ---- asking ---- */

static aml_status suggest(double *config, const aml_tuner *t) {
    aml_arena *scratch = aml_arena_new(NULL);
    if (!scratch) return AML_ENOMEM;
    aml_ctx ctx = {.keep = scratch,
                   .scratch = scratch,
                   .n_threads = 1,
                   .rng = aml_rng_stream(t->seed, AML_RNG_SEARCH, 0, 0)};
    aml_told told;
    aml_status status = aml_tuner_tell_sampler(&told, t, scratch);
    const aml_space *space = &t->space->space;
    if (!status) status = t->sampler->suggest(config, space, &told, NULL, t->sampler_hp, &ctx);
    aml_arena_free(scratch);
    if (status) return status;
    aml_space_repair(config, space);
    if (aml_space_allows(space, config)) return AML_OK;
    aml_fail(AML_ECONFIG, "no point of the search space was found that keeps to the constraints");
    return aml_help(AML_ECONFIG, NULL, "is there one? widen the space or loosen a constraint");
}

/* Have the trials ended that the next one is to be suggested from? */
static aml_status check_order(const aml_tuner *t) {
    if (!t->in_order || t->n < t->concurrency) return AML_OK;
    for (size_t i = 0; i <= t->n - t->concurrency; i++)
        if (t->records[i].state == AML_TRIAL_PENDING)
            return aml_help(aml_fail(AML_EAGAIN, "trial %zu is to end before trial %zu", i, t->n),
                            "trials are suggested in order, so that they are the same every time",
                            "tell how trial %zu went, then ask again", i);
    return AML_OK;
}

static aml_status ask(aml_tuner *t, size_t *trial) {
    double *config = aml_malloc(t->space->space.n * sizeof *config);
    aml_string line = {0};
    if (!config) return AML_ENOMEM;
    aml_status status = check_order(t);
    if (!status && t->n_queued) memcpy(config, t->queue, t->space->space.n * sizeof *config);
    else if (!status) status = suggest(config, t);
    if (!status) {
        aml_tuner_line_ask(&line, t, config);
        status = aml_tuner_write(t, &line);
    }
    if (!status) status = aml_tuner_apply_ask(t, config);
    if (!status) *trial = t->n - 1;
    aml_string_free(&line);
    aml_free(config);
    return status;
}

aml_status aml_tuner_ask(aml_tuner *t, size_t *trial) {
    AML_NEED(t);
    AML_NEED(trial);
    pthread_mutex_lock(&t->lock);
    aml_status status = aml_tuner_enter(t);
    if (!status) status = ask(t, trial);
    aml_tuner_leave(t);
    pthread_mutex_unlock(&t->lock);
    return status;
}

static aml_status enqueue(aml_tuner *t, const char *params, aml_arena *scratch) {
    aml_json *object;
    aml_string line = {0};
    double *config = AML_ARRAY(scratch, t->space->space.n, double);
    if (!config) return AML_ENOMEM;
    AML_TRY(aml_json_parse(&object, scratch, params, strlen(params), "parameters",
                           AML_JSON_COMMENTS, AML_ECONFIG));
    AML_TRY(aml_user_space_config(config, t->space, object, "parameters"));
    if (!aml_space_allows(&t->space->space, config))
        return aml_fail(AML_ECONFIG, "these parameters break a constraint");
    aml_tuner_line_queue(&line, t, config);
    aml_status status = aml_tuner_write(t, &line);
    aml_string_free(&line);
    return status ? status : aml_tuner_apply_queue(t, config);
}

aml_status aml_tuner_enqueue(aml_tuner *t, const char *params) {
    AML_NEED(t);
    AML_NEED(params);
    aml_arena *scratch = aml_arena_new(NULL);
    if (!scratch) return AML_ENOMEM;
    pthread_mutex_lock(&t->lock);
    aml_status status = aml_tuner_enter(t);
    if (!status) status = enqueue(t, params, scratch);
    aml_tuner_leave(t);
    pthread_mutex_unlock(&t->lock);
    aml_arena_free(scratch);
    return status;
}

/* ---- reporting ---- */

static aml_status check_pending(const aml_tuner *t, size_t trial) {
    static const char *const words[] = {"", "done", "pruned", "failed"};
    if (trial >= t->n)
        return aml_help(aml_fail(AML_EUSAGE, "there is no trial %zu", trial), NULL,
                        t->n ? "%zu were asked for so far, from 0 on" : "none was asked for yet",
                        t->n);
    if (t->records[trial].state != AML_TRIAL_PENDING)
        return aml_fail(AML_EUSAGE, "trial %zu has ended already: it is %s", trial,
                        words[t->records[trial].state]);
    return AML_OK;
}

static aml_status report(aml_tuner *t, size_t trial, double step, double value, int *go_on) {
    AML_TRY(check_pending(t, trial));
    const aml_record *r = &t->records[trial];
    if (!isfinite(step)) return aml_fail(AML_EUSAGE, "a step must be a number");
    if (r->n_reports && !(step > r->steps[r->n_reports - 1]))
        return aml_fail(AML_EUSAGE, "trial %zu reported a later step than %g already", trial, step);
    aml_string line = {0};
    aml_tuner_line_report(&line, trial, step, value);
    aml_status status = aml_tuner_write(t, &line);
    aml_string_free(&line);
    if (!status) status = aml_tuner_apply_report(t, trial, step, value);
    if (status || !go_on || !t->scheduler->keep_step) return status;
    aml_arena *scratch = aml_arena_new(NULL);
    if (!scratch) return AML_ENOMEM;
    aml_told told;
    status = aml_tuner_tell_scheduler(&told, t, trial, scratch);
    if (!status) *go_on = t->scheduler->keep_step(&t->records[trial], &told, t->scheduler_hp);
    aml_arena_free(scratch);
    return status;
}

aml_status aml_tuner_report(aml_tuner *t, size_t trial, double step, double value, int *go_on) {
    AML_NEED(t);
    if (go_on) *go_on = 1;
    pthread_mutex_lock(&t->lock);
    aml_status status = aml_tuner_enter(t);
    if (!status) status = report(t, trial, step, value, go_on);
    aml_tuner_leave(t);
    pthread_mutex_unlock(&t->lock);
    return status;
}

static aml_status tell(aml_tuner *t, size_t trial, aml_outcome outcome, const double *values) {
    if (outcome <= AML_OUTCOME_PENDING || outcome > AML_OUTCOME_FAILED)
        return aml_fail(AML_EUSAGE, "a trial is told as done, pruned or failed");
    if (outcome == AML_OUTCOME_DONE && !values)
        return aml_fail(AML_EUSAGE, "trial %zu is done, but without a value", trial);
    AML_TRY(check_pending(t, trial));
    aml_string line = {0};
    aml_tuner_line_tell(&line, t, trial, outcome, values);
    aml_status status = aml_tuner_write(t, &line);
    aml_string_free(&line);
    return status ? status : aml_tuner_apply_tell(t, trial, outcome, values);
}

aml_status aml_tuner_tell(aml_tuner *t, size_t trial, aml_outcome outcome, const double *values) {
    AML_NEED(t);
    pthread_mutex_lock(&t->lock);
    aml_status status = aml_tuner_enter(t);
    if (!status) status = tell(t, trial, outcome, values);
    aml_tuner_leave(t);
    pthread_mutex_unlock(&t->lock);
    return status;
}
