/* args.h: the command line as values: option tables, and the parser that fills cli_args. */
#ifndef AML_CLI_ARGS_H
#define AML_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_MAX_OPERANDS = 32 };

/* The values of all options of all verbs; zero = not given. */
typedef struct cli_args {
    const char *operands[CLI_MAX_OPERANDS];
    size_t n_operands;
    bool help;
    const char *target, *task, *metric, *weight, *group, *time;
    const char *encoding, *quote, *ragged, *schema, *write_schema, *thousands, *escape;
    size_t skip_lines, skip_footer;
    const char *validation, *test, *output, *sampler, *scheduler, *learn_from, *featurization,
        *prefer, *threshold, *format, *exit_score, *store, *experiment, *status, *has_tag, *since,
        *sort, *replay;
    const char **drop, **learners, **keep; /* NULL-ended */
    const char **increasing, **decreasing;
    const char ***interactions;                         /* NULL-ended lists, NULL-ended */
    const char **sets, **tags;                          /* NULL-ended */
    double time_limit, trial_timeout, max_predict_time; /* seconds */
    size_t trials, patience, memory_limit, max_model_size, top, row, rows, draws, limit;
    uint64_t seed;
    int threads, max_concurrent_trials, part;
    char separator, decimal;
    /* of ask and tell */
    const char *step, *state, *space_file;
    bool best;
    /* of tune */
    const char *const *command; /* what follows "--", NULL-ended; NULL = nothing does */
    const char **metrics;       /* NULL-ended */
    const char *space, *constraints, *goal, *early_termination, *name;
    double trial_cpu_time;
    size_t trial_memory, retries, max_failed_trials;
    bool shell, log_json, print_schema;
    bool header, no_header, json, csv, quiet, strict, no_timings, no_ensemble, no_calibration,
        dry_run, new_run, all, no_store;
} cli_args;

/* The type of an option is the type of its member. */
typedef enum cli_kind {
    CLI_FLAG,    /* bool */
    CLI_TEXT,    /* const char *, not empty */
    CLI_NAMES,   /* const char **, separated by commas */
    CLI_EACH,    /* const char **, one each time the option is given */
    CLI_GROUPS,  /* const char ***, lists of names separated by semicolons */
    CLI_CHAR,    /* char: one character or "tab" */
    CLI_COUNT,   /* size_t, at least 1 */
    CLI_LINES,   /* size_t, SIZE_MAX for 0 */
    CLI_SMALL,   /* int, 1 … 1024 */
    CLI_SEED,    /* uint64_t */
    CLI_SECONDS, /* double, more than 0 */
    CLI_BYTES    /* size_t, at least 1 */
} cli_kind;

typedef struct cli_option {
    const char *name; /* without the dashes; NULL: `help` is the title of the options that follow */
    const char *value; /* its name in the help, NULL for a flag */
    const char *help;
    cli_kind kind;
    size_t member; /* offset in cli_args */
} cli_option;

/* clang-format off */
#define CLI_AT(member) offsetof(cli_args, member)
#define CLI_TITLE(text) {NULL, NULL, text, CLI_FLAG, 0}

/* What to predict, and the parts that columns play. */
#define CLI_PREDICTED \
    {"target", "COLUMN", "the column to predict (required)", CLI_TEXT, CLI_AT(target)}, \
    {"task", "TASK", "binary, multiclass or regression (default: by target)", CLI_TEXT, \
     CLI_AT(task)}, \
    {"metric", "METRIC", "what to optimize (default: auc, log_loss or rmse)", CLI_TEXT, \
     CLI_AT(metric)}, \
    {"drop", "A,B", "columns not to use", CLI_NAMES, CLI_AT(drop)}, \
    {"weight", "COLUMN", "column of row weights", CLI_TEXT, CLI_AT(weight)}, \
    {"group", "COLUMN", "rows of one group stay in one fold", CLI_TEXT, CLI_AT(group)}, \
    {"time", "COLUMN", "validate forward in this order", CLI_TEXT, CLI_AT(time)}

/* How DATA is read: for every verb that reads any. */
#define CLI_READING                                                                               \
    CLI_TITLE("Reading"),                                                                         \
    {"separator", "CHAR", "between fields; \"tab\" is a name for it (detected)", CLI_CHAR,        \
     CLI_AT(separator)},                                                                          \
    {"decimal", "CHAR", "decimal sign: . or , (detected)", CLI_CHAR, CLI_AT(decimal)},          \
    {"header", NULL, "the first line has the names (detected)", CLI_FLAG, CLI_AT(header)},        \
    {"no-header", NULL, "it has not: columns are named c1, c2, …", CLI_FLAG, CLI_AT(no_header)},  \
    {"encoding", "NAME", "of the text: utf-8 (default), latin1, windows-1252, utf-16", CLI_TEXT,  \
     CLI_AT(encoding)},                                                                           \
    {"quote", "CHAR", "around fields (default: a double quote); \"none\": quotes are text",       \
     CLI_TEXT, CLI_AT(quote)},                                                                    \
    {"ragged", "HOW", "rows of another width: error (default), pad or skip", CLI_TEXT,            \
     CLI_AT(ragged)},                                                                             \
    {"thousands", "CHAR", "between groups of digits, or none (detected in each column)",          \
     CLI_TEXT, CLI_AT(thousands)},                                                                \
    {"escape", "CHAR", "makes the next character text, or none (a backslash is detected)",        \
     CLI_TEXT, CLI_AT(escape)},                                                                   \
    {"skip-lines", "N", "lines above the header to leave out (titles are detected; 0: none)",     \
     CLI_LINES, CLI_AT(skip_lines)},                                                              \
    {"skip-footer", "N", "lines at the end to leave out (totals are detected; 0: none)",          \
     CLI_LINES, CLI_AT(skip_footer)},                                                             \
    {"schema", "FILE", "these options and kinds, as `check --write-schema` writes them", CLI_TEXT,       \
     CLI_AT(schema)}
/* clang-format on */

typedef struct cli_verb cli_verb;

/* Reads argv[0 … n-1] (what follows the verb). Options may stand anywhere; "--" ends them.
 * Returns an exit code, after a message where it is not 0. Strings are borrowed from argv. */
int cli_args_parse(cli_args *out, const cli_verb *verb, size_t n, char **argv);
void cli_args_free(cli_args *args);

/* Values of options (values.c). False when the text is not of the form. */
bool cli_parse_uint(uint64_t *out, const char *s);  /* digits */
bool cli_parse_decimal(double *out, const char *s); /* digits[.digits], up to 15 of each */
bool cli_parse_number(double *out, const char *s);  /* the same, with a sign */
bool cli_parse_seconds(double *out,
                       const char *s); /* "90" "60s" "5m" "1h30m" "250ms" "50us" "1.5h" "2d" */
bool cli_parse_bytes(uint64_t *out, const char *s); /* "4096" "64k" "512M" "2G" "1.5GiB" */

#endif
