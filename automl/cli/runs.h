/* runs.h: what the files of the verb `runs` share. */
#ifndef AML_CLI_RUNS_H
#define AML_CLI_RUNS_H

#include "automl/cli/cli.h"

/* runs_show.c: 0 or an exit code after a message. */
int cli_runs_table(const cli_call *call, const aml_runs *runs);
int cli_runs_show(const cli_call *call, aml_store *store, const char *id);
int cli_runs_compare(const cli_call *call, aml_store *store, const char *a, const char *b);

#endif
