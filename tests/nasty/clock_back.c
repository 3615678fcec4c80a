/* clock_back.c: preloaded into a program, sets its wall clock back by a day once it has been asked for the time CLOCK_BACK times. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static time_t back(void) {
    static atomic_long calls;
    const char *after = getenv("CLOCK_BACK");
    return after && atomic_fetch_add(&calls, 1) >= strtol(after, NULL, 10) ? 24 * 3600 : 0;
}

static void *real(void *call, const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(call, &found, sizeof found);
    return found;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    int (*call)(clockid_t, struct timespec *);
    real(&call, "clock_gettime");
    int status = call(clock, t);
    if (!status && clock == CLOCK_REALTIME) t->tv_sec -= back();
    return status;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    int (*call)(struct timeval *, void *);
    real(&call, "gettimeofday");
    int status = call(t, zone);
    if (!status) t->tv_sec -= back();
    return status;
}

time_t time(time_t *out) {
    time_t (*call)(time_t *);
    real(&call, "time");
    time_t now = call(NULL) - back();
    if (out) *out = now;
    return now;
}
