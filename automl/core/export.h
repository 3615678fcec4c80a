/* export.h: what the core offers to plug-ins that are compiled by others. */
#ifndef AML_CORE_EXPORT_H
#define AML_CORE_EXPORT_H

#include "automl/automl.h"

/* Version of the plug-in contracts (learner.h, step.h, sampler.h, scheduler.h, metric.h): one more when a struct of theirs
 * changes otherwise than by new members at its end. */
#define AML_ABI 1

/* Functions that plug-ins may call; all others in these headers are the engine's own, and not in the shared library. */
#ifdef AML_SCORE
#define AML_PLUGIN
#else
#define AML_PLUGIN AML_API
#endif

#endif
