/* guard_server.c: the process that guards are forked from. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "automl/process/guard.h"

/* What a process has at its peak that has done nothing but be forked from here, in bytes. */
static size_t peak_of_fork(void) {
    struct rusage u = {.ru_maxrss = 0};
    pid_t pid = fork();
    if (!pid) _exit(0);
    while (pid > 0 && wait4(pid, NULL, 0, &u) < 0 && errno == EINTR) {}
    return (size_t)u.ru_maxrss * 1024;
}

/* The descriptors are above AML_GUARD_FD, for those below are in use. */
static int become_guard(const int fds[3], size_t own_peak) {
    setsid();
    signal(SIGCHLD, SIG_DFL);
    if (dup2(fds[0], AML_GUARD_FD) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0)
        return AML_ENOMEM;
    closefrom(AML_GUARD_FD + 1);
    return aml_guard_run(own_peak);
}

/* Waited for at once, so that none is a zombie, and that what they used is counted as used by us. */
static void on_child(int number) {
    int error = errno;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
    errno = error;
}

static int serve(void) {
    size_t own_peak = peak_of_fork();
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
    int fds[3];
    sigemptyset(&action.sa_mask);
    sigaction(SIGCHLD, &action, NULL);
    while (aml_fds_receive(fds, AML_GUARD_FD)) {
        pid_t pid = fork();
        if (!pid) return become_guard(fds, own_peak);
        for (int i = 0; i < 3; i++)
            close(fds[i]); /* without a guard the caller sees the end of its socket */
    }
    while (wait(NULL) > 0 || errno == EINTR) {} /* guards are about to end */
    return 0;
}

int aml_guard_main(int argc, char **argv) {
    int type = 0;
    socklen_t size = sizeof type;
    if (argc != 2 || strcmp(argv[1], AML_GUARD_WORD) != 0 ||
        getsockopt(AML_GUARD_FD, SOL_SOCKET, SO_TYPE, &type, &size))
        return -1;
    closefrom(AML_GUARD_FD + 1);
    fcntl(AML_GUARD_FD, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME,
          "trial-guard"); /* not "automl": `killall automl` is to leave guards their work */
    return serve();
}
