/* proctree.c: walks /proc from a process downwards. */
#include "automl/process/proctree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/core/arena.h"

/* ---- one process */

/* The beginning of a small file as text; "" when it cannot be read. */
static size_t read_text(char *out, size_t size, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);
    if (fd >= 0) close(fd);
    if (n < 0) n = 0;
    out[n] = 0;
    return (size_t)n;
}

/* The fields of /proc/PID/stat behind the name, which may hold blanks and parentheses (proc(5)). */
enum { STATE = 0, PARENT, GROUP, SESSION, UTIME = 11, STIME, CUTIME, CSTIME, START = 19, RSS = 21 };

bool aml_proc_read(aml_proc *out, pid_t pid) {
    char path[64], text[1024];
    unsigned long long field[RSS + 1] = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_text(text, sizeof text, path)) return false;
    char *s = strrchr(text, ')');
    if (!s || s[1] != ' ' || !s[2]) return false;
    *out = (aml_proc){.pid = pid, .state = s[2]};
    s += 3;
    for (int i = PARENT; i <= RSS; i++) field[i] = strtoull(s, &s, 10);
    double tick = 1 / (double)sysconf(_SC_CLK_TCK);
    out->parent = (pid_t)field[PARENT];
    out->group = (pid_t)field[GROUP];
    out->session = (pid_t)field[SESSION];
    out->cpu = tick * (double)(field[UTIME] + field[STIME] + field[CUTIME] + field[CSTIME]);
    out->start = field[START];
    out->resident = (size_t)field[RSS] * (size_t)sysconf(_SC_PAGESIZE);
    return true;
}

static size_t proportional(pid_t pid, size_t fallback) {
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    read_text(text, sizeof text, path);
    const char *s = strstr(text, "\nPss:");
    return s ? (size_t)strtoull(s + 5, NULL, 10) * 1024 : fallback;
}

/* ---- the tree */

static void add(aml_proctree *t, pid_t pid) {
    aml_proc found;
    if (!aml_proc_read(&found, pid)) return;
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 32;
        aml_proc *procs = aml_realloc(t->procs, room * sizeof *procs);
        if (!procs) return;
        t->procs = procs;
        t->room = room;
    }
    t->procs[t->n++] = found;
}

static void add_listed(aml_proctree *t, int fd) {
    char text[4096 + 1];
    pid_t pid = 0;
    for (ssize_t n; (n = read(fd, text, sizeof text - 1)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid) {
                add(t, pid);
                pid = 0;
            }
        }
    if (pid) add(t, pid);
}

/* The children of all threads of a process. False: this kernel does not list them. */
static bool add_children(aml_proctree *t, pid_t pid) {
    char path[64];
    bool known = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks) return true; /* it has gone */
    for (struct dirent *e; (e = readdir(tasks));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.10s/children", (int)pid, e->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        known = true;
        add_listed(t, fd);
        close(fd);
    }
    closedir(tasks);
    return known;
}

static bool contains(const aml_proctree *t, pid_t pid) {
    for (size_t i = 0; i < t->n; i++)
        if (t->procs[i].pid == pid) return true;
    return false;
}

/* Without lists of children (CONFIG_PROC_CHILDREN): all processes, again and again until no further one belongs. */
static void scan_all(aml_proctree *t, pid_t root) {
    for (size_t before = (size_t)-1; before != t->n;) {
        before = t->n;
        DIR *all = opendir("/proc");
        if (!all) return;
        for (struct dirent *e; (e = readdir(all));) {
            aml_proc p;
            pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
            if (pid > 0 && !contains(t, pid) && aml_proc_read(&p, pid) &&
                (p.parent == root || contains(t, p.parent)))
                add(t, pid);
        }
        closedir(all);
    }
}

void aml_proctree_scan(aml_proctree *t, pid_t root) {
    t->n = 0;
    if (!add_children(t, root)) {
        scan_all(t, root);
        return;
    }
    for (size_t i = 0; i < t->n; i++)
        if (t->procs[i].state != 'Z') add_children(t, t->procs[i].pid);
}

void aml_proctree_free(aml_proctree *t) {
    aml_free(t->procs);
    *t = (aml_proctree){0};
}

/* ---- sums */

size_t aml_proctree_alive(const aml_proctree *t) {
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) n += t->procs[i].state != 'Z';
    return n;
}

double aml_proctree_cpu(const aml_proctree *t) {
    double sum = 0;
    for (size_t i = 0; i < t->n; i++) sum += t->procs[i].cpu;
    return sum;
}

size_t aml_proctree_resident(const aml_proctree *t) {
    size_t sum = 0;
    for (size_t i = 0; i < t->n; i++) sum += t->procs[i].resident;
    return sum;
}

size_t aml_proctree_proportional(const aml_proctree *t) {
    size_t sum = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->procs[i].resident) sum += proportional(t->procs[i].pid, t->procs[i].resident);
    return sum;
}

void aml_proctree_kill(const aml_proctree *t, int signal_number) {
    pid_t own = getpgrp();
    for (size_t i = 0; i < t->n; i++) {
        pid_t group = t->procs[i].group;
        bool done = group <= 1 || group == own;
        for (size_t j = 0; j < i && !done; j++) done = t->procs[j].group == group;
        if (!done) kill(-group, signal_number);
    }
}
