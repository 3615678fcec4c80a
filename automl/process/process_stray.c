/* process_stray.c: what is left when a guard itself was killed. Its command dies with it (PR_SET_PDEATHSIG); what
 * descends from the command comes to us, who are the next reaper above. A child of ours in another session than ours that
 * is no guard is such a one: only guards and what they are forked from are started into sessions of their own. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/process/process_internal.h"
#include "automl/process/proctree.h"

static bool is_guard(const aml_processes *p, pid_t pid) {
    for (size_t i = 0; i < p->n; i++)
        if (p->list[i]->guard == pid) return true;
    return pid == p->server;
}

/* Through a descriptor, so that it cannot hit a later process of the same number. */
static void kill_exactly(const aml_proc *stray) {
    aml_proc seen;
    int fd = (int)syscall(SYS_pidfd_open, stray->pid, 0);
    if (fd < 0 && errno != ENOSYS) return;
    bool same = aml_proc_read(&seen, stray->pid) && seen.start == stray->start;
    if (same && fd >= 0) syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    if (same && fd < 0) kill(stray->pid, SIGKILL);
    if (fd >= 0) close(fd);
}

static size_t kill_round(const aml_processes *p, aml_proctree *ours) {
    size_t found = 0;
    pid_t own = getsid(0);
    aml_proctree_scan(ours, getpid());
    for (size_t i = 0; i < ours->n; i++) {
        const aml_proc *c = &ours->procs[i];
        if (c->parent != getpid() || c->session == own || is_guard(p, c->pid)) continue;
        found++;
        kill_exactly(c);
        waitpid(c->pid, NULL, WNOHANG);
    }
    return found;
}

void aml_process_clear_strays(const aml_processes *p) {
    aml_proctree ours = {0};
    struct timespec pause = {.tv_nsec = 1000000};
    /* As each dies its children come to us in turn. Ten seconds are for what is stuck in the kernel. */
    for (int round = 0, quiet = 0; round < 10000 && quiet < 3; round++) {
        quiet = kill_round(p, &ours) ? 0 : quiet + 1;
        nanosleep(&pause, NULL);
    }
    aml_proctree_free(&ours);
}
