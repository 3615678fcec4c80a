/* process_start.c: starts a guard and tells it what to run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/text.h"
#include "automl/engine/process_internal.h"

static void close_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

void aml_process_free(aml_process *c) {
    if (!c) return;
    close_fd(&c->control);
    for (int i = 0; i < 2; i++) {
        close_fd(&c->out[i]);
        aml_output_tap_close(&c->tap[i]);
    }
    aml_free(c);
}

/* ---- descriptors */

typedef struct ends {
    int null, control, out[2]; /* the guard's */
} ends;

/* Away from the numbers that the guard's get, for a host that has closed some of these. */
static int lift(int fd) {
    if (fd < 0 || fd > AML_GUARD_FD) return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, AML_GUARD_FD + 1);
    close(fd);
    return high;
}

static bool open_ends(ends *e, aml_process *c) {
    int pair[2];
    e->null = lift(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    c->control = lift(pair[0]);
    e->control = lift(pair[1]);
    for (int i = 0; i < 2; i++) {
        if (pipe2(pair, O_CLOEXEC)) return false;
        c->out[i] = lift(pair[0]);
        e->out[i] = lift(pair[1]);
        if (c->out[i] < 0 || e->out[i] < 0 || fcntl(c->out[i], F_SETFL, O_NONBLOCK)) return false;
    }
    return e->null >= 0 && c->control >= 0 && e->control >= 0;
}

static void close_ends(ends *e) {
    close_fd(&e->null);
    close_fd(&e->control);
    close_fd(&e->out[0]);
    close_fd(&e->out[1]);
}

/* ---- the guard */

/* Our own environment, but with libraries that start no threads: the guard forks. */
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

static int spawn(pid_t *pid, const char *guard, const ends *e) {
    char name[] = "trial-guard", word[] = AML_GUARD_WORD;
    char *argv[] = {name, word, NULL};
    const char **env = guard_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    if (!env) return ENOMEM;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, e->null, 0);
    posix_spawn_file_actions_adddup2(&actions, e->out[0], 1);
    posix_spawn_file_actions_adddup2(&actions, e->out[1], 2);
    posix_spawn_file_actions_adddup2(&actions, e->control, AML_GUARD_FD);
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

/* ---- the request */

static void put_words(aml_string *s, const char *const *list, uint32_t *n) {
    for (*n = 0; list && list[*n]; ++*n) aml_string_add(s, list[*n], strlen(list[*n]) + 1);
}

static bool send_all(int fd, const void *data, size_t size) {
    for (const char *at = data; size;) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* A guard that has already died is found out when its end is read. */
static aml_status send_request(const aml_process *c, const aml_process_spec *spec) {
    guard_request r = {.magic = AML_GUARD_MAGIC, .limits = spec->limits};
    const char *folder = spec->folder ? spec->folder : "";
    aml_string texts = {0};
    aml_string_add(&texts, folder, strlen(folder) + 1);
    put_words(&texts, spec->argv, &r.n_argv);
    put_words(&texts, spec->env, &r.n_env);
    r.bytes = (uint32_t)texts.length;
    bool failed = texts.failed;
    if (!failed && send_all(c->control, &r, sizeof r))
        send_all(c->control, texts.text, texts.length);
    aml_string_free(&texts);
    return failed ? AML_ENOMEM : AML_OK;
}

static aml_status start(aml_process *c, const char *guard) {
    ends e = {-1, -1, {-1, -1}};
    int error = open_ends(&e, c) ? spawn(&c->guard, guard, &e) : errno;
    close_ends(&e);
    if (!error) return AML_OK;
    aml_fail(AML_ENOMEM, "cannot start a process for a trial: %s", strerror(error));
    if (error == EMFILE || error == ENFILE)
        return aml_help(AML_ENOMEM, "a running trial takes five files",
                        "raise the limit (`ulimit -n`), or run fewer trials at once");
    return aml_help(AML_ENOMEM, NULL, "run fewer trials at once");
}

aml_status aml_process_open(aml_process **out, const char *guard, const aml_process_spec *spec) {
    struct timespec t;
    aml_process *c = aml_calloc(1, sizeof *c);
    if (!c) return AML_ENOMEM;
    clock_gettime(CLOCK_MONOTONIC, &t);
    c->began = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    c->spec = *spec;
    c->control = c->out[0] = c->out[1] = c->tap[0].fd = c->tap[1].fd = -1;
    aml_status status = AML_OK;
    for (int i = 0; i < 2 && !status; i++)
        status = aml_output_tap_open(&c->tap[i], i + 1, spec->log[i], spec->log_bytes);
    if (!status) status = start(c, guard);
    if (!status) status = send_request(c, spec);
    if (status) {
        if (c->guard) { /* it ends by itself when the socket closes */
            close_fd(&c->control);
            while (waitpid(c->guard, NULL, 0) < 0 && errno == EINTR) {}
        }
        aml_process_free(c);
        return status;
    }
    *out = c;
    return AML_OK;
}
