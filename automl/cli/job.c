/* job.c: a training from data to model and leaderboard. */
#include "automl/cli/job.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "automl/cli/progress.h"

/* ---- before: everything that can be wrong is said before hours of work */

int cli_need_file(const char *path, const char *option, const char *help) {
    if (!strcmp(path, "-") || !access(path, R_OK)) return 0;
    return cli_fail(errno == ENOMEM ? AML_ENOMEM : AML_ENOINPUT, help, "cannot open %s of %s: %s",
                    path, option, strerror(errno));
}

static int check_inputs(const cli_job *j) {
    const aml_experiment_files *f = &j->files;
    const bool named = j->experiment != NULL;
    size_t standard = !strcmp(f->train, "-") + (f->validation && !strcmp(f->validation, "-")) +
                      (f->test && !strcmp(f->test, "-"));
    int status = 0;
    if (standard && aml_ranks_count(j->options.ranks) > 1)
        return cli_fail(AML_EUSAGE, "give files that all hosts can read",
                        "standard input cannot be read by every rank");
    if (standard > 1)
        return cli_fail(AML_EUSAGE, "give files", "standard input can be read only once");
    if (named) status = cli_need_file(f->train, "data.train", "check the spelling of the path");
    if (!status && f->validation)
        status = cli_need_file(f->validation, named ? "data.validation" : "--validation",
                               named ? "check the spelling of the path"
                                     : "it is cvK (cv5), holdoutX (holdout0.2) or the path of a "
                                       "file");
    if (!status && f->test)
        status = cli_need_file(f->test, named ? "data.test" : "--test",
                               "check the spelling of the path");
    return status;
}

static int check_outputs(const cli_job *j) {
    const aml_experiment_files *f = &j->files;
    const char *const files[] = {f->model, f->predictions, f->evaluation};
    aml_status status = AML_OK;
    if (!strcmp(f->model, "-"))
        return cli_fail(AML_EUSAGE, "give a file name; standard output gets the leaderboard",
                        "a model cannot go to standard output");
    for (size_t i = 0; !status && i < sizeof files / sizeof *files; i++)
        if (files[i]) status = aml_check_writable(files[i]);
    for (size_t i = 0; !status && f->leaderboard && f->leaderboard[i]; i++)
        status = aml_check_writable(f->leaderboard[i]);
    return cli_report(status);
}

static int read_data(cli_job *j) {
    const aml_experiment_files *f = &j->files;
    int status = cli_report(aml_frame_read(&j->data, f->train, &j->reading));
    if (status) return status;
    if (!j->call->args->quiet && !aml_ranks_number(j->options.ranks)) {
        cli_notes(j->data);
        fprintf(stderr, "%s: %zu rows, %zu columns, read in %.2f s\n", f->train,
                aml_frame_rows_count(j->data), aml_frame_columns_count(j->data),
                cli_now() - j->call->start);
    }
    if (j->experiment) status = aml_experiment_check(j->experiment, j->data);
    if (!status && f->validation) status = aml_frame_read(&j->valid, f->validation, &j->reading);
    j->options.valid = j->valid;
    return cli_report(status);
}

int cli_job_prepare(cli_job *j) {
    int status = check_inputs(j);
    if (!status) status = check_outputs(j);
    return status ? status : read_data(j);
}

/* ---- the search */

