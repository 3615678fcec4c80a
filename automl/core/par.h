/* par.h: the one door to OpenMP. The number of threads is always an argument; work is cut into
 * fixed blocks, so that a result that is reduced block by block never depends on it. */
#ifndef AML_CORE_PAR_H
#define AML_CORE_PAR_H

#include <stddef.h>

#include "automl/core/export.h"

/* Called for rows [begin, end) of block number `block`; `thread` is 0 … n_threads-1. */
typedef void (*aml_par_fn)(void *arg, size_t block, size_t begin, size_t end, int thread);

/* Cuts 0 … n-1 into blocks of `size` (≥ 1) and calls fn once for each, in any order, on at most
 * n_threads threads (values < 2: in the caller, in order). Returns when all are done. May nest
 * one level. The function must not fail: it leaves its status in `arg`. */
AML_PLUGIN void aml_par_for(int n_threads, size_t n, size_t size, aml_par_fn fn, void *arg);

/* fn(arg) in the caller, with n_threads - 1 others at hand: what fn itself starts by aml_par_for goes to them. A thread
 * without work looks for more for some tens of microseconds before it sleeps, so that loops shorter than it takes to
 * wake a thread still pay. For work that starts many short loops one after the other. */
void aml_par_team(int n_threads, void (*fn)(void *arg), void *arg);

/* What a caller asks for: 0 or less stands for all processors; at most 1024. */
int aml_par_threads(int asked);

int aml_par_cores(void); /* processors this process may use, at least 1 */

/* Once at the start of the process: nesting on, waiting threads sleep. */
void aml_par_init(void);

#endif
