/* tune.c: hyperparameters of any command. */
#include <stdlib.h>
#include <string.h>

#include "automl/cli/table.h"
#include "automl/cli/tune.h"

static aml_sweep_options options_of(const cli_args *a, cli_tune_live *live) {
    return (aml_sweep_options){.size = sizeof(aml_sweep_options),
                               .path = a->n_operands ? a->operands[0] : NULL,
                               .command = a->command,
                               .shell = a->shell,
                               .space = a->space,
                               .constraints = a->constraints,
                               .goals = a->goal,
                               .sampler = a->sampler,
                               .scheduler = a->early_termination,
                               .metrics = a->metrics,
                               .name = a->name,
                               .output = a->output,
                               .store = a->no_store ? "" : a->store,
                               .learn_from = a->learn_from,
                               .seed = a->seed ? &a->seed : NULL,
                               .trials = a->trials,
                               .retries = a->retries,
                               .patience = a->patience,
                               .max_failed_trials = a->max_failed_trials,
                               .max_concurrent_trials = a->max_concurrent_trials,
                               .time_limit = a->time_limit,
                               .trial_timeout = a->trial_timeout,
                               .trial_cpu_limit = a->trial_cpu_time,
                               .trial_memory_limit = a->trial_memory,
                               .guard = "/proc/self/exe",
                               .dry_run = a->dry_run,
                               .progress = cli_tune_update,
                               .progress_arg = live};
}

static int check(const cli_args *a, double *score) {
    const char *help = "automl tune SWEEP.json, or automl tune --space 'lr=loguniform(1e-4,1e-1)' "
                       "--goal minimize:loss "
                       "-- COMMAND --lr {lr}";
    if (!a->n_operands && !a->command)
        return cli_fail(AML_EUSAGE, help, "`tune` needs a SWEEP.json, or a command behind --");
    if (a->n_operands && a->space)
        return cli_fail(AML_EUSAGE, "change it in the file, or give the command behind --",
                        "--space and %s exclude each other", a->operands[0]);
    if (a->exit_score && !cli_parse_number(score, a->exit_score))
        return cli_fail(AML_EUSAGE, "write it as a number: 0.95",
                        "`%.80s` is not a value for --exit-score", a->exit_score);
    if (a->quiet && a->log_json)
        return cli_fail(AML_EUSAGE, NULL, "--quiet and --log-json exclude each other");
    return 0;
}

static void tell_past(const cli_args *a, const aml_sweep *s) {
    const char *note;
    size_t ended = 0;
    aml_sweep_trial t = {.size = sizeof t};
    if (a->quiet || a->log_json) return;
    for (size_t i = 0; (note = aml_sweep_note(s, i)); i++) cli_note("%s", note);
    for (size_t i = 0; aml_sweep_trial_at(s, i, &t); i++) ended += strcmp(t.state, "pending") != 0;
    if (aml_sweep_trials(s))
        cli_note("goes on in %s, with %zu trials ended", aml_sweep_folder(s), ended);
}

static void tell_end(const cli_args *a, const aml_sweep *s, int signal_number) {
    if (a->quiet || a->log_json) return;
    if (signal_number) cli_note("stopped; the same command goes on");
    else if (!strcmp(aml_sweep_end(s), "timeout"))
        cli_note("the time is over; the same command goes on");
    else if (!strcmp(aml_sweep_end(s), "space")) cli_note("there is nothing left to try");
    else if (!strcmp(aml_sweep_end(s), "exit_score"))
        cli_note("a trial is as good as --exit-score asks for");
    else if (!strcmp(aml_sweep_end(s), "patience"))
        cli_note("no trial was better for as long as --patience has it");
}

