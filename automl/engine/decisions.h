/* decisions.h: what the clock decided on the way from the trials to a model, so that it can be decided again. */
#ifndef AML_ENGINE_DECISIONS_H
#define AML_ENGINE_DECISIONS_H

#include "automl/core/bytes.h"

typedef struct aml_decisions {
    double *at;
    size_t n, room;
    size_t next;   /* to be told, of those that are replayed */
    bool replayed; /* what is said is what was said then */
    bool failed;   /* memory was short: they are not complete */
} aml_decisions;

/* The answer to a question that the clock has a say in: `now` is what it says, and what counts unless an earlier run is replayed.
 * Questions come in the same order each time, from one thread. d may be NULL. */
double aml_decide(aml_decisions *d, double now);
bool aml_decide_if(aml_decisions *d, bool now);
void aml_decisions_free(aml_decisions *d);

#endif
