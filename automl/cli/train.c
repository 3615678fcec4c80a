/* train.c: a training described on the command line. */
#include <string.h>

#include "automl/cli/job.h"

static int bad_value(const char *option, const char *value, const char *help) {
    return cli_fail(AML_EUSAGE, help, "`%.80s` is not a value for --%s", value, option);
}

/* "auto", "all", "off" or a file. */
static int read_featurization(aml_featurization **out, const char *text) {
    if (!text) return 0;
    if (!strcmp(text, "auto") || !strcmp(text, "all") || !strcmp(text, "off"))
        return cli_report(aml_featurization_parse(out, text));
    int status =
        cli_need_file(text, "--featurization", "it is auto, all, off or the path of a JSON file");
    return status ? status : cli_report(aml_featurization_read(out, text));
}

/* Options that are checked here, because they have words beside numbers. */
static int read_numbers(aml_train_options *o, double *exit_score, const cli_args *a) {
    if (a->exit_score) {
        if (!cli_parse_number(exit_score, a->exit_score))
            return bad_value("exit-score", a->exit_score, "write it as a number: 0.95");
        o->exit_score = exit_score;
    }
    if (!a->threshold || !strcmp(a->threshold, "auto")) return 0;
    if (!cli_parse_decimal(&o->threshold, a->threshold) || !(o->threshold > 0 && o->threshold < 1))
        return bad_value("threshold", a->threshold, "write it as auto, or as a probability: 0.5");
    return 0;
}

static bool all_digits(const char *s) { return *s && strspn(s, "0123456789") == strlen(s); }

/* "cv5", "holdout0.2": a scheme. All else is a file. */
static bool is_scheme(const char *s) {
    double share;
    if (!strncmp(s, "cv", 2)) return all_digits(s + 2);
    return !strncmp(s, "holdout", 7) && cli_parse_decimal(&share, s + 7);
}

static aml_train_options options_of(const cli_args *a) {
    return (aml_train_options){.size = sizeof(aml_train_options),
                               .target = a->target,
                               .task = a->task,
                               .metric = a->metric,
                               .time_limit = a->time_limit,
                               .trial_timeout = a->trial_timeout,
                               .trials = a->trials,
                               .validation =
                                   a->validation && is_scheme(a->validation) ? a->validation : NULL,
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
                               .learn_from = a->learn_from,
                               .ensemble = a->no_ensemble ? -1 : 0,
                               .seed = a->seed,
                               .threads = a->threads,
                               .max_concurrent_trials = a->max_concurrent_trials,
                               .memory_limit = a->memory_limit,
                               .prefer = a->prefer,
                               .patience = a->patience,
                               .calibration = a->no_calibration ? -1 : 0,
                               .max_predict_seconds = a->max_predict_time,
                               .max_model_bytes = a->max_model_size,
                               .experiment = a->experiment,
                               .tags = (const char *const *)a->tags,
                               .resume = a->new_run ? -1 : 0,
                               .replay = a->replay};
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    double exit_score;
    aml_featurization *featurization = NULL;
    cli_job job = {.call = call,
                   .options = options_of(a),
                   .reading = cli_read_options(a),
                   .store_path = a->store};
    job.files = (aml_experiment_files){.size = sizeof job.files,
                                       .train = a->operands[0],
                                       .test = a->test,
                                       .model = a->output ? a->output : "model.automl"};
    if (a->validation && !job.options.validation) job.files.validation = a->validation;
    if (!a->target)
        return cli_fail(AML_EUSAGE, "name the column to predict: automl train DATA --target COLUMN",
                        "`train` needs --target");
    if (!a->store && (a->experiment || a->tags || a->new_run || a->replay))
        return cli_fail(AML_EUSAGE, "name the file of the runs: --store automl.db",
                        "--experiment, --tag, --new and --replay need --store");
    int status = read_numbers(&job.options, &exit_score, a);
    if (!status) status = read_featurization(&featurization, a->featurization);
    if (!status && featurization) {
        job.options.featurization = featurization;
        job.reading.text = aml_featurization_texts(featurization);
    }
    if (!status) status = cli_job_run(&job);
    aml_featurization_free(featurization);
    return status;
}

static const cli_option options[] = {
    CLI_TITLE("What to predict"),
    CLI_PREDICTED,
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
    {"trial-timeout", "TIME", "of a trial: what takes longer fails, or ends early where it can",
     CLI_SECONDS, CLI_AT(trial_timeout)},
    {"exit-score", "X", "end the search once a pipeline scores as well as this", CLI_TEXT,
     CLI_AT(exit_score)},
    {"patience", "N", "end it after N trials in a row without a better one", CLI_COUNT,
     CLI_AT(patience)},
    {"learners", "A,B", "learners to use (default: all; see `automl catalog`)", CLI_NAMES,
     CLI_AT(learners)},
    {"featurization", "HOW",
     "auto, all (rarely useful steps, too), off or a JSON file of blocked steps, column kinds and "
     "parameters (default: auto)",
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
    {"learn-from", "STORE",
     "begin with what won in its finished runs on data like these (it may be the file of --store)",
     CLI_TEXT, CLI_AT(learn_from)},
    {"experiment", "NAME", "that the run belongs to (default: name of the data file)", CLI_TEXT,
     CLI_AT(experiment)},
    {"tag", "KEY=VALUE", "a tag of the run; again for more", CLI_EACH, CLI_AT(tags)},
    {"new", NULL, "begin a new run in any case", CLI_FLAG, CLI_AT(new_run)},
    {"replay", "RUN",
     "repeat this finished run of the same options, to the same model byte for byte", CLI_TEXT,
     CLI_AT(replay)},
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