static int show(const cli_call *call, const aml_sweep *s) {
    if (call->args->json)
        return cli_put_text(call, aml_sweep_json(s, call->args->no_timings ? AML_NO_TIMINGS : 0));
    if (!aml_sweep_trials(s)) return 0;
    return cli_tune_show(call, s, cli_now() - call->start)
               ? 0
               : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int show_dry(const cli_call *call, const aml_sweep *s) {
    const char *metric, *note;
    char clean[1024];
    for (size_t i = 0; !call->args->quiet && (note = aml_sweep_note(s, i)); i++)
        cli_note("%s", note);
    fprintf(call->out, "metrics  ");
    for (size_t i = 0; (metric = aml_sweep_metric(s, i)); i++)
        fprintf(call->out, "%s%s", i ? ", " : "", cli_clean(clean, sizeof clean, metric));
    fprintf(call->out, "\nfolder   %s\n", cli_clean(clean, sizeof clean, aml_sweep_folder(s)));
    for (size_t i = 0; i < aml_sweep_trials(s); i++) {
        char *command = aml_sweep_command(s, i);
        if (!command) return cli_fail(AML_ENOMEM, NULL, "out of memory");
        fprintf(call->out, "trial %zu  %s\n", i, cli_clean(clean, sizeof clean, command));
        aml_text_free(command);
    }
    return 0;
}

static int run_sweep(const cli_call *call, cli_tune_live *live, aml_sweep *s) {
    cli_tune_watch(live, s);
    tell_past(call->args, s);
    int status = aml_sweep_run(s);
    int signal_number = cli_tune_stop(live);
    tell_end(call->args, s, signal_number);
    int shown = show(call, s);
    status = cli_report(status);
    if (!status && signal_number) status = 128 + signal_number;
    return status ? status : shown;
}

static int lead(const cli_call *call, aml_ranks *ranks, const double *exit_score) {
    const cli_args *a = call->args;
    aml_sweep *sweep;
    cli_tune_live *live = cli_tune_start(a);
    if (!live) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    aml_sweep_options options = options_of(a, live);
    options.exit_score = exit_score;
    options.ranks = ranks;
    int status = cli_report(aml_sweep_open(&sweep, &options));
    if (status) {
        cli_tune_stop(live);
        return status;
    }
    if (a->dry_run) {
        cli_tune_stop(live);
        status = show_dry(call, sweep);
    } else {
        status = run_sweep(call, live, sweep);
    }
    aml_sweep_free(sweep);
    return status;
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    if (a->print_schema) return cli_put_text(call, aml_sweep_schema());
    double score = 0;
    aml_ranks *ranks = NULL;
    int status = check(a, &score);
    if (!status && !a->dry_run) status = cli_report(aml_ranks_join(&ranks));
    if (!status && aml_ranks_number(ranks))
        status = cli_report(aml_ranks_serve_commands(ranks, "/proc/self/exe"));
    else if (!status) status = lead(call, ranks, a->exit_score ? &score : NULL);
    aml_ranks_leave(ranks);
    return status;
}

static const cli_option options[] = {
    CLI_TITLE("What to tune, without a file"),
    {"space", "TEXT",
     "parameters: 'lr = loguniform(1e-4, 1e-1); depth = int(2, 10); kind = choice(a, b)', or JSON",
     CLI_TEXT, CLI_AT(space)},
    {"constraints", "TEXT", "that parameters keep: 'batch * layers <= 1024; a < b'", CLI_TEXT,
     CLI_AT(constraints)},
    {"goal", "GOALS", "minimize:NAME or maximize:NAME of a metric; several: a Pareto front",
     CLI_TEXT, CLI_AT(goal)},
    {"metric", "NAME=HOW",
     "where a metric comes from: printed (default), json, pair, regex:PATTERN, file:PATH, "
     "exit_status, wall_time, cpu_time, peak_memory; may be given several times",
     CLI_EACH, CLI_AT(metrics)},
    {"shell", NULL, "the command is a text for /bin/sh", CLI_FLAG, CLI_AT(shell)},
    {"name", "NAME", "of the sweep (default: that of the file, or tune)", CLI_TEXT, CLI_AT(name)},
    CLI_TITLE("Search"),
    {"trials", "N", "to run in all (default: no limit)", CLI_COUNT, CLI_AT(trials)},
    {"time-limit", "TIME", "for the sweep: 10m, 2h; what runs then is ended", CLI_SECONDS,
     CLI_AT(time_limit)},
    {"exit-score", "X", "end the sweep once a trial scores as well as this", CLI_TEXT,
     CLI_AT(exit_score)},
    {"patience", "N", "end it after N trials in a row without a better one", CLI_COUNT,
     CLI_AT(patience)},
    {"max-concurrent-trials", "N", "side by side (default: 1)", CLI_SMALL,
     CLI_AT(max_concurrent_trials)},
    {"sampler", "HOW", "what suggests parameters: a name, or JSON (default: auto)", CLI_TEXT,
     CLI_AT(sampler)},
    {"learn-from", "STORE",
     "begin with what was best in its ended sweeps of the same space and goal (it may be the file "
     "of --store)",
     CLI_TEXT, CLI_AT(learn_from)},
    {"early-termination", "HOW",
     "what stops hopeless trials by the values that they report: a name, or JSON (default: none)",
     CLI_TEXT, CLI_AT(early_termination)},
    {"seed", "N", "of all random choices (default: 0)", CLI_SEED, CLI_AT(seed)},
    CLI_TITLE("Limits of a trial, with all processes it starts"),
    {"trial-timeout", "TIME", "what takes longer fails", CLI_SECONDS, CLI_AT(trial_timeout)},
    {"trial-cpu-time", "TIME", "what uses more fails", CLI_SECONDS, CLI_AT(trial_cpu_time)},
    {"trial-memory", "SIZE", "what uses more fails: 512M, 2G", CLI_BYTES, CLI_AT(trial_memory)},
    {"retries", "N", "times that a failed trial is tried again (default: 0)", CLI_COUNT,
     CLI_AT(retries)},
    {"max-failed-trials", "N", "failures that end the sweep (default: the first 10 alone)",
     CLI_COUNT, CLI_AT(max_failed_trials)},
    CLI_TITLE("Output"),
    {"dry-run", NULL, "check everything and print the first commands; nothing is run", CLI_FLAG,
     CLI_AT(dry_run)},
    {"output", "DIR",
     "the sweep's folder (default: NAME.sweep); the same sweep again goes on in it", CLI_TEXT,
     CLI_AT(output)},
    {"store", "FILE",
     "record the sweep and its trials in this run store too; `automl runs` looks into it", CLI_TEXT,
     CLI_AT(store)},
    {"no-store", NULL, "record nothing there, whatever the file says", CLI_FLAG, CLI_AT(no_store)},
    {"top", "N", "trials to show (default: 10)", CLI_COUNT, CLI_AT(top)},
    {"json", NULL, "print the result as JSON", CLI_FLAG, CLI_AT(json)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)},
    {"log-json", NULL, "progress as JSON lines", CLI_FLAG, CLI_AT(log_json)},
    {"quiet", NULL, "print only errors and the result", CLI_FLAG, CLI_AT(quiet)},
    {"print-schema", NULL, "print the JSON Schema of SWEEP.json", CLI_FLAG, CLI_AT(print_schema)}};

const cli_verb cli_tune = {
    .name = "tune",
    .summary = "search the best parameters of any command",
    .text = "Runs a command again and again with parameters of a search space, {name} in its "
            "words, reads its metrics from "
            "what it prints (name=value or JSON, unless told otherwise) and searches for the best. "
            "Trials are "
            "supervised: limits hold for all that a command starts, and nothing of it is left. "
            "Ctrl-C ends the sweep; the "
            "same command goes on with it.",
    .operands = "a SWEEP.json, or a command behind --",
    .usage =
        "SWEEP.json [OPTION…]\n       automl tune --space SPACE --goal GOALS [OPTION…] -- COMMAND…",
    .example = "tune --space 'lr = loguniform(1e-4, 1e-1)' --goal minimize:loss \\\n"
               "      --trials 50 -- python train.py --lr {lr}",
    .min_operands = 0,
    .max_operands = 1,
    .takes_command = true,
    CLI_OPTIONS(options),
    .run = run};
