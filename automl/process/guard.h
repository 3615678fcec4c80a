/* guard.h: what passes between process.c and the guards.
 *
 * One process, the server, is started with AML_GUARD_FD a socket. On it come, for each command, a byte with three
 * descriptors: the other end of a socket for its guard, and where its stdout and stderr go. The server forks the guard, which
 * is much less than starting a program, and safe as the server has one thread. In the guard AML_GUARD_FD is its own
 * socket. Both sides are the same program, so structs travel as they are; the magic number changes with them. */
#ifndef AML_PROCESS_GUARD_H
#define AML_PROCESS_GUARD_H

#include "automl/process/process.h"

enum { AML_GUARD_FD = 3, AML_GUARD_MAGIC = 0x61677501 };
#define AML_GUARD_WORD "exec-child" /* argv[1] of the server */

/* First a request, followed by `bytes` bytes: the folder ("" = where the guard is), n_argv words and n_env
 * settings, each with its NUL. Then single letters: 'T' end it, 'K' kill it, 'O' it printed too much. The end of the stream
 * means that the caller is no more. */
typedef struct guard_request {
    uint32_t magic, bytes, n_argv, n_env;
    aml_process_limits limits;
} guard_request;

/* Back: one with `done` 0 when the command runs, and the last. */
typedef struct guard_report {
    uint32_t done;
    int32_t guard, pid, end, code, by_signal, stage;
    double wall, cpu;
    uint64_t peak_memory, processes, left_behind;
} guard_report;

/* What could not be done when a command is REFUSED. */
enum { GUARD_FORK, GUARD_LIMITS, GUARD_FOLDER, GUARD_PROGRAM };

/* guard_fds.c: three descriptors for the server: socket, stdout, stderr. False: the other side is gone. */
bool aml_fds_send(int socket, const int fds[3]);
bool aml_fds_receive(int fds[3], int socket);

/* guard.c: the work of one guard; `own_peak` is what a process has in memory, at its peak, that was only forked. */
int aml_guard_run(size_t own_peak);

/* guard_child.c: starts the command in a session of its own. The pid, or -1 with errno and *stage. */
pid_t aml_guard_start(int *stage, const aml_process_limits *limits, const char *folder, char **argv,
                      char **env);

#endif
