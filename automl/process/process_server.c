/* process_server.c: starts the process that guards are forked from, and asks it for them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "automl/core/arena.h"
#include "automl/process/process_internal.h"

/* Our own environment, but with libraries that start no threads: the server forks. */
static const char **guard_environment(void) {
    static const char *const set[] = {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"};
    size_t n = 0, kept = 0;
    while (environ[n]) n++;
    const char **env = aml_malloc((n + 3) * sizeof *env);
    if (!env) return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], set[0], 21) != 0 && strncmp(environ[i], set[1], 16) != 0)
            env[kept++] = environ[i];
    env[kept++] = set[0];
    env[kept++] = set[1];
    env[kept] = NULL;
    return env;
}

/* Away from the numbers that the server's get, for a host that has closed some of these. */
static int lift(int fd) {
    if (fd < 0 || fd > AML_GUARD_FD) return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, AML_GUARD_FD + 1);
    close(fd);
    return high;
}

static int spawn(pid_t *pid, const char *guard, int null, int socket) {
    char name[] = "trial-guard", word[] = AML_GUARD_WORD;
    char *argv[] = {name, word, NULL};
    const char **env = guard_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    if (!env) return ENOMEM;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++) posix_spawn_file_actions_adddup2(&actions, null, fd);
    posix_spawn_file_actions_adddup2(&actions, socket, AML_GUARD_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    int error = posix_spawnp(pid, guard, &actions, &attributes, argv, (char *const *)(void *)env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    aml_free(env);
    return error;
}

static int start_server(aml_processes *p) {
    int pair[2], null = lift(open("/dev/null", O_RDWR | O_CLOEXEC)), error = errno;
    if (null < 0) return error;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        error = errno;
        close(null);
        return error;
    }
    pair[1] = lift(pair[1]);
    error = spawn(&p->server, p->guard, null, pair[1]);
    close(null);
    close(pair[1]);
    p->socket = pair[0];
    if (error) {
        close(p->socket);
        p->server = 0;
    }
    return error;
}

void aml_guard_server_close(aml_processes *p) {
    if (!p->server) return;
    close(p->socket);
    while (waitpid(p->server, NULL, 0) < 0 && errno == EINTR) {}
    p->server = 0;
}

/* A server that somebody has killed is started anew. */
int aml_guard_request(aml_processes *p, const int fds[3]) {
    int error = 0;
    if (p->relay && aml_relay_open(p->relay, fds)) return 0;
    for (int tries = 0; tries < 2 && !error; tries++) {
        if (!p->server) error = start_server(p);
        if (!error && aml_fds_send(p->socket, fds)) return 0;
        if (!error) aml_guard_server_close(p);
    }
    return error ? error : EPIPE;
}
