/* tune.h: what the files of the verb tune share. */
#ifndef AML_CLI_TUNE_H
#define AML_CLI_TUNE_H

#include "automl/cli/cli.h"

/* tune_live.c: a live line on a terminal, else a line for each trial; nothing with --quiet; with --log-json a JSON object
 * for each trial. From start to stop the first SIGINT, SIGTERM or SIGHUP ends the trials, the second kills them,
 * the third ends the process. */
typedef struct cli_tune_live cli_tune_live;
cli_tune_live *cli_tune_start(const cli_args *args); /* NULL when memory is short */
void cli_tune_watch(cli_tune_live *live, const aml_sweep *sweep);
int cli_tune_update(const aml_sweep_progress *progress, void *live); /* an aml_sweep_progress_fn */
int cli_tune_stop(cli_tune_live *live); /* frees; the signal that came, 0 = none */

/* tune_show.c: prints to call->out; false = memory was short. */
bool cli_tune_show(const cli_call *call, const aml_sweep *sweep, double seconds);

#endif
