/* kill_at.c: preloaded into a program, kills it (SIGKILL) at the KILL_AT-th of its calls that change files: before the call, or
 * behind it with KILL_BEHIND set; of a write half is done then. Without KILL_AT it writes the number of calls to KILL_COUNT. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static long env(const char *name) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

/* True when it is this call's turn to be the last, after it was done. */
static int turn(void) {
    long at = env("KILL_AT");
    if (atomic_fetch_add(&calls, 1) + 1 != at) return 0;
    if (!getenv("KILL_BEHIND")) raise(SIGKILL);
    return 1;
}

__attribute__((destructor)) static void count(void) {
    const char *path = getenv("KILL_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%ld\n", atomic_load(&calls));
    fclose(f);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

#define FORWARD(type, name, parameters, arguments) \
    type name parameters;                          \
    type name parameters {                         \
        type(*call) parameters;                    \
        void *found = real(#name);                 \
        memcpy(&call, &found, sizeof call);        \
        int last = turn();                         \
        type result = call arguments;              \
        if (last) raise(SIGKILL);                  \
        return result;                             \
    }

#define FORWARD_WRITE(name, offset_type)                                      \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset);  \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset) { \
        ssize_t (*call)(int, const void *, size_t, offset_type);              \
        void *found = real(#name);                                            \
        memcpy(&call, &found, sizeof call);                                   \
        int last = turn();                                                    \
        ssize_t result = call(fd, data, last ? size / 2 : size, offset);      \
        if (last) raise(SIGKILL);                                             \
        return result;                                                        \
    }

FORWARD_WRITE(pwrite, off_t)
FORWARD_WRITE(pwrite64, off64_t)
FORWARD(int, fsync, (int fd), (fd))
FORWARD(int, fdatasync, (int fd), (fd))
FORWARD(int, ftruncate, (int fd, off_t size), (fd, size))
FORWARD(int, ftruncate64, (int fd, off64_t size), (fd, size))
FORWARD(int, unlink, (const char *path), (path))
FORWARD(int, rename, (const char *from, const char *to), (from, to))
FORWARD(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
