/* study_run.c: a study as a run in the store: what is recorded of it, and what earlier processes left. */
#include <math.h>

#include "automl/core/par.h"
#include "automl/engine/lessons.h"

static const double EVER = 1e9; /* seconds: a time limit that decides nothing */

/* The run that goes on has the time that its earlier processes left it. */
aml_status aml_study_open_run(aml_study *s, const aml_frame *data) {
    AML_TRY(aml_journal_open(&s->journal, s->options, data));
    s->validation = aml_journal_validation(s->journal);
    s->decisions = aml_journal_decisions(s->journal);
    if (aml_journal_replays(s->journal)) {
        s->deadline = aml_journal_was_timed(s->journal) ? s->start + EVER : 0;
        return AML_OK;
    }
    if (s->deadline > 0)
        s->deadline = fmax(s->start + 0.05, s->deadline - aml_journal_seconds(s->journal));
    return AML_OK;
}

aml_status aml_study_begin_run(aml_study *s) {
    const aml_journal_facts facts = {.task = aml_task_name(s->task.kind),
                                     .metric = s->model->metric->name,
                                     .validation = s->validation ? s->validation : "own rows",
                                     .higher_is_better = s->model->metric->higher_is_better,
                                     .space = &s->composer.space,
                                     .bench = &s->bench,
                                     .stop = &s->stop};
    AML_TRY(aml_journal_begin(s->journal, &facts));
    s->model->run = aml_strdup(s->model->arena, aml_journal_run(s->journal));
    if (!s->model->run) return AML_ENOMEM;
    size_t past = aml_journal_count(s->journal);
    if (past)
        aml_study_log(s, AML_LOG_NOTE,
                      "run %s goes on: %zu trials are in the store (--new begins another run)",
                      s->model->run, past);
    else aml_study_log(s, AML_LOG_INFO, "run %s", s->model->run);
    aml_study_report(s, "begin", NULL);
    return AML_OK;
}

/* Under a deadline the time that it takes to have the models again is not part of the limit. */
aml_status aml_study_restore(aml_study *s, aml_search *search) {
    if (aml_journal_replays(s->journal)) {
        search->max_trials = aml_journal_count(s->journal);
        return AML_OK;
    }
    if (!(s->deadline > 0) || !aml_journal_count(s->journal)) return AML_OK;
    double begin = aml_now();
    aml_search untimed = *search;
    untimed.deadline = 0;
    AML_TRY(aml_trials_restore(&s->trials, &untimed));
    double taken = aml_now() - begin;
    s->deadline += taken;
    search->deadline += taken;
    return AML_OK;
}

/* A store that cannot be written ends the search; why is told when it has ended. */
void aml_study_record(aml_study *s, const aml_trial *t, const aml_leader *last) {
    const aml_progress p = aml_progress_of(s, "search", last);
    if (aml_journal_add(s->journal, t, &p)) atomic_store(&s->stop, true);
}

aml_status aml_study_recorded(aml_study *s) {
    AML_TRY(aml_journal_flush(s->journal));
    if (!s->trials.other) return AML_OK;
    if (aml_journal_replays(s->journal))
        return aml_help(aml_fail(AML_EDATA, "%zu of %zu trials came to other results than then",
                                 s->trials.other, s->trials.n),
                        "another machine or other libraries", "replay the run where it was made");
    return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "resumed_differs", "Alerted",
                             s->trials.other, "left out of the model",
                             "%zu pipelines of the record came to other results when they were "
                             "fitted again: another machine or other libraries",
                             s->trials.other);
}

/* A run whose memory is used up has its model, and teaches nothing. */
static aml_status put_lesson(aml_study *s) {
    aml_string text = {0};
    aml_status status = aml_lesson_write(&text, s);
    if (status == AML_ENOMEM) {
        aml_study_log(s, AML_LOG_NOTE, "memory is short: later runs cannot learn from this one");
        aml_clear_error();
        status = AML_OK;
    } else if (!status && text.length)
        status = aml_journal_put(s->journal, "lesson", text.text, text.length);
    aml_string_free(&text);
    return status;
}

/* A run that was stopped on request goes on with the next command, like one whose process died. */
aml_status aml_study_end_run(aml_study *s, aml_status status) {
    const volatile int *asked = s->options->stop;
    bool stopped = (asked && *asked) || (atomic_load(&s->stop) && !status);
    aml_status taught = !status && !stopped && s->knowledge ? put_lesson(s) : AML_OK;
    aml_status told = aml_journal_end(s->journal, status ? NULL : s->model, status, stopped);
    aml_journal_free(s->journal);
    s->journal = NULL;
    return status ? status : taught ? taught : told;
}
