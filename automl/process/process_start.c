/* process_start.c: starts a guard and tells it what to run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/io.h"
#include "automl/core/text.h"
#include "automl/process/process_internal.h"

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

/* The guard's ends: socket, stdout, stderr. */
static bool open_ends(int fds[3], aml_process *c) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    c->control = pair[0];
    fds[0] = pair[1];
    for (int i = 0; i < 2; i++) {
        if (pipe2(pair, O_CLOEXEC)) return false;
        c->out[i] = pair[0];
        fds[i + 1] = pair[1];
        if (fcntl(c->out[i], F_SETFL, O_NONBLOCK)) return false;
    }
    return true;
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

static aml_status start(aml_process *c, aml_processes *p) {
    int fds[3] = {-1, -1, -1};
    int error = open_ends(fds, c) ? aml_guard_request(p, fds) : errno;
    for (int i = 0; i < 3; i++) close_fd(&fds[i]);
    if (!error) return AML_OK;
    aml_fail(AML_ENOMEM, "cannot start a process for a trial: %s", aml_errno_text(error));
    if (error == EMFILE || error == ENFILE)
        return aml_help(AML_ENOMEM, "a running trial takes five files",
                        "raise the limit (`ulimit -n`), or run fewer trials at once");
    return aml_help(AML_ENOMEM, NULL, "run fewer trials at once");
}

aml_status aml_process_open(aml_process **out, aml_processes *p, const aml_process_spec *spec) {
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
    if (!status) status = start(c, p);
    if (!status) status = send_request(c, spec);
    if (status) {
        aml_process_free(c); /* a guard ends by itself when its socket closes */
        return status;
    }
    *out = c;
    return AML_OK;
}
