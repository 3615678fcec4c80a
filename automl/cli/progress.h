/* progress.h: what a search is doing, on stderr; and the way to end it early. */
#ifndef AML_CLI_PROGRESS_H
#define AML_CLI_PROGRESS_H

#include "automl/automl.h"

typedef struct cli_progress cli_progress;

/* A live line on a terminal, else a line for each new best and every 5 s; nothing with `quiet`.
 * From here to _stop the first SIGINT or SIGTERM ends the search, the second the process. One at a
 * time. NULL when memory or threads are short. */
cli_progress *cli_progress_start(int quiet);
/* An aml_progress_fn; arg is the cli_progress. */
int cli_progress_update(const aml_progress *progress, void *arg);
/* An aml_log_fn, likewise: what is more than a detail. */
void cli_progress_log(aml_log_level level, const char *text, void *arg);
/* Not 0 once a signal came: what aml_train_options.stop wants. */
const volatile int *cli_progress_flag(void);
/* Removes the line and frees. Returns the signal that came, 0 = none. */
int cli_progress_stop(cli_progress *p);

#endif
