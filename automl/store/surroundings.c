/* surroundings.c: the process, the machine and the working directory that a run has. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/ctx.h"
#include "automl/core/io.h"
#include "automl/core/text.h"
#include "automl/store/sql.h"

extern char **environ;

double aml_wall_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

char *aml_time_text(char out[AML_TIME_TEXT], double seconds) {
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, AML_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm)) *out = 0;
    return out;
}

/* The first line of a small file, "" when it cannot be read. */
static char *first_line(char *out, size_t size, const char *path) {
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) n = read(fd, out, size - 1);
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return out;
}

/* ---- process */

/* When a process began, in ticks since the machine did; 0 = there is none of that number, or only its remains. */
static int64_t start_of(int64_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    const char *s = strrchr(first_line(text, sizeof text, path), ')');
    if (!s || !s[1] || strchr("ZX", s[2])) return 0;
    for (int field = 2; s && field < 22; field++) s = strchr(s + 1, ' ');
    return s ? strtoll(s, NULL, 10) : 0;
}

void aml_process_self(aml_process *p) {
    *p = (aml_process){.pid = getpid(),
                       .cores = (int)sysconf(_SC_NPROCESSORS_ONLN),
                       .memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE)};
    p->start = start_of(p->pid);
    if (gethostname(p->host, sizeof p->host - 1)) p->host[0] = 0;
    first_line(p->boot, sizeof p->boot, "/proc/sys/kernel/random/boot_id");
    ssize_t n = readlink("/proc/self/ns/pid", p->space, sizeof p->space - 1);
    p->space[n > 0 ? n : 0] = 0;
}

/* Of processes that cannot be seen from here only their silence tells something. */
bool aml_process_is_gone(const aml_process *of, const aml_process *self, double silent) {
    static const double LONG = 3600;
    bool same_start = of->boot[0] && !strcmp(of->boot, self->boot);
    if (!same_start && of->boot[0] && !strcmp(of->host, self->host)) return true;
    if (!same_start || strcmp(of->space, self->space) != 0) return silent > LONG;
    return start_of(of->pid) != of->start || !of->start;
}

/* ---- git */

typedef struct place {
    char text[4096];
} place;

static bool is_commit(const char *s) {
    size_t n = strspn(s, "0123456789abcdef");
    return !s[n] && (n == 40 || n == 64);
}

/* Too long a path becomes one that is not there. */
static const char *join(place *out, const char *folder, const char *name) {
    size_t a = *name == '/' ? 0 : strlen(folder), b = strlen(name);
    bool fits = a + b + 2 < sizeof out->text;
    if (fits) {
        memcpy(out->text, folder, a);
        if (a) out->text[a++] = '/';
        memcpy(out->text + a, name, b);
    }
    out->text[fits ? a + b : 0] = 0;
    return out->text;
}

/* The folder with HEAD: .git of the working directory or above, or what a file of that name points to. */
static bool find_git(place *out) {
    place folder, at, line;
    if (!getcwd(folder.text, sizeof folder.text)) return false;
    for (;;) {
        join(&at, folder.text, ".git/HEAD");
        if (!access(at.text, R_OK)) {
            join(out, folder.text, ".git");
            return true;
        }
        first_line(line.text, sizeof line.text, join(&at, folder.text, ".git"));
        if (!strncmp(line.text, "gitdir: ", 8)) {
            join(out, folder.text, line.text + 8);
            return true;
        }
        char *slash = strrchr(folder.text, '/');
        if (!slash || !folder.text[1]) return false;
        slash[slash == folder.text] = 0;
    }
}

/* "<commit> <name>" among the refs that lie in one file. */
static void find_packed(char *out, size_t size, const char *folder, const char *name) {
    place path;
    char *text, *line, *rest;
    size_t length;
    if (aml_read_file(&text, &length, join(&path, folder, "packed-refs"), 64 << 20, NULL)) {
        aml_clear_error();
        return;
    }
    for (line = text; line; line = rest) {
        if ((rest = strchr(line, '\n'))) *rest++ = 0;
        char *blank = strchr(line, ' ');
        if (!blank || strcmp(blank + 1, name) != 0) continue;
        *blank = 0;
        snprintf(out, size, "%s", line);
    }
    aml_free(text);
}

static void find_commit(aml_git *g, const char *folder) {
    place path, common, line;
    char *head = first_line(line.text, sizeof line.text, join(&path, folder, "HEAD"));
    if (strncmp(head, "ref: ", 5) != 0) {
        snprintf(g->commit, sizeof g->commit, "%.70s", head);
    } else {
        const char *name = head + 5;
        snprintf(g->branch, sizeof g->branch, "%.255s",
                 strncmp(name, "refs/heads/", 11) ? name : name + 11);
        first_line(g->commit, sizeof g->commit, join(&path, folder, name));
        first_line(path.text, sizeof path.text, join(&common, folder, "commondir"));
        join(&common, folder, path.text[0] ? path.text : ".");
        if (!is_commit(g->commit))
            first_line(g->commit, sizeof g->commit, join(&path, common.text, name));
        if (!is_commit(g->commit)) find_packed(g->commit, sizeof g->commit, common.text, name);
    }
    if (!is_commit(g->commit)) g->commit[0] = 0;
}

static bool start_git(pid_t *pid, int to) {
    static const char *const argv[] = {"git", "status", "--porcelain", "--untracked-files=no",
                                       NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return false;
    bool good = !posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) &&
                !posix_spawn_file_actions_adddup2(&actions, to, 1) &&
                !posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) &&
                !posix_spawnp(pid, "git", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return good;
}

/* 1 when the program printed anything, 0 when it ended well without, -1 else or when it took too long. */
static int await_git(pid_t pid, int from) {
    enum { PATIENCE_MS = 3000 };
    struct pollfd ready = {.fd = from, .events = POLLIN};
    char byte;
    int status = 0, come = poll(&ready, 1, PATIENCE_MS);
    ssize_t n = come == 1 ? read(from, &byte, 1) : -1;
    if (n) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (kill(pid, 0)) break;
    if (n > 0) return 1;
    return !n && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static int ask_git(void) {
    int fd[2], answer = -1;
    pid_t pid;
    if (pipe2(fd, O_CLOEXEC)) return -1;
    bool started = start_git(&pid, fd[1]);
    close(fd[1]);
    if (started) answer = await_git(pid, fd[0]);
    close(fd[0]);
    return answer;
}

void aml_git_read(aml_git *g) {
    place folder;
    *g = (aml_git){.dirty = -1};
    if (!find_git(&folder)) return;
    find_commit(g, folder.text);
    g->dirty = ask_git();
}

/* ---- names of runs */

void aml_run_id_make(char out[AML_RUN_ID], double now) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* none that look alike */
    enum { TIME = 7, CHANCE = 3 };
    static const double EPOCH = 1704067200; /* 2024-01-01 */
    uint64_t time = (uint64_t)((now > EPOCH ? now - EPOCH : 0) * 8);
    uint32_t chance;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        chance = (uint32_t)aml_hash(&now, sizeof now, (uint64_t)getpid());
    for (int i = TIME - 1; i >= 0; i--, time >>= 5) out[i] = digits[time & 31];
    for (int i = TIME; i < TIME + CHANCE; i++, chance >>= 5) out[i] = digits[chance & 31];
    out[TIME + CHANCE] = 0;
}
