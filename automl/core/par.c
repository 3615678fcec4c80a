/* par.c: OpenMP. */

#include "automl/core/par.h"

#include <sched.h>

#ifdef _OPENMP
#include <omp.h>

#include "automl/core/par_team.h"
#endif

int aml_par_threads(int asked) {
    enum { MOST = 1024 };
    if (asked <= 0) return aml_par_cores();
    return asked < MOST ? asked : MOST;
}

int aml_par_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

void aml_par_init(void) {
#ifdef _OPENMP
    omp_set_max_active_levels(2);
    omp_set_dynamic(0);
#endif
}

static void one(size_t n, size_t size, size_t b, aml_par_fn fn, void *arg, int thread) {
    size_t begin = b * size, end = begin + size < n ? begin + size : n;
    fn(arg, b, begin, end, thread);
}

void aml_par_for(int n_threads, size_t n, size_t size, aml_par_fn fn, void *arg) {
    size_t n_blocks = (n + size - 1) / size;
#ifdef _OPENMP
    if (n_threads > 1 && n_blocks > 1) {
        aml_loop loop = {.n = n, .size = size, .n_blocks = n_blocks, .fn = fn, .arg = arg};
        if ((size_t)n_threads > n_blocks) n_threads = (int)n_blocks;
        loop.n_threads = n_threads;
        if (aml_team_take(&loop)) return;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads)
        for (size_t b = 0; b < n_blocks; b++) one(n, size, b, fn, arg, omp_get_thread_num());
        return;
    }
#else
    (void)n_threads;
#endif
    for (size_t b = 0; b < n_blocks; b++) one(n, size, b, fn, arg, 0);
}

void aml_par_team(int n_threads, void (*fn)(void *arg), void *arg) {
#ifdef _OPENMP
    aml_team *team = n_threads > 1 ? aml_team_open(n_threads) : NULL;
    if (team) {
#pragma omp parallel num_threads(n_threads)
        aml_team_run(team, omp_get_thread_num(), omp_get_num_threads(), fn, arg);
        aml_team_close(team);
        return;
    }
#else
    (void)n_threads;
#endif
    fn(arg);
}
