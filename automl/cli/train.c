/* train.c: from a table to a model file and a leaderboard. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "automl/cli/progress.h"
#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { SHOWN = 10 };

typedef struct job {
    const cli_call *call;
    const cli_args *a;
    const char *path; /* of the model */
    aml_frame *data, *valid, *test;
    aml_model *model;
    aml_evaluation *evaluation;
    aml_featurization *featurization;
    aml_store *store;
    int stopped_by; /* signal */
} job;

/* ---- before: everything that can be wrong is said before hours of work */

static bool all_digits(const char *s) { return *s && strspn(s, "0123456789") == strlen(s); }

/* "cv5", "holdout0.2": a scheme. All else is a file. */
static bool is_scheme(const char *s) {
    double share;
    if (!strncmp(s, "cv", 2)) return all_digits(s + 2);
    return !strncmp(s, "holdout", 7) && cli_parse_decimal(&share, s + 7);
}

static int need_file(const char *path, const char *option, const char *help) {
    if (!strcmp(path, "-") || !access(path, R_OK)) return 0;
    return cli_fail(AML_ENOINPUT, help, "cannot open %s of %s: %s", path, option, strerror(errno));
}

static int check_inputs(const job *j) {
    const cli_args *a = j->a;
    bool file = a->validation && !is_scheme(a->validation);
    int status = 0;
    size_t standard = !strcmp(a->operands[0], "-") + (file && !strcmp(a->validation, "-")) +
                      (a->test && !strcmp(a->test, "-"));
    if (!a->target)
        return cli_fail(AML_EUSAGE, "name the column to predict: automl train DATA --target COLUMN",
                        "`train` needs --target");
    if (!strcmp(j->path, "-"))
        return cli_fail(AML_EUSAGE, "give a file name; standard output gets the leaderboard",
                        "a model cannot go to standard output");
    if (standard > 1)
        return cli_fail(AML_EUSAGE, "give files", "standard input can be read only once");
    double x = 0.5;
    if (a->exit_score && !cli_parse_number(&x, a->exit_score))
        return cli_fail(AML_EUSAGE, "write it as a number: 0.95",
                        "`%.80s` is not a value for --exit-score", a->exit_score);
    x = 0.5;
    if (a->threshold && strcmp(a->threshold, "auto") != 0 &&
        !(cli_parse_decimal(&x, a->threshold) && x > 0 && x < 1))
        return cli_fail(AML_EUSAGE, "write it as auto, or as a probability: 0.5",
                        "`%.80s` is not a value for --threshold", a->threshold);
    if (file)
        status = need_file(a->validation, "--validation",
                           "it is cvK (cv5), holdoutX (holdout0.2) or the path of a file");
    if (!status && a->test) status = need_file(a->test, "--test", "check the spelling of the path");
    if (!a->store && (a->experiment || a->tags || a->new_run))
        return cli_fail(AML_EUSAGE, "name the file of the runs: --store automl.db",
                        "--experiment, --tag and --new need --store");
    return status ? status : cli_report(aml_check_writable(j->path));
}

/* "auto", "off" or a file. */
static int read_featurization(job *j) {
    const char *text = j->a->featurization;
    if (!text) return 0;
    if (!strcmp(text, "auto") || !strcmp(text, "off"))
        return cli_report(aml_featurization_parse(&j->featurization, text));
    int status = need_file(text, "--featurization", "it is auto, off or the path of a JSON file");
    return status ? status : cli_report(aml_featurization_read(&j->featurization, text));
}

static int read_data(job *j) {
    const cli_args *a = j->a;
    aml_read_options reading = cli_read_options(a);
    int status = read_featurization(j);
    if (status) return status;
    if (j->featurization) reading.text = aml_featurization_texts(j->featurization);
    status = cli_report(aml_frame_read(&j->data, a->operands[0], &reading));
    if (status) return status;
    if (!a->quiet) {
        cli_notes(j->data);
        fprintf(stderr, "%s: %zu rows, %zu columns, read in %.2f s\n", a->operands[0],
                aml_frame_rows_count(j->data), aml_frame_columns_count(j->data),
                cli_now() - j->call->start);
    }
    if (!a->validation || is_scheme(a->validation)) return 0;
    return cli_report(aml_frame_read(&j->valid, a->validation, &reading));
}

