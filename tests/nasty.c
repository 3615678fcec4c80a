/* nasty.c: commands that misbehave, for the tests of what runs commands. usage: nasty WHAT [N] */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(double seconds) {
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    while (nanosleep(&t, &t) && errno == EINTR) {}
}

static void hang(void) {
    for (;;) nap(1000);
}

static void say(const char *text) { (void)!write(1, text, strlen(text)); }

/* Out of the group, the session and the family, as daemons do; with closed descriptors. */
static void daemonise(void) {
    pid_t between = fork();
    if (between) {
        waitpid(between, NULL, 0); /* one is left behind, not two for a while */
        return;
    }
    setsid();
    if (fork()) _exit(0);
    if (chdir("/")) _exit(1);
    closefrom(0);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    hang();
}

static void tree(long depth) {
    for (int i = 0; i < 2; i++)
        if (!fork()) {
            if (i) setsid();
            if (depth > 1) tree(depth - 1);
            hang();
        }
}

/* Each process starts two and goes on: n processes in the end, some of them out of the group. */
static void bomb(long n) {
    signal(SIGTERM, SIG_IGN);
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid) continue;
        if (i % 3 == 0) setpgid(0, 0);
        if (i % 7 == 0) setsid();
    }
    hang();
}

/* Forks away from whoever is killed, again and again. */
static void run_away(void) {
    signal(SIGTERM, SIG_IGN);
    for (long i = 0;; i++) {
        pid_t pid = fork();
        if (pid > 0) _exit(0);
        if (!pid && i % 5 == 0) setsid();
        nap(0.002);
    }
}

static void flood(long megabytes) {
    static char block[1 << 16];
    memset(block, 'x', sizeof block);
    for (size_t i = 63; i < sizeof block; i += 64) block[i] = '\n';
    for (long i = 0; i < megabytes * 16; i++)
        if (write(1, block, sizeof block) < 0) _exit(9);
    say("the end\n");
}

static void allocate(long megabytes) {
    for (long i = 0; !megabytes || i < megabytes; i++) {
        char *p = malloc(1 << 20);
        if (!p) _exit(12);
        memset(p, 1, 1 << 20);
    }
}

static void burn(void) {
    for (volatile unsigned i = 0;; i++) {}
}

static void on_term(int number) {
    (void)number;
    say("metric=0.25\n");
    nap(0.1);
    say("saved\n");
    _exit(3);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    if (!strcmp(what, "hang")) hang();
    if (!strcmp(what, "deaf")) {
        signal(SIGTERM, SIG_IGN);
        say("deaf\n");
        hang();
    }
    if (!strcmp(what, "after-term")) {
        signal(SIGTERM, on_term);
        say("ready\n");
        hang();
    }
    if (!strcmp(what, "daemon")) daemonise();
    if (!strcmp(what, "daemon-hang")) {
        daemonise();
        hang();
    }
    if (!strcmp(what, "tree")) tree(n), hang();
    if (!strcmp(what, "bomb")) bomb(n);
    if (!strcmp(what, "run-away")) run_away();
    if (!strcmp(what, "flood")) flood(n);
    if (!strcmp(what, "allocate")) allocate(n);
    if (!strcmp(what, "burn")) burn();
    if (!strcmp(what, "burn-tree")) {
        for (int i = 0; i < 3; i++)
            if (!fork()) burn();
        hang();
    }
    if (!strcmp(what, "exit")) return (int)n;
    if (!strcmp(what, "signal")) raise((int)n);
    if (!strcmp(what, "open")) return fcntl((int)n, F_GETFD) < 0 ? 0 : 1; /* is it inherited? */
    if (!strcmp(what, "stopped")) raise(SIGSTOP);
    if (!strcmp(what, "kill-guard")) {
        if (!fork()) {
            setsid();
            hang();
        }
        nap(0.05);
        kill(getppid(), SIGKILL);
        hang();
    }
    if (!strcmp(what, "deaf-tty")) {
        close(1);
        nap(0.05);
        (void)!write(2, "still here\n", 11);
        return 4;
    }
    return 0;
}
