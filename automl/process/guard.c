/* guard.c: the process between us and a command: keeps its limits, ends it, and leaves nothing of it. See process.h. */
#include "automl/process/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/arena.h"
#include "automl/process/proctree.h"

static const double default_grace = 5, hopeless = 30; /* seconds */

typedef struct guard {
    guard_request request;
    char *texts, *folder, **argv, **env;
    int signals;                         /* signalfd */
    pid_t pid;                           /* of the command; 0 once it is reaped */
    double began, ended, looked, killed; /* on the steady clock; killed: when SIGTERM went out */
    size_t own_peak;                     /* that the command's begins with */
    bool ending, killing;
    aml_process_end end;
    aml_proctree tree;
    guard_report report;
} guard;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the request */

static bool receive(void *out, size_t size) {
    char *at = out;
    while (size) {
        ssize_t n = recv(AML_GUARD_FD, at, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static char **words(char **at, const char *end, size_t n) {
    char **list = aml_calloc(n + 1, sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        list[i] = *at;
        if (*at < end) *at += strlen(*at) + 1;
    }
    return list;
}

static bool read_request(guard *g) {
    guard_request *r = &g->request;
    if (!receive(r, sizeof *r) || r->magic != AML_GUARD_MAGIC || !r->n_argv || !r->bytes)
        return false;
    g->texts = aml_malloc((size_t)r->bytes + 1);
    if (!g->texts || !receive(g->texts, r->bytes)) return false;
    g->texts[r->bytes] = 0;
    char *at = g->texts, *end = g->texts + r->bytes;
    g->folder = at;
    at += strlen(at) + 1;
    g->argv = words(&at, end, r->n_argv);
    g->env = words(&at, end, r->n_env);
    return g->argv && g->env;
}

static void send_report(const guard *g) {
    (void)!send(AML_GUARD_FD, &g->report, sizeof g->report, MSG_NOSIGNAL);
}

/* ---- looking */

/* Linux counts in kilobytes. The command's peak begins with that of a fork of ours. */
static void count_waited(guard *g) {
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    size_t peak = (size_t)u.ru_maxrss * 1024;
    g->report.cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                    1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    if (peak > g->own_peak && peak > g->report.peak_memory) g->report.peak_memory = peak;
}

static void begin_end(guard *g, aml_process_end why, bool at_once) {
    if (!g->ending) {
        g->ending = true;
        g->end = why;
        g->killed = now();
        aml_proctree_scan(&g->tree, getpid());
        if (!at_once) {
            aml_proctree_kill(&g->tree, SIGTERM);
            aml_proctree_kill(&g->tree, SIGCONT); /* what is stopped hears nothing */
        }
    }
    if (at_once) g->killing = true;
}

static void look(guard *g) {
    const aml_process_limits *l = &g->request.limits;
    struct rusage u;
    aml_proctree_scan(&g->tree, getpid());
    size_t memory = aml_proctree_resident(&g->tree), alive = aml_proctree_alive(&g->tree);
    if (alive > 1 && memory > g->report.peak_memory) memory = aml_proctree_proportional(&g->tree);
    if (memory > g->report.peak_memory) g->report.peak_memory = memory;
    if (alive > g->report.processes) g->report.processes = alive;
    if (l->memory && memory > l->memory) begin_end(g, AML_PROCESS_MEMORY, true);
    if (l->processes && alive > l->processes) begin_end(g, AML_PROCESS_TREE, true);
    if (l->cpu <= 0 || g->ending) return;
    getrusage(RUSAGE_CHILDREN, &u);
    double cpu = aml_proctree_cpu(&g->tree) + (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    if (cpu > l->cpu) begin_end(g, AML_PROCESS_CPU, false);
}

/* Often at first, so that short commands are seen, then rarely unless memory is limited. */
static double pause_between(const guard *g, double t) {
    double age = t - g->began;
    if (age < 0.1) return 0.005;
    return age < 2 || g->request.limits.memory ? 0.02 : 0.1;
}

/* ---- ending */

/* Everything that has ended and is ours to wait for: the command, and what lost its parents. */
static bool reap(guard *g) {
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) != 0;) {
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) return false; /* no child is left */
        if (pid != g->pid) continue;
        g->pid = 0;
        g->ended = now();
        g->report.wall = g->ended - g->began;
        g->report.by_signal = WIFSIGNALED(status);
        g->report.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
        aml_proctree_scan(&g->tree, getpid());
        if (!g->ending) g->report.left_behind = aml_proctree_alive(&g->tree);
    }
    return true;
}

/* Kills what is left until nothing is; what forks meanwhile is met in the next round. */
static void clear(guard *g) {
    double start = now();
    for (int round = 0; reap(g); round++) {
        if (now() - start > hopeless)
            return; /* stuck in the kernel; our end is all that is left to do */
        aml_proctree_scan(&g->tree, getpid());
        aml_proctree_kill(&g->tree, SIGKILL);
        struct timespec pause = {.tv_nsec = round < 20 ? 500000 : 10000000};
        nanosleep(&pause, NULL);
    }
}

/* ---- the loop */

static void hear(guard *g) {
    char letter;
    ssize_t n = recv(AML_GUARD_FD, &letter, 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        begin_end(g, AML_PROCESS_STOPPED, true);
        return;
    }
    begin_end(g, letter == 'O' ? AML_PROCESS_OUTPUT : AML_PROCESS_STOPPED, letter == 'K');
}

static void hear_signals(guard *g) {
    struct signalfd_siginfo info;
    while (read(g->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD) begin_end(g, AML_PROCESS_STOPPED, false);
}

static void keep_time(guard *g) {
    const aml_process_limits *l = &g->request.limits;
    double t = now(), grace = l->grace > 0 ? l->grace : default_grace;
    if (t - g->looked >= pause_between(g, t)) {
        g->looked = t;
        look(g);
    }
    if (l->wall > 0 && t - g->began > l->wall) begin_end(g, AML_PROCESS_WALL, false);
    if (g->ending && t - g->killed > grace) g->killing = true;
}

static int patience(const guard *g) {
    const aml_process_limits *l = &g->request.limits;
    double t = now(), wait = g->looked + pause_between(g, t) - t;
    if (l->wall > 0 && !g->ending && g->began + l->wall - t < wait) wait = g->began + l->wall - t;
    return wait <= 0 ? 0 : (int)(1000 * wait) + 1;
}

static void supervise(guard *g) {
    struct pollfd fds[2] = {{.fd = AML_GUARD_FD, .events = POLLIN},
                            {.fd = g->signals, .events = POLLIN}};
    /* Once asked to end, all of the tree has the grace: a shell goes at once, what it runs may be saving. */
    for (bool left = true; left && (g->pid || g->ending) && !g->killing; left = reap(g)) {
        int n = poll(fds, 2, patience(g));
        if (n > 0 && fds[0].revents) hear(g);
        if (n > 0 && fds[1].revents) hear_signals(g);
        keep_time(g);
    }
    clear(g);
    count_waited(g);
}

static bool prepare(guard *g) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    fcntl(AML_GUARD_FD, F_SETFD, FD_CLOEXEC);
    g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return g->signals >= 0 && !prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The command has our stdout and stderr; the caller reads their ends. */
static void let_go_of_output(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return;
    dup2(null, 1);
    dup2(null, 2);
}

static void run_command(guard *g) {
    g->report.guard = getpid();
    g->began = now();
    g->pid = aml_guard_start(&g->report.stage, &g->request.limits, g->folder, g->argv, g->env);
    let_go_of_output();
    if (g->pid < 0) {
        g->report.code = errno;
        g->end = AML_PROCESS_REFUSED;
        g->pid = 0;
        clear(g);
    } else {
        g->report.pid = g->pid;
        send_report(g);
        supervise(g);
        if (!g->ending) g->end = g->report.by_signal ? AML_PROCESS_SIGNALLED : AML_PROCESS_EXITED;
    }
    g->report.done = 1;
    g->report.end = (int32_t)g->end;
    send_report(g);
}

int aml_guard_run(size_t own_peak) {
    guard g = {.own_peak = own_peak};
    bool good = prepare(&g) && read_request(&g);
    if (good) run_command(&g);
    aml_proctree_free(&g.tree);
    aml_free(g.env);
    aml_free(g.argv);
    aml_free(g.texts);
    return good ? 0 : AML_EINTERNAL;
}