/* ---- the search */

static aml_train_options options_of(const job *j, double *exit_score) {
    const cli_args *a = j->a;
    aml_train_options o = {.size = sizeof o,
                           .target = a->target,
                           .task = a->task,
                           .metric = a->metric,
                           .time_limit = a->time_limit,
                           .trials = a->trials,
                           .valid = j->valid,
                           .drop = a->drop,
                           .weight = a->weight,
                           .group = a->group,
                           .time = a->time,
                           .learners = a->learners,
                           .increasing = a->increasing,
                           .decreasing = a->decreasing,
                           .interactions = (const char *const *const *)a->interactions,
                           .sampler = a->sampler,
                           .scheduler = a->scheduler,
                           .ensemble = a->no_ensemble ? -1 : 0,
                           .seed = a->seed,
                           .threads = a->threads,
                           .max_concurrent_trials = a->max_concurrent_trials,
                           .memory_limit = a->memory_limit,
                           .featurization = j->featurization,
                           .prefer = a->prefer,
                           .patience = a->patience,
                           .calibration = a->no_calibration ? -1 : 0,
                           .max_predict_seconds = a->max_predict_time,
                           .max_model_bytes = a->max_model_size,
                           .store = j->store,
                           .experiment = a->experiment,
                           .tags = a->tags,
                           .resume = a->new_run ? -1 : 0,
                           .model_path = j->path};
    if (a->validation && is_scheme(a->validation)) o.validation = a->validation;
    if (a->exit_score && cli_parse_number(exit_score, a->exit_score)) o.exit_score = exit_score;
    if (a->threshold) cli_parse_decimal(&o.threshold, a->threshold); /* "auto": 0 */
    if (a->time_limit > 0) o.save_reserve = fmax(0.05, 0.01 * a->time_limit);
    return o;
}

static int train(job *j) {
    double exit_score;
    aml_train_options o = options_of(j, &exit_score);
    cli_progress *progress = cli_progress_start(j->a->quiet);
    if (!progress)
        return cli_fail(AML_ENOMEM, NULL, "cannot start the thread that shows the progress");
    o.progress = cli_progress_update;
    o.progress_arg = progress;
    o.stop = cli_progress_flag();
    o.seconds_used = cli_now() - j->call->start;
    signal(SIGPIPE, SIG_IGN); /* whoever reads our messages may go; the search goes on */
    int status = aml_train(&j->model, j->data, &o);
    j->stopped_by = cli_progress_stop(progress);
    if (status == AML_ESTOPPED && j->stopped_by) return 128 + j->stopped_by;
    if (j->stopped_by && !j->a->quiet)
        cli_note("stopped by a signal: the model is the best so far");
    if (!status && !j->store) status = aml_model_save(j->model, j->path);
    signal(SIGPIPE, SIG_DFL);
    return cli_report(status);
}

static int test(job *j) {
    if (!j->a->test) return 0;
    aml_read_options reading = cli_read_options(j->a);
    int status = aml_model_read(&j->test, j->model, j->a->test, &reading, NULL, 1);
    if (!status && !j->a->quiet) cli_notes(j->test);
    if (!status) status = aml_model_evaluate(&j->evaluation, j->model, j->test, j->a->threads);
    return cli_report(status);
}

/* ---- the result */

/* A word as the shell reads it back. */
static void put_word(FILE *out, const char *word) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@%+";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'') fputs("'\\''", out);
        else fputc(*word, out);
    }
    fputc('\'', out);
}

static void show_next(const job *j) {
    FILE *out = j->call->out;
    const char *data = j->a->test ? j->a->test : j->a->operands[0];
    struct stat st;
    char size[CLI_NUMBER], path[1024];
    fprintf(out, "model    %s", cli_clean(path, sizeof path, j->path));
    if (!stat(j->path, &st) && S_ISREG(st.st_mode))
        fprintf(out, ", %s", cli_bytes(size, (double)st.st_size));
    fprintf(out, ", after %.1f s\n", cli_now() - j->call->start);
    if (j->store)
        fprintf(out, "run      %s in %s\n", aml_model_run(j->model),
                cli_clean(path, sizeof path, j->a->store));
    fputs("next     ", out);
    put_word(out, j->call->program);
    fputs(" predict ", out);
    put_word(out, j->path);
    fputc(' ', out);
    put_word(out, strcmp(data, "-") ? data : "NEW.csv");
    fputs(" --output predictions.csv\n", out);
}

