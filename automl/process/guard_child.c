/* guard_child.c: from the guard to the command. The guard has one thread, so that a fork is safe in it; between fork and
 * exec there are system calls only. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "automl/process/guard.h"

/* No more than the guard itself may have. */
static int limit(int resource, rlim_t soft, rlim_t hard) {
    struct rlimit r;
    if (getrlimit(resource, &r)) return -1;
    if (r.rlim_max != RLIM_INFINITY && hard > r.rlim_max) hard = r.rlim_max;
    r.rlim_max = hard;
    r.rlim_cur = soft < hard ? soft : hard;
    return setrlimit(resource, &r);
}

static int set_limits(const aml_process_limits *l) {
    if (limit(RLIMIT_CORE, 0, 0)) return -1;
    if (l->address_space && limit(RLIMIT_AS, l->address_space, l->address_space)) return -1;
    if (l->cpu > 0) { /* behind the guard's own watch over the whole tree */
        rlim_t seconds = (rlim_t)l->cpu + 2;
        if (limit(RLIMIT_CPU, seconds, seconds + 5)) return -1;
    }
    return 0;
}

static void reset_signals(void) {
    sigset_t none;
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* When memory is short, the kernel is to take the trial and not the search. */
static void offer_to_oom_killer(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "500", 3);
    close(fd);
}

static int prepare(int *stage, const aml_process_limits *l, const char *folder, pid_t guard) {
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guard) _exit(0); /* it has died before the line above */
    reset_signals();
    offer_to_oom_killer();
    *stage = GUARD_FOLDER;
    if (*folder && chdir(folder)) return errno;
    *stage = GUARD_LIMITS;
    if (set_limits(l)) return errno;
    return 0;
}

pid_t aml_guard_start(int *stage, const aml_process_limits *limits, const char *folder, char **argv,
                      char **env) {
    int fds[2], failure[2] = {0, 0}; /* errno and stage */
    pid_t guard = getpid();
    *stage = GUARD_FORK;
    if (pipe2(fds, O_CLOEXEC)) return -1;
    pid_t pid = fork();
    if (!pid) {
        failure[0] = prepare(&failure[1], limits, folder, guard);
        if (!failure[0]) {
            environ = env; /* whose PATH it is looked for in */
            execvp(argv[0], argv);
            failure[0] = errno;
            failure[1] = GUARD_PROGRAM;
        }
        (void)!write(fds[1], failure, sizeof failure);
        _exit(127);
    }
    int error = errno;
    close(fds[1]);
    bool failed = pid < 0 || read(fds[0], failure, sizeof failure) == (ssize_t)sizeof failure;
    close(fds[0]);
    if (!failed) return pid;
    if (pid > 0) *stage = failure[1];
    errno = pid > 0 ? failure[0] : error;
    return -1;
}
