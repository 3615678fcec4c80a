/* process.h: child processes under supervision, many side by side.
 *
 * Each command runs below a guard, a small process of its own: our program once more, in the role that
 * aml_guard_main gives it. The guard leads a session apart from ours, starts the command in another one, is
 * the reaper of all that the command leaves behind (PR_SET_CHILD_SUBREAPER), keeps the limits and reports.
 * So a command that forks, daemonises, ignores SIGTERM or loses its parents still hangs below its guard, and
 * is gone once the guard has reported. Limits hold while the caller computes; and when the caller dies, even
 * by SIGKILL, each guard sees the end of its socket and kills its tree. A guard by the name of our own
 * program needs no second file to be found. Guards are forked from a process that posix_spawn has started once, which
 * has one thread: OpenMP does not survive a fork, and a program with all its libraries takes 4 ms to start.
 *
 * Used by one thread at a time. */
#ifndef AML_PROCESS_PROCESS_H
#define AML_PROCESS_PROCESS_H

#include <sys/types.h>

#include "automl/core/status.h"

/* What a command may take; 0 = no limit. Memory and CPU are those of the command and all that descends from
 * it together. */
typedef struct aml_process_limits {
    double wall;          /* seconds */
    double cpu;           /* seconds, user and system */
    double grace;         /* seconds between SIGTERM and SIGKILL; 0: 5 s */
    size_t memory;        /* resident bytes; looked at every 20 ms, shared pages count once */
    size_t address_space; /* bytes of a single process (RLIMIT_AS) */
    size_t processes;     /* alive at once */
    size_t output;        /* bytes printed; beyond, the command is ended */
} aml_process_limits;

/* A line that a command printed, without its end ('\n' or '\r'), cut at AML_PROCESS_LINE bytes; any bytes, no
 * NUL behind them. `stream` is 1 (stdout) or 2 (stderr). */
typedef void (*aml_process_line)(void *arg, int stream, const char *line, size_t length);
enum { AML_PROCESS_LINE = 65536 };

typedef struct aml_process_spec {
    const char *const *argv; /* NULL-ended; argv[0] is looked for in PATH when it has no '/' */
    const char *const *env;  /* "NAME=value", NULL-ended: all of the command's environment */
    const char *folder;      /* working folder; NULL: ours */
    const char *log[2];      /* files that keep stdout and stderr, or NULL */
    size_t log_bytes; /* of each file: half from the beginning, half from the end; 0: 1 MiB */
    aml_process_limits limits;
    aml_process_line on_line; /* or NULL */
    void *arg;                /* for on_line */
} aml_process_spec;

typedef enum aml_process_end {
    AML_PROCESS_EXITED,    /* of its own accord: `code` */
    AML_PROCESS_SIGNALLED, /* by a signal not of ours: `code` */
    AML_PROCESS_WALL,      /* beyond a limit */
    AML_PROCESS_CPU,
    AML_PROCESS_MEMORY,
    AML_PROCESS_TREE, /* too many processes */
    AML_PROCESS_OUTPUT,
    AML_PROCESS_STOPPED, /* by aml_process_stop */
    AML_PROCESS_REFUSED, /* never ran: `code` is errno, `what` what was tried */
    AML_PROCESS_LOST     /* its guard was killed */
} aml_process_end;

typedef struct aml_process_result {
    aml_process_end end;
    int code;           /* exit status or signal of the command; errno when REFUSED */
    bool by_signal;     /* `code` is a signal: how the command ended, whatever the reason */
    const char *what;   /* REFUSED: "folder", "program" … */
    double wall, cpu;   /* seconds; cpu of the whole tree */
    size_t peak_memory; /* resident bytes of the whole tree */
    size_t processes;   /* most alive at once */
    size_t
        left_behind; /* processes that were still there when the command had ended, and were killed */
    size_t output[2];    /* bytes printed to stdout and stderr */
    const char *tail[2]; /* last bytes printed, at most AML_PROCESS_TAIL, NUL-terminated */
    size_t n_tail[2];
} aml_process_result;
enum { AML_PROCESS_TAIL = 4096 };

typedef struct aml_processes aml_processes;
typedef struct aml_process aml_process;

/* `guard` is a program whose main begins with aml_guard_main. AML_ENOMEM. */
aml_status aml_processes_new(aml_processes **out, const char *guard);
/* Commands then run on the other ranks; here, once none is left. AML_EDATA, AML_ENOMEM. */
aml_status aml_processes_share(aml_processes *p, aml_ranks *ranks);
/* Kills what still runs, waits until nothing is left, frees. NULL is fine. */
void aml_processes_free(aml_processes *p);

/* Starts a command. A program that cannot be run is no failure here but ends as REFUSED. `user` comes back
 * from aml_processes_wait. AML_ENOMEM when descriptors, processes or memory are short, AML_ECANTCREATE for a log. */
aml_status aml_process_start(aml_process **out, aml_processes *p, const aml_process_spec *spec,
                             void *user);
/* Ends it: SIGTERM to the whole tree, SIGKILL after the grace; `now`: SIGKILL. Returns at once. */
void aml_process_stop(aml_process *process, bool now);
void aml_processes_stop(aml_processes *p, bool now); /* all of them; NULL is fine */
size_t aml_processes_running(const aml_processes *p);
pid_t aml_process_pid(const aml_process *process); /* of the command, 0 before it runs */

/* Reads what there is and calls on_line, until a command has ended, or `seconds` are over, or a signal came.
 * True: a command has ended; *result, valid until the next call, and *user are set, and its handle is gone. */
bool aml_processes_wait(aml_processes *p, double seconds, const aml_process_result **result,
                        void **user);

#endif
