/* par_team.h: threads that stay at hand between loops: the part of par.c without OpenMP. */
#ifndef AML_CORE_PAR_TEAM_H
#define AML_CORE_PAR_TEAM_H

#include <stdbool.h>

#include "automl/core/par.h"

/* Blocks of a loop go to whoever asks next. */
typedef struct aml_loop {
    size_t n, size, n_blocks;
    int n_threads;
    aml_par_fn fn;
    void *arg;
} aml_loop;

typedef struct aml_team aml_team;

/* NULL when memory is short: then there is no team, and loops open their own threads. */
aml_team *aml_team_open(int n_threads);
void aml_team_close(aml_team *team);

/* Called by each of n_threads threads. Thread 0 runs fn(arg), the others work for it until it is done. */
void aml_team_run(aml_team *team, int thread, int n_threads, void (*fn)(void *arg), void *arg);

/* Runs the loop on the team whose fn the caller is in; false where there is none, or its threads are busy with the loop
 * that the caller is a block of. */
bool aml_team_take(const aml_loop *loop);

#endif