static int train(cli_job *j) {
    aml_train_options *o = &j->options;
    bool quiet = j->call->args->quiet;
    cli_progress *progress = cli_progress_start(quiet);
    if (!progress)
        return cli_fail(AML_ENOMEM, NULL, "cannot start the thread that shows the progress");
    o->progress = cli_progress_update;
    o->progress_arg = o->log_arg = progress;
    o->log = cli_progress_log;
    o->stop = cli_progress_flag();
    if (o->time_limit > 0) o->save_reserve = fmax(0.05, 0.01 * o->time_limit);
    o->seconds_used = cli_now() - j->call->start;
    signal(SIGPIPE, SIG_IGN); /* whoever reads our messages may go; the search goes on */
    int status = aml_train(&j->model, j->data, o);
    j->stopped_by = cli_progress_stop(progress);
    if (status == AML_ESTOPPED && j->stopped_by) return 128 + j->stopped_by;
    if (j->stopped_by && !quiet) cli_note("stopped by a signal: the model is the best so far");
    bool refused = status == AML_EUSAGE && j->source; /* its options come from the file */
    if (!status && !j->store) status = aml_model_save(j->model, j->files.model);
    signal(SIGPIPE, SIG_DFL);
    return refused ? cli_report_config(j->source) : cli_report(status);
}

static int test(cli_job *j) {
    if (!j->files.test) return 0;
    int status = aml_model_read(&j->test, j->model, j->files.test, &j->reading, NULL, 1);
    if (!status && !j->call->args->quiet) cli_notes(j->test);
    if (!status) status = aml_model_evaluate(&j->evaluation, j->model, j->test, j->options.threads);
    return cli_report(status);
}

/* ---- files beside the model */

static int write_text(char *text, const char *path) {
    int status = text ? aml_text_write(text, path) : AML_ENOMEM;
    aml_text_free(text);
    return cli_report(status);
}

static int write_outputs(const cli_job *j) {
    const aml_experiment_files *f = &j->files;
    unsigned flags = j->call->args->no_timings ? AML_NO_TIMINGS : 0;
    int status = 0;
    for (size_t i = 0; !status && f->leaderboard && f->leaderboard[i]; i++) {
        const char *dot = strrchr(f->leaderboard[i], '.');
        status =
            write_text(dot && !strcmp(dot, ".csv") ? aml_model_leaderboard_csv(j->model, flags)
                                                   : aml_model_leaderboard_json(j->model, flags),
                       f->leaderboard[i]);
    }
    if (!status && f->predictions && j->test)
        status = cli_report(
            aml_model_predict_csv(j->model, j->test, f->predictions, NULL, j->options.threads));
    if (!status && f->evaluation && j->evaluation)
        status = write_text(aml_evaluation_json(j->evaluation), f->evaluation);
    return status;
}

static int open_store(cli_job *j) {
    if (!j->store_path) return 0;
    int status = cli_report(aml_store_open(&j->store, j->store_path, AML_STORE_CREATE));
    j->options.store = j->store;
    j->options.model_path = j->files.model;
    return status;
}

/* A rank but the first reads the data and fits trials; the first one does all the rest. */
static int serve(cli_job *j) {
    aml_model *none;
    int status = check_inputs(j);
    if (!status) status = read_data(j);
    return status ? status : cli_report(aml_train(&none, j->data, &j->options));
}

static int lead(cli_job *j) {
    int status = cli_job_prepare(j);
    if (!status) status = open_store(j);
    if (!status) status = train(j);
    int lost = aml_ranks_lost(j->options.ranks);
    if (lost && !j->call->args->quiet)
        cli_note("%d of %d ranks died; what they had in hand was fitted by others", lost,
                 aml_ranks_count(j->options.ranks) - 1);
    aml_ranks_leave(j->options.ranks);
    j->options.ranks = NULL;
    if (!status) status = test(j);
    if (!status) status = write_outputs(j);
    return status ? status : cli_job_show(j);
}

int cli_job_run(cli_job *j) {
    int status = cli_report(aml_ranks_join(&j->options.ranks));
    if (!status) status = aml_ranks_number(j->options.ranks) ? serve(j) : lead(j);
    cli_job_free(j);
    return status;
}

void cli_job_free(cli_job *j) {
    aml_ranks_leave(j->options.ranks);
    aml_evaluation_free(j->evaluation);
    aml_model_free(j->model);
    aml_frame_free(j->test);
    aml_frame_free(j->valid);
    aml_frame_free(j->data);
    aml_store_close(j->store);
}
