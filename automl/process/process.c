/* process.c: the caller's side of the guards: starts them, reads what commands print, hears how they ended. */
#include "automl/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/arena.h"
#include "automl/process/process_internal.h"

enum { CHUNK = 65536, CHUNKS = 8 /* of one stream, before the others have their turn */ };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- all of them */

aml_status aml_processes_new(aml_processes **out, const char *guard) {
    aml_processes *p = aml_calloc(1, sizeof *p);
    *out = NULL;
    if (!p) return AML_ENOMEM;
    p->guard = aml_malloc(strlen(guard) + 1);
    p->buffer = aml_malloc(CHUNK);
    if (!p->guard || !p->buffer) {
        aml_processes_free(p);
        return AML_ENOMEM;
    }
    memcpy(p->guard, guard, strlen(guard) + 1);
    /* What a killed guard leaves behind comes to us. */
    prctl(PR_GET_CHILD_SUBREAPER, &p->was_reaper);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    *out = p;
    return AML_OK;
}

aml_status aml_processes_share(aml_processes *p, aml_ranks *ranks) {
    AML_TRY(aml_ranks_agree_on_commands(ranks));
    return aml_relay_new(&p->relay, ranks);
}

static void forget_last(aml_processes *p) {
    if (p->last) aml_process_free(p->last);
    p->last = NULL;
}

void aml_processes_free(aml_processes *p) {
    const aml_process_result *result;
    void *user;
    if (!p) return;
    for (size_t i = 0; i < p->n; i++) p->list[i]->spec.on_line = NULL;
    aml_processes_stop(p, true);
    while (p->n) aml_processes_wait(p, 1, &result, &user);
    forget_last(p);
    aml_relay_free(p->relay);
    aml_guard_server_close(p);
    if (p->buffer && !p->was_reaper) prctl(PR_SET_CHILD_SUBREAPER, 0);
    aml_free(p->fds);
    aml_free(p->list);
    aml_free(p->buffer);
    aml_free(p->guard);
    aml_free(p);
}

size_t aml_processes_running(const aml_processes *p) { return p->n; }

pid_t aml_process_pid(const aml_process *process) { return process->pid; }

static void tell(const aml_process *c, char letter) {
    (void)!send(c->control, &letter, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void aml_process_stop(aml_process *process, bool now_) { tell(process, now_ ? 'K' : 'T'); }

void aml_processes_stop(aml_processes *p, bool now_) {
    for (size_t i = 0; p && i < p->n; i++) aml_process_stop(p->list[i], now_);
}

aml_status aml_process_start(aml_process **out, aml_processes *p, const aml_process_spec *spec,
                             void *user) {
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 8;
        aml_process **list = aml_realloc(p->list, room * sizeof *list);
        if (list) p->list = list;
        struct pollfd *fds = aml_realloc(p->fds, 3 * room * sizeof *fds);
        if (fds) p->fds = fds;
        if (!list || !fds) return AML_ENOMEM;
        p->room = room;
    }
    AML_TRY(aml_process_open(out, p, spec));
    (*out)->user = user;
    p->list[p->n++] = *out;
    return AML_OK;
}

/* ---- one of them */

/* False: nothing more for now. */
static bool read_chunk(aml_processes *p, aml_process *c, int i) {
    ssize_t n = read(c->out[i], p->buffer, CHUNK);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return errno == EINTR;
    if (n <= 0) {
        close(c->out[i]);
        c->out[i] = -1;
        return false;
    }
    size_t limit = c->spec.limits.output;
    aml_output_tap_put(&c->tap[i], p->buffer, (size_t)n, c->spec.on_line, c->spec.arg);
    if (limit && !c->told_output && c->tap[0].total + c->tap[1].total > limit) {
        c->told_output = true;
        tell(c, 'O');
    }
    return true;
}

static void read_output(aml_processes *p, aml_process *c, int i, int chunks) {
    while (c->out[i] >= 0 && chunks-- > 0 && read_chunk(p, c, i)) {}
}

static void read_control(aml_process *c) {
    char *at = (char *)&c->report + c->got;
    ssize_t n = recv(c->control, at, sizeof c->report - c->got, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        c->over = c->lost = true;
        return;
    }
    c->got += (size_t)n;
    if (c->got < sizeof c->report) return;
    c->got = 0;
    c->guard = c->report.guard;
    c->pid = c->report.pid;
    c->over = c->report.done != 0;
}

static const char *const refused_at[] = {"process", "limits", "folder", "program"};

static void set_result(aml_process *c) {
    const guard_report *r = &c->report;
    aml_process_result *o = &c->result;
    *o = (aml_process_result){.end = (aml_process_end)r->end,
                              .code = r->code,
                              .by_signal = r->by_signal != 0,
                              .wall = r->wall,
                              .cpu = r->cpu,
                              .peak_memory = (size_t)r->peak_memory,
                              .processes = (size_t)r->processes,
                              .left_behind = (size_t)r->left_behind};
    if (o->end == AML_PROCESS_REFUSED) o->what = refused_at[r->stage & 3];
    if (c->lost) *o = (aml_process_result){.end = AML_PROCESS_LOST, .wall = now() - c->began};
    for (int i = 0; i < 2; i++) {
        o->output[i] = c->tap[i].total;
        o->tail[i] = c->tap[i].tail;
        o->n_tail[i] = c->tap[i].n_tail;
    }
}

/* The guard has said that nothing is left, or is gone: what lies in the pipes is all there will be. */
static void finish(aml_processes *p, aml_process *c) {
    close(c->control);
    c->control = -1;
    /* Ours to wait for only where the process that it was forked from has died. */
    while (c->guard > 0 && !p->relay && waitpid(c->guard, NULL, 0) < 0 && errno == EINTR) {}
    if (c->lost) aml_process_clear_strays(p);
    for (int i = 0; i < 2; i++) {
        read_output(p, c, i, 64);
        aml_output_tap_finish(&c->tap[i], c->spec.on_line, c->spec.arg);
    }
    set_result(c);
}

static bool take_ended(aml_processes *p, const aml_process_result **result, void **user) {
    for (size_t i = 0; i < p->n; i++) {
        aml_process *c = p->list[i];
        if (!c->over) continue;
        p->n--;
        memmove(&p->list[i], &p->list[i + 1], (p->n - i) * sizeof *p->list);
        finish(p, c);
        p->last = c;
        *result = &c->result;
        *user = c->user;
        return true;
    }
    return false;
}

bool aml_processes_wait(aml_processes *p, double seconds, const aml_process_result **result,
                        void **user) {
    double until = now() + seconds;
    forget_last(p);
    for (;;) {
        if (take_ended(p, result, user)) return true;
        double left = until - now();
        for (size_t i = 0; i < p->n; i++) {
            const aml_process *c = p->list[i];
            for (int k = 0; k < 2; k++)
                p->fds[3 * i + (size_t)k] = (struct pollfd){.fd = c->out[k], .events = POLLIN};
            p->fds[3 * i + 2] = (struct pollfd){.fd = c->control, .events = POLLIN};
        }
        int n = poll(p->fds, 3 * p->n, left <= 0 ? 0 : left > 60 ? 60000 : (int)(1000 * left) + 1);
        for (size_t i = 0; n > 0 && i < p->n; i++) {
            for (int k = 0; k < 2; k++)
                if (p->fds[3 * i + (size_t)k].revents) read_output(p, p->list[i], k, CHUNKS);
            if (p->fds[3 * i + 2].revents) read_control(p->list[i]);
        }
        if (n < 0 || left <= 0) return take_ended(p, result, user);
    }
}
