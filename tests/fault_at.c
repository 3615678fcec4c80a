/* fault_at.c: preloaded into a program, makes one of its calls go wrong, the FAULT_AT-th of those that FAULT names:
 *
 *     kill            SIGKILL before a call that changes files (with FAULT_BEHIND: after it; of a write half is done then)
 *     ENOSPC EIO      a call that writes, syncs, cuts or renames fails so
 *     EINTR           a write is interrupted before it did anything
 *     short           a write does half
 *     alloc           malloc, calloc, realloc and aligned memory are short
 *
 * With FAULT_CALL only calls of that name count. With FAULT_FOREVER every later one fails too. Without FAULT_AT nothing fails. FAULT_COUNT: a file that is given the number
 * of calls at the end. Allocations of the loader, OpenMP's and BLAS' own are left alone: these libraries end the process. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef enum fault { NOTHING, KILL, FAIL, SHORT, INTERRUPT, ALLOC } fault;

static fault what;
static int error;
static long at;
static int forever, behind, spares;
static atomic_long calls;
static const char *only; /* calls of this name; NULL: of all */

/* ---- whose allocations count: all but some libraries' */

enum { MOST_SPARED = 64 };
static struct range { uintptr_t begin, end; } spared[MOST_SPARED];

static int spare(const char *file) {
    static const char *const names[] = {"libgomp",  "libomp",    "libopenblas", "libgfortran",
                                        "ld-linux", "liblapack", NULL};
    for (int i = 0; names[i]; i++)
        if (strstr(file, names[i])) return 1;
    return 0;
}

/* From /proc/self/maps, without an allocation. */
static void find_spared(void) {
    static char text[1 << 16];
    size_t size = 0;
    int fd = open("/proc/self/maps", O_RDONLY);
    for (ssize_t got; fd >= 0 && size < sizeof text - 1; size += (size_t)got)
        if ((got = read(fd, text + size, sizeof text - 1 - size)) <= 0) break;
    if (fd >= 0) close(fd);
    text[size] = 0;
    int n = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) && n < MOST_SPARED; line = end + 1) {
        *end = 0;
        char *dash;
        struct range r = {strtoul(line, &dash, 16), 0};
        r.end = strtoul(dash + 1, NULL, 16);
        if (spare(line)) spared[n++] = r;
    }
    spares = n;
}

static int is_spared(const void *caller) {
    uintptr_t p = (uintptr_t)caller;
    for (int i = 0; i < spares; i++)
        if (p >= spared[i].begin && p < spared[i].end) return 1;
    return 0;
}

/* ---- what is to happen */

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULT"), *number = getenv("FAULT_AT");
    if (!name) return;
    find_spared();
    at = number ? strtol(number, NULL, 10) : 0;
    only = getenv("FAULT_CALL");
    forever = getenv("FAULT_FOREVER") != NULL;
    behind = getenv("FAULT_BEHIND") != NULL;
    what = !strcmp(name, "kill")    ? KILL
           : !strcmp(name, "short") ? SHORT
           : !strcmp(name, "EINTR") ? INTERRUPT
           : !strcmp(name, "alloc") ? ALLOC
                                    : FAIL;
    error = !strcmp(name, "EIO") ? EIO : what == INTERRUPT ? EINTR : ENOSPC;
}

/* Is it the turn of this call? */
static int turn(const char *name) {
    if (only && strcmp(only, name) != 0) return 0;
    long now = atomic_fetch_add(&calls, 1) + 1;
    return at && (now == at || (forever && now > at));
}

__attribute__((destructor)) static void count(void) {
    const char *path = getenv("FAULT_COUNT");
    what = NOTHING;
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%ld\n", atomic_load(&calls));
    fclose(f);
}

/* ---- files */

static void *real(void *call, const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(call, &found, sizeof found);
    return found;
}

