/* process_internal.h: what the files process*.c share. */
#ifndef AML_PROCESS_PROCESS_INTERNAL_H
#define AML_PROCESS_PROCESS_INTERNAL_H

#include "automl/process/guard.h"
#include "automl/process/process_output.h"
#include "automl/process/ranks_relay.h"

struct aml_process {
    aml_process_spec spec; /* its pointers are not used once it runs, but on_line and arg */
    void *user;
    pid_t guard, pid;
    int control, out[2]; /* -1 once closed */
    aml_output_tap tap[2];
    guard_report report;
    size_t got; /* bytes of the report so far */
    bool over, lost, told_output;
    double began;
    aml_process_result result;
};

struct aml_processes {
    char *guard, *buffer;
    pid_t server;     /* that guards are forked from; 0 = not started */
    int socket;       /* to it */
    aml_relay *relay; /* to other ranks, who have the guards; or NULL */
    aml_process **list;
    struct pollfd *fds; /* three each */
    size_t n, room;
    aml_process *last; /* whose result was handed out */
    int was_reaper;
};

/* process_server.c: has a guard made that has these ends: socket, stdout, stderr. 0 or errno. */
int aml_guard_request(aml_processes *p, const int fds[3]);
void aml_guard_server_close(aml_processes *p);

/* process_start.c: a guard with the request sent to it. */
aml_status aml_process_open(aml_process **out, aml_processes *p, const aml_process_spec *spec);
void aml_process_free(aml_process *c);

/* process_stray.c: kills and waits for what guards that were killed have left to us. */
void aml_process_clear_strays(const aml_processes *p);

#endif
