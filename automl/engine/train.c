/* train.c: aml_train: the stages of a study, and what is left behind when one fails. */
#include <math.h>

#include "automl/core/call.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/menu.h"

static aml_status check_options(const aml_train_options *o) {
    const struct {
        double value, low, high;
        const char *name, *help;
    } ranges[] = {
        {o->time_limit, 0, 1e9, "time_limit", "give seconds, or 0 for none"},
        {o->trial_timeout, 0, 1e9, "trial_timeout", "give seconds, or 0 for none"},
        {o->threads, 0, 1024, "threads", "give 1 to 1024, or 0 for all cores"},
        {o->max_concurrent_trials, 0, 64, "max_concurrent_trials",
         "give 1 to 64, or 0 for the default"},
        {o->max_predict_seconds, 0, 1e6, "max_predict_seconds",
         "give seconds a row, or 0 for none"},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return aml_help(aml_fail(AML_EUSAGE, "%s is out of range", ranges[i].name), NULL, "%s",
                            ranges[i].help);
    if (o->threshold != 0 && !(o->threshold > 0 && o->threshold < 1))
        return aml_help(aml_fail(AML_EUSAGE, "threshold %g is no probability", o->threshold), NULL,
                        "give a number between 0 and 1, or 0 for the best by the metric");
    size_t entry;
    return aml_menu_find(&entry, o);
}

static aml_status stages(aml_study *s, const aml_frame *data) {
    if (s->options->store && !aml_ranks_number(s->options->ranks))
        AML_TRY(aml_study_open_run(s, data));
    aml_mark mark = aml_arena_mark(s->ctx.scratch);
    AML_TRY(aml_study_data(s, data));
    AML_TRY(aml_study_bench(s));
    aml_arena_release(s->ctx.scratch, mark);
    if (s->options->ranks) AML_TRY(aml_study_meet(s));
    if (aml_ranks_number(s->options->ranks)) return aml_study_serve(s);
    if (s->journal) AML_TRY(aml_study_begin_run(s));
    AML_TRY(aml_study_search(s));
    AML_TRY(aml_study_conclude(s));
    return s->journal && s->options->model_path ? aml_model_save(s->model, s->options->model_path)
                                                : AML_OK;
}

aml_status aml_study_options(aml_train_options *out, const aml_train_options *options) {
    AML_TRY(aml_call_options(out, sizeof *out, options, "aml_train_options"));
    if (!(out->time_limit > 0) && !out->trials) out->time_limit = 60;
    return check_options(out);
}

aml_status aml_study_init(aml_study *s, const aml_train_options *o, const aml_frame *data) {
    *s = (aml_study){.options = o, .start = aml_now(), .model = aml_model_new()};
    if (!s->model) return AML_ENOMEM;
    s->model->account.limit = aml_memory_share(o->memory_limit);
    if (o->time_limit > 0) {
        double left = o->time_limit - o->seconds_used - o->save_reserve;
        s->deadline = s->start + (left > 0.05 ? left : 0.05);
    }
    s->ctx = (aml_ctx){.keep = aml_arena_new(&s->model->account),
                       .scratch = aml_arena_new(&s->model->account),
                       .n_threads = o->ranks && o->threads <= 0 ? o->ranks->n_threads
                                                                : aml_par_threads(o->threads)};
    if (!s->ctx.keep || !s->ctx.scratch) return AML_ENOMEM;
    size_t bytes = data->arena ? aml_arena_bytes(data->arena) : 0;
    AML_TRY(aml_memory_charge(&s->model->account, bytes));
    s->table_bytes = bytes;
    return AML_OK;
}

void aml_study_clear(aml_study *s) {
    aml_trials_free(&s->trials);
    aml_trial_free(s->yardstick);
    aml_designs_free(s->bench.designs);
    aml_frame_free(s->rows);
    aml_frame_free(s->made);
    aml_arena_free(s->ctx.keep);
    aml_arena_free(s->ctx.scratch);
    if (!s->model) return;
    aml_memory_release(&s->model->account, s->table_bytes);
    s->model->account.limit = 0;
}

aml_status aml_study_run(aml_study *s, const aml_frame *data) {
    AML_TRY(aml_linalg_reserve());
    aml_status status = stages(s, data);
    return s->journal ? aml_study_end_run(s, status) : status;
}

aml_status aml_train(aml_model **out, const aml_frame *data, const aml_train_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    AML_NEED(options);
    aml_train_options o;
    aml_study s;
    aml_par_init();
    aml_linalg_init();
    AML_TRY(aml_study_options(&o, options));
    aml_status status = aml_study_init(&s, &o, data);
    if (!status) status = aml_study_run(&s, data);
    aml_study_clear(&s);
    if (status || aml_ranks_number(o.ranks)) aml_model_free(s.model);
    else *out = s.model;
    return status;
}
