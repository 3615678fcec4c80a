/* cli.h: the verbs, and what they share. */
#ifndef AML_CLI_CLI_H
#define AML_CLI_CLI_H

#include <stdio.h>

#include "automl/automl.h"
#include "automl/cli/args.h"

/* What a verb is called with. Results go to `out`, which reaches standard output when the verb is
 * done; messages go to stderr. */
typedef struct cli_call {
    const char *program; /* as it was called, for commands to run next */
    double start;        /* cli_now() when the process began */
    const cli_args *args;
    FILE *out;
    size_t width; /* columns that a line of `out` has */
    bool colour;  /* of `out` */
} cli_call;

struct cli_verb {
    const char *name;
    const char *summary;  /* one line, for the list of verbs */
    const char *text;     /* what it does, for its own help */
    const char *operands; /* "MODEL DATA" */
    const char *usage;    /* operands and what is required besides */
    const char *example;  /* what follows "automl " */
    size_t min_operands, max_operands;
    bool takes_command; /* behind "--" */
    const cli_option *options;
    size_t n_options;
    int (*run)(const cli_call *call); /* exit code; the message is printed */
};

#define CLI_OPTIONS(table) .options = table, .n_options = sizeof table / sizeof *table

extern const cli_verb cli_train, cli_run, cli_init, cli_predict, cli_evaluate, cli_explain,
    cli_leaderboard, cli_inspect, cli_transform, cli_export, cli_check, cli_catalog, cli_completion,
    cli_runs, cli_tune, cli_ask, cli_tell;
const cli_verb *cli_verb_at(size_t i);           /* NULL after the last */
const cli_verb *cli_verb_find(const char *name); /* NULL when there is none */

/* help.c */
void cli_help(FILE *out, const cli_verb *verb); /* NULL: of the program */

/* say.c: stderr */
double cli_now(void);                      /* seconds of the steady clock */
bool cli_colour(int fd);                   /* a terminal, and the user has not said NO_COLOR */
size_t cli_width(int fd, size_t fallback); /* columns of the terminal */
/* Prints an error block; returns `status`. `help` may be NULL. */
int cli_fail(int status, const char *help, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int cli_report(int status); /* the same for the engine's last failure; nothing for AML_OK */
/* The same for options that came from a file: AML_ECONFIG, with its path. */
int cli_report_config(const char *path);
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_notes(const aml_frame *frame); /* what reading found */

/* reading.c */
aml_read_options cli_read_options(const cli_args *args);
/* Loads a model and, when data is not NULL, rows for it. Prints what fails and, unless quiet, the
 * notes. */
int cli_load(aml_model **model, aml_frame **data, const cli_args *args, bool with_target);
int cli_put_text(const cli_call *call,
                 char *text); /* prints and frees an engine's text; NULL: no memory */

#endif
