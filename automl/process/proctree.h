/* proctree.h: a process and all that descends from it, as /proc shows them. */
#ifndef AML_PROCESS_PROCTREE_H
#define AML_PROCESS_PROCTREE_H

#include <sys/types.h>

#include "automl/core/status.h"

typedef struct aml_proc {
    pid_t pid, parent, group, session;
    char state;      /* 'R', 'S', 'Z' … */
    double cpu;      /* seconds of it and of the children that it has waited for */
    size_t resident; /* bytes */
    uint64_t start;  /* clock ticks since boot: tells a process from a later one of the same pid */
} aml_proc;

typedef struct aml_proctree {
    aml_proc *procs;
    size_t n, room;
} aml_proctree;

bool aml_proc_read(aml_proc *out, pid_t pid); /* false: there is none */
/* The descendants of `root` without itself, zombies included. What is forked meanwhile may be missing. A list that
 * memory is short for is cut. */
void aml_proctree_scan(aml_proctree *t, pid_t root);
void aml_proctree_free(aml_proctree *t);

size_t aml_proctree_alive(const aml_proctree *t); /* without zombies */
double aml_proctree_cpu(const aml_proctree *t);
size_t aml_proctree_resident(const aml_proctree *t); /* pages shared by several count for each */
/* Pages shared by several count once (/proc/PID/smaps_rollup); slower. */
size_t aml_proctree_proportional(const aml_proctree *t);
/* To every process group of the tree, each at once: no member can fork out of it. */
void aml_proctree_kill(const aml_proctree *t, int signal_number);

#endif