#define FORWARD(type, name, parameters, arguments)               \
    type name parameters;                                        \
    type name parameters {                                       \
        type(*call) parameters;                                  \
        real(&call, #name);                                      \
        int now = (what == KILL || what == FAIL) && turn(#name); \
        if (now && what == KILL && !behind) raise(SIGKILL);      \
        if (now && what == FAIL) {                               \
            errno = error;                                       \
            return -1;                                           \
        }                                                        \
        type result = call arguments;                            \
        if (now) raise(SIGKILL);                                 \
        return result;                                           \
    }

#define FORWARD_WRITE(name, parameters, whole, half)               \
    ssize_t name parameters;                                       \
    ssize_t name parameters {                                      \
        ssize_t(*call) parameters;                                 \
        real(&call, #name);                                        \
        int now = what != NOTHING && what != ALLOC && turn(#name); \
        if (now && what == KILL && !behind) raise(SIGKILL);        \
        if (now && (what == FAIL || what == INTERRUPT)) {          \
            errno = error;                                         \
            return -1;                                             \
        }                                                          \
        ssize_t result = now && size > 1 ? call half : call whole; \
        if (now && what == KILL) raise(SIGKILL);                   \
        return result;                                             \
    }

FORWARD_WRITE(write, (int fd, const void *data, size_t size), (fd, data, size),
              (fd, data, size / 2))
FORWARD_WRITE(pwrite, (int fd, const void *data, size_t size, off_t offset),
              (fd, data, size, offset), (fd, data, size / 2, offset))
FORWARD_WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t offset),
              (fd, data, size, offset), (fd, data, size / 2, offset))
FORWARD(int, fsync, (int fd), (fd))
FORWARD(int, fdatasync, (int fd), (fd))
FORWARD(int, ftruncate, (int fd, off_t size), (fd, size))
FORWARD(int, ftruncate64, (int fd, off64_t size), (fd, size))

/* A file that cannot be removed stays behind, whoever wants to: that is no fault to look for. */
int unlink(const char *path);
int unlink(const char *path) {
    int (*call)(const char *);
    real(&call, "unlink");
    int now = what == KILL && turn("unlink");
    if (now && !behind) raise(SIGKILL);
    int result = call(path);
    if (now) raise(SIGKILL);
    return result;
}
FORWARD(int, rename, (const char *from, const char *to), (from, to))

/* ---- memory */

static _Thread_local int asked_by_sanitizer; /* at the start of a thread; it ends the process when it fails */

int pthread_getattr_np(pthread_t thread, pthread_attr_t *out);
int pthread_getattr_np(pthread_t thread, pthread_attr_t *out) {
    int (*call)(pthread_t, pthread_attr_t *);
    real(&call, "pthread_getattr_np");
    asked_by_sanitizer = 1;
    int result = call(thread, out);
    asked_by_sanitizer = 0;
    return result;
}

static int no_memory(const void *caller) {
    if (what != ALLOC || asked_by_sanitizer || is_spared(caller) || !turn("alloc")) return 0;
    errno = ENOMEM;
    return 1;
}
#define NO_MEMORY() no_memory(__builtin_return_address(0))

/* The allocator behind this one, glibc's or a sanitizer's, asked for at the first call, which comes before any constructor. */
#define BEHIND(type, name, parameters)  \
    static type(*call) parameters;      \
    if (!call) real(&call, #name)

void *malloc(size_t size) {
    BEHIND(void *, malloc, (size_t));
    return NO_MEMORY() ? NULL : call(size);
}
void *calloc(size_t n, size_t size) {
    BEHIND(void *, calloc, (size_t, size_t));
    return NO_MEMORY() ? NULL : call(n, size);
}
void *realloc(void *p, size_t size) {
    BEHIND(void *, realloc, (void *, size_t));
    return NO_MEMORY() ? NULL : call(p, size);
}
void *aligned_alloc(size_t align, size_t size) {
    BEHIND(void *, aligned_alloc, (size_t, size_t));
    return NO_MEMORY() ? NULL : call(align, size);
}
int posix_memalign(void **out, size_t align, size_t size) {
    BEHIND(int, posix_memalign, (void **, size_t, size_t));
    return NO_MEMORY() ? ENOMEM : call(out, align, size);
}