/* JSON for the leaderboard, with what --test found as one more member of the object. */
static int show_json(const job *j) {
    FILE *out = j->call->out;
    char *text = aml_model_leaderboard_json(j->model, j->a->no_timings ? AML_NO_TIMINGS : 0);
    if (!j->evaluation) return cli_put_text(j->call, text);
    char *test_text = aml_evaluation_json(j->evaluation), *end = text ? strrchr(text, '}') : NULL;
    if (end && test_text) {
        while (end > text && strchr(" \n", end[-1])) end--;
        fprintf(out, "%.*s,\n  \"test\": ", (int)(end - text), text);
        for (const char *s = test_text; *s; s++) {
            if (*s != '\n') fputc(*s, out);
            else if (s[1]) fputs("\n  ", out);
        }
        fputs("\n}\n", out);
    }
    bool good = end && test_text;
    aml_text_free(test_text);
    aml_text_free(text);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int show(const job *j) {
    const cli_call *call = j->call;
    char target[256];
    if (j->a->json) return show_json(j);
    fprintf(call->out, "%s task: `%s`, %zu rows, metric %s\n\n", aml_model_task(j->model),
            cli_clean(target, sizeof target, j->a->target), aml_frame_rows_count(j->data),
            aml_model_metric(j->model));
    bool good = cli_show_leaders(call, j->model, SHOWN, !j->a->no_timings);
    fputc('\n', call->out);
    good = cli_show_menu(call, j->model, !j->a->no_timings) && good;
    cli_show_guardrails(call, j->model);
    cli_show_score(call, j->model);
    cli_show_forecast(call, j->model);
    show_next(j);
    if (good && j->evaluation) {
        fprintf(call->out, "\n%s: %zu rows\n\n", j->a->test, aml_evaluation_rows(j->evaluation));
        good = cli_show_evaluation(call, j->model, j->evaluation);
    }
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int run(const cli_call *call) {
    job j = {.call = call,
             .a = call->args,
             .path = call->args->output ? call->args->output : "model.automl"};
    int status = check_inputs(&j);
    if (!status && j.a->store)
        status = cli_report(aml_store_open(&j.store, j.a->store, AML_STORE_CREATE));
    if (!status) status = read_data(&j);
    if (!status) status = train(&j);
    if (!status) status = test(&j);
    if (!status) status = show(&j);
    aml_evaluation_free(j.evaluation);
    aml_model_free(j.model);
    aml_featurization_free(j.featurization);
    aml_frame_free(j.test);
    aml_frame_free(j.valid);
    aml_frame_free(j.data);
    aml_store_close(j.store);
    return status;
}

static const cli_option options[] = {
    CLI_TITLE("What to predict"),
    {"target", "COLUMN", "the column to predict (required)", CLI_TEXT, CLI_AT(target)},
    {"task", "TASK", "binary, multiclass or regression (default: by target)", CLI_TEXT,
     CLI_AT(task)},
    {"metric", "METRIC", "what to optimize (default: auc, log_loss or rmse)", CLI_TEXT,
     CLI_AT(metric)},
    {"drop", "A,B", "columns not to use", CLI_NAMES, CLI_AT(drop)},
    {"weight", "COLUMN", "column of row weights", CLI_TEXT, CLI_AT(weight)},
    {"group", "COLUMN", "rows of one group stay in one fold", CLI_TEXT, CLI_AT(group)},
    {"time", "COLUMN", "validate forward in this order", CLI_TEXT, CLI_AT(time)},
    CLI_TITLE("What predictions are held to"),
    {"increasing", "A,B", "they never fall as these columns grow", CLI_NAMES, CLI_AT(increasing)},
    {"decreasing", "A,B", "they never rise as these columns grow", CLI_NAMES, CLI_AT(decreasing)},
    {"interactions", "A,B;C,D", "only columns of one group interact", CLI_GROUPS,
     CLI_AT(interactions)},
    CLI_TITLE("Search"),
    {"time-limit", "TIME",
     "from start to saved model: 60s, 5m, 1h30m (default: 60s, or none with --trials)", CLI_SECONDS,
     CLI_AT(time_limit)},
    {"trials", "N", "pipelines to try; gives the same model every time", CLI_COUNT, CLI_AT(trials)},
    {"exit-score", "X", "end the search once a pipeline scores as well as this", CLI_TEXT,
     CLI_AT(exit_score)},
    {"patience", "N", "end it after N trials in a row without a better one", CLI_COUNT,
     CLI_AT(patience)},
    {"learners", "A,B", "learners to use (default: all; see `automl catalog`)", CLI_NAMES,
     CLI_AT(learners)},
    {"featurization", "HOW",
     "auto, off or a JSON file of blocked steps, column kinds and parameters (default: auto)",
     CLI_TEXT, CLI_AT(featurization)},
    {"sampler", "NAME", "what picks pipelines (default: auto)", CLI_TEXT, CLI_AT(sampler)},
    {"scheduler", "NAME", "what stops the hopeless early (default: race)", CLI_TEXT,
     CLI_AT(scheduler)},
    {"no-ensemble", NULL, "the best single pipeline, not a blend", CLI_FLAG, CLI_AT(no_ensemble)},
    {"seed", "N", "of all random choices (default: 0)", CLI_SEED, CLI_AT(seed)},
    {"max-concurrent-trials", "N", "side by side; part of the result (default: 4)", CLI_SMALL,
     CLI_AT(max_concurrent_trials)},
    {"threads", "N", "to use; not part of the result (default: all cores)", CLI_SMALL,
     CLI_AT(threads)},
    {"memory-limit", "SIZE", "most memory to use: 512M, 2G (default: none)", CLI_BYTES,
     CLI_AT(memory_limit)},
    CLI_TITLE("Which model"),
    {"prefer", "WHICH", "best (default), fast (ten times faster), single or interpretable",
     CLI_TEXT, CLI_AT(prefer)},
    {"max-predict-time", "TIME", "that the model may take a row, on one thread: 50us, 2ms",
     CLI_SECONDS, CLI_AT(max_predict_time)},
    {"max-model-size", "SIZE", "that the model file may have: 500k, 5M", CLI_BYTES,
     CLI_AT(max_model_size)},
    {"threshold", "WHEN",
     "probability above which the second of two classes is predicted: auto (default: by the "
     "metric, "
     "where it sees classes), or a number",
     CLI_TEXT, CLI_AT(threshold)},
    {"no-calibration", NULL, "probabilities as the members give them", CLI_FLAG,
     CLI_AT(no_calibration)},
    CLI_TITLE("Validation"),
    {"validation", "HOW", "cvK (cv5), holdoutX (holdout0.2) or a file of rows (default: by size)",
     CLI_TEXT, CLI_AT(validation)},
    {"test", "FILE", "evaluate the model on these rows in the end", CLI_TEXT, CLI_AT(test)},
    CLI_TITLE("Run history"),
    {"store", "FILE",
     "record the run and its trials here (made when it is not there). The same command goes on "
     "with "
     "a run that was killed or stopped, and with more --trials or --time-limit with one that is "
     "finished",
     CLI_TEXT, CLI_AT(store)},
    {"experiment", "NAME", "that the run belongs to (default: name of the data file)", CLI_TEXT,
     CLI_AT(experiment)},
    {"tag", "KEY=VALUE,…", "tags of the run", CLI_NAMES, CLI_AT(tags)},
    {"new", NULL, "begin a new run in any case", CLI_FLAG, CLI_AT(new_run)},
    CLI_TITLE("Output"),
    {"output", "FILE", "model file to write (default: model.automl)", CLI_TEXT, CLI_AT(output)},
    {"json", NULL, "print the leaderboard as JSON", CLI_FLAG, CLI_AT(json)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)},
    {"quiet", NULL, "print only errors and the result", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_train = {
    .name = "train",
    .summary = "search for the best model of a CSV file and save it",
    .text = "Tries pipelines of featurization and learner on DATA, blends the best, saves the "
            "model and "
            "prints the leaderboard. Ctrl-C ends the search early and keeps the best so far.",
    .operands = "a DATA file",
    .usage = "DATA --target COLUMN [OPTION…]",
    .example = "train datasets/iris.csv --target species --time-limit 20s",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
