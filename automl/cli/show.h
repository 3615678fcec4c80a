/* show.h: parts of a model as text for people. */
#ifndef AML_CLI_SHOW_H
#define AML_CLI_SHOW_H

#include "automl/cli/cli.h"

/* Each prints to call->out; false = memory was short. */

/* The ranked pipelines, the first `max` of them, a count of the rest, and why others failed. */
bool cli_show_leaders(const cli_call *call, const aml_model *m, size_t max, bool timings);
/* The final models that the run has to choose from, when they are several; without timings those that the clock did not
 * choose. */
bool cli_show_menu(const cli_call *call, const aml_model *m, bool timings);
/* One, and those of a model that found something. */
void cli_show_guardrail(const cli_call *call, const aml_guardrail *g);
void cli_show_guardrails(const cli_call *call, const aml_model *m);
/* "score   auc 0.99 (95 % interval 0.98 to 1), baseline 0.5" and how it was estimated. */
void cli_show_score(const cli_call *call, const aml_model *m);
void cli_show_forecast(const cli_call *call, const aml_model *m);
bool cli_show_evaluation(const cli_call *call, const aml_model *m, const aml_evaluation *e);

#endif
