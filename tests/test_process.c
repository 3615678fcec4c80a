/* test_process.c: whatever a command does, it ends in time, is reported rightly, and leaves nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/process/process.h"
#include "automl/process/proctree.h"

static const char guard[] = BINARY_DIR "/automl", nasty[] = BINARY_DIR "/nasty";

typedef struct heard {
    size_t lines, longest;
    char last[2][256];
    aml_process *process; /* to be stopped at a line, or NULL */
} heard;

static void on_line(void *arg, int stream, const char *line, size_t length) {
    heard *h = arg;
    size_t n = length < 255 ? length : 255;
    h->lines++;
    if (length > h->longest) h->longest = length;
    memcpy(h->last[stream - 1], line, n);
    h->last[stream - 1][n] = 0;
    if (h->process) aml_process_stop(h->process, false);
}

/* Runs one command to its end; `stop`: it is stopped at its first line. */
static aml_process_result run_spec(aml_process_spec spec, heard *h, bool stop) {
    static const char *const env[] = {"PATH=/bin:/usr/bin", "MARK=1", NULL};
    static char tails[2][AML_PROCESS_TAIL + 1];
    aml_processes *p;
    aml_process *c;
    const aml_process_result *result;
    void *user;
    *h = (heard){0};
    if (!spec.env) spec.env = env;
    spec.on_line = on_line;
    spec.arg = h;
    assert_int_equal(aml_processes_new(&p, guard), AML_OK);
    assert_int_equal(aml_process_start(&c, p, &spec, &spec), AML_OK);
    if (stop) h->process = c;
    while (!aml_processes_wait(p, 60, &result, &user)) {}
    assert_ptr_equal(user, &spec);
    assert_int_equal(aml_processes_running(p), 0);
    aml_process_result copy = *result;
    for (int i = 0; i < 2; i++) {
        memcpy(tails[i], result->tail[i], result->n_tail[i] + 1);
        copy.tail[i] = tails[i];
    }
    aml_processes_free(p);
    aml_proctree left = {0};
    aml_proctree_scan(&left, getpid());
    assert_int_equal(left.n, 0);
    aml_proctree_free(&left);
    return copy;
}

static aml_process_result run(heard *h, const aml_process_limits *limits, const char *what,
                              const char *n) {
    const char *argv[] = {nasty, what, n, NULL};
    return run_spec((aml_process_spec){.argv = argv, .limits = *limits}, h, false);
}

static aml_process_result shell(heard *h, const char *script) {
    const char *argv[] = {"sh", "-c", script, NULL};
    return run_spec((aml_process_spec){.argv = argv, .limits = {.wall = 60}}, h, false);
}

static const aml_process_limits none = {0}, brief = {.wall = 0.3, .grace = 0.2};

static void plain_ends(void **state) {
    heard h;
    (void)state;
    aml_process_result r = run(&h, &none, "exit", "0");
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    assert_int_equal(r.code, 0);
    assert_true(r.wall > 0 && r.cpu >= 0);
    assert_true(r.peak_memory < (size_t)100 << 20);
    for (int code = 1; code < 256; code += 127) {
        char text[8];
        snprintf(text, sizeof text, "%d", code);
        r = run(&h, &none, "exit", text);
        assert_int_equal(r.end, AML_PROCESS_EXITED);
        assert_int_equal(r.code, code);
        assert_false(r.by_signal);
    }
    r = run(&h, &none, "signal", "11");
    assert_int_equal(r.end, AML_PROCESS_SIGNALLED);
    assert_int_equal(r.code, SIGSEGV);
    r = run(&h, &none, "signal", "9");
    assert_int_equal(r.end, AML_PROCESS_SIGNALLED);
    assert_int_equal(r.code, SIGKILL);
}

static void cannot_run(void **state) {
    heard h;
    (void)state;
    const char *argv[] = {"no-such-program-anywhere", NULL};
    aml_process_spec spec = {.argv = argv};
    aml_process_result r = run_spec(spec, &h, false);
    assert_int_equal(r.end, AML_PROCESS_REFUSED);
    assert_int_equal(r.code, ENOENT);
    assert_string_equal(r.what, "program");
    argv[0] = SOURCE_DIR "/README.md";
    r = run_spec(spec, &h, false);
    assert_int_equal(r.end, AML_PROCESS_REFUSED);
    assert_int_equal(r.code, EACCES);
    argv[0] = "true";
    spec.folder = "/no/such/folder";
    r = run_spec(spec, &h, false);
    assert_int_equal(r.end, AML_PROCESS_REFUSED);
    assert_int_equal(r.code, ENOENT);
    assert_string_equal(r.what, "folder");
}

static void hanging(void **state) {
    heard h;
    (void)state;
    aml_process_result r = run(&h, &brief, "hang", NULL);
    assert_int_equal(r.end, AML_PROCESS_WALL);
    assert_true(r.by_signal && r.code == SIGTERM);
    assert_true(r.wall >= 0.3);
    r = run(&h, &brief, "deaf", NULL);
    assert_int_equal(r.end, AML_PROCESS_WALL);
    assert_true(r.by_signal && r.code == SIGKILL);
    assert_true(r.wall >= 0.5);
    assert_string_equal(h.last[0], "deaf");
    r = run(&h, &brief, "stopped", NULL);
    assert_int_equal(r.end, AML_PROCESS_WALL);
}

static void asked_to_stop(void **state) {
    heard h;
    (void)state;
    const char *argv[] = {nasty, "after-term", NULL};
    aml_process_spec spec = {.argv = argv, .limits = {.wall = 60}};
    aml_process_result r = run_spec(spec, &h, true);
    assert_int_equal(r.end, AML_PROCESS_STOPPED);
    assert_int_equal(r.code, 3);
    assert_string_equal(h.last[0], "saved"); /* what is written after SIGTERM is read */
    assert_int_equal(h.lines, 3);
    /* A shell goes at the signal; what it has started keeps its grace. */
    const char *script[] = {"sh", "-c", NULL, NULL};
    char text[512];
    snprintf(text, sizeof text, "%s after-term; true", nasty);
    script[2] = text;
    spec.argv = script;
    r = run_spec(spec, &h, true);
    assert_int_equal(r.end, AML_PROCESS_STOPPED);
    assert_string_equal(h.last[0], "saved");
}

static void families(void **state) {
    heard h;
    (void)state;
    aml_process_result r = run(&h, &none, "daemon", NULL);
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    assert_int_equal(r.left_behind, 1);
    r = run(&h, &brief, "daemon-hang", NULL);
    assert_int_equal(r.end, AML_PROCESS_WALL);
    r = run(&h, &brief, "tree", "4");
    assert_int_equal(r.end, AML_PROCESS_WALL);
    assert_true(r.processes >= 16);
    r = run(&h, &brief, "bomb", "7");
    assert_int_equal(r.end, AML_PROCESS_WALL);
    r = run(&h, &(aml_process_limits){.processes = 20, .wall = 60}, "bomb", "7");
    assert_int_equal(r.end, AML_PROCESS_TREE);
    r = run(&h, &none, "run-away", NULL);
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    r = shell(&h, "(setsid sleep 999 &) ; (sleep 999 &) ; exit 7");
    assert_int_equal(r.code, 7);
    assert_true(r.left_behind >= 1);
}

static void memory_and_cpu(void **state) {
    heard h;
    (void)state;
    const size_t mb = (size_t)1 << 20;
    aml_process_result r = run(&h, &(aml_process_limits){.memory = 200 * mb}, "allocate", NULL);
    assert_int_equal(r.end, AML_PROCESS_MEMORY);
    assert_true(r.peak_memory >= 200 * mb);
    r = run(&h, &none, "allocate", "150");
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    assert_in_range(r.peak_memory, 150 * mb, 260 * mb);
    r = run(&h, &(aml_process_limits){.cpu = 0.2, .grace = 1}, "burn", NULL);
    assert_int_equal(r.end, AML_PROCESS_CPU);
    assert_true(r.cpu >= 0.2);
    r = run(&h, &(aml_process_limits){.cpu = 0.3, .grace = 1}, "burn-tree", NULL);
    assert_int_equal(r.end, AML_PROCESS_CPU);
    assert_true(r.cpu >= 0.3);
}

static void address_space(void **state) {
    heard h;
    (void)state;
    aml_process_result r =
        run(&h, &(aml_process_limits){.address_space = (size_t)64 << 20}, "allocate", NULL);
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    assert_int_equal(r.code, 12); /* malloc says no */
}

static size_t file_size(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void printing(void **state) {
    heard h;
    (void)state;
    char path[] = BINARY_DIR "/test_process.log", text[128];
    const char *argv[] = {nasty, "flood", "64", NULL};
    aml_process_spec spec = {.argv = argv, .log = {path, NULL}, .log_bytes = 100000};
    aml_process_result r = run_spec(spec, &h, false);
    assert_int_equal(r.end, AML_PROCESS_EXITED);
    assert_int_equal(r.output[0], (64u << 20) + 8);
    assert_string_equal(h.last[0], "the end");
    assert_string_equal(r.tail[0] + r.n_tail[0] - 8, "the end\n");
    assert_in_range(file_size(path), 100000, 100100);
    spec.limits.output = 1 << 20;
    r = run_spec(spec, &h, false);
    assert_int_equal(r.end, AML_PROCESS_OUTPUT);
    unlink(path);
    r = shell(&h, "printf 'a\\n\\nb\\rc\\r\\nd'; printf '\\377\\000\\376\\n' >&2");
    assert_int_equal(h.lines, 5);
    assert_string_equal(h.last[0], "d"); /* no newline */
    assert_int_equal(h.longest, 3);
    assert_memory_equal(r.tail[1], "\377\0\376\n", 4);
    snprintf(text, sizeof text, "head -c 200000 /dev/zero; echo; echo end");
    shell(&h, text);
    assert_int_equal(h.longest, AML_PROCESS_LINE);
    assert_int_equal(h.lines, 2);
    r = run(&h, &none, "deaf-tty", NULL);
    assert_int_equal(r.code, 4);
    assert_string_equal(h.last[1], "still here");
}

/* A log holds all of a short output, in order, and both ends of a long one. */
static void logs(void **state) {
    heard h;
    (void)state;
    char path[] = BINARY_DIR "/test_process.log", text[4096];
    const char *argv[] = {"sh", "-c", "seq 1 200", NULL};
    aml_process_spec spec = {.argv = argv, .log = {path, NULL}, .log_bytes = 400};
    for (size_t bytes = 100; bytes <= 1600; bytes *= 2) {
        spec.log_bytes = bytes;
        run_spec(spec, &h, false);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        size_t n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        text[n] = 0;
        assert_memory_equal(text, "1\n2\n3\n", 6);
        assert_string_equal(text + n - 8, "199\n200\n");
        size_t newlines = 0;
        for (size_t i = 0; i < n; i++) newlines += text[i] == '\n';
        if (!strstr(text, "left out")) assert_int_equal(newlines, 200);
    }
    unlink(path);
}

static void surroundings(void **state) {
    heard h;
    (void)state;
    int fd = open("/dev/null", O_RDONLY); /* not close-on-exec */
    char number[16];
    for (int i = 3; i <= fd; i++) {
        snprintf(number, sizeof number, "%d", i);
        aml_process_result r = run(&h, &none, "open", number);
        assert_int_equal(r.code, 0);
    }
    close(fd);
    aml_process_result r = shell(&h, "env | sort | grep -v -e ^_= -e ^PWD= -e ^SHLVL= -e ^OLDPWD= "
                                     "| tr '\\n' ' '; cat; ulimit -c");
    assert_string_equal(r.tail[0], "MARK=1 PATH=/bin:/usr/bin 0\n");
    const char *argv[] = {"pwd", NULL};
    run_spec((aml_process_spec){.argv = argv, .folder = "/usr"}, &h, false);
    assert_string_equal(h.last[0], "/usr");
}

static void killed_guard(void **state) {
    heard h;
    (void)state;
    aml_process_result r = run(&h, &none, "kill-guard", NULL);
    assert_int_equal(r.end, AML_PROCESS_LOST);
}

/* The process that guards are forked from is killed: what runs goes on, and the next command finds a new one. */
static void killed_server(void **state) {
    const char *hang[] = {nasty, "hang", NULL}, *plain[] = {nasty, "exit", "5", NULL},
               *env[] = {NULL};
    aml_process_spec spec = {.argv = hang, .env = env, .limits = {.wall = 1.5}};
    aml_processes *p;
    aml_process *c;
    const aml_process_result *result;
    void *user;
    aml_proctree ours = {0};
    (void)state;
    assert_int_equal(aml_processes_new(&p, guard), AML_OK);
    assert_int_equal(aml_process_start(&c, p, &spec, "hang"), AML_OK);
    while (!aml_process_pid(c)) assert_false(aml_processes_wait(p, 0.01, &result, &user));
    aml_proctree_scan(&ours, getpid());
    kill(ours.procs[0].pid, SIGKILL); /* the only child */
    spec.argv = plain;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aml_process_start(&c, p, &spec, "plain"), AML_OK);
        while (!aml_processes_wait(p, 60, &result, &user)) {}
        assert_string_equal(user, "plain");
        if (result->end != AML_PROCESS_LOST) assert_int_equal(result->code, 5);
    }
    assert_int_equal(result->code, 5);
    while (!aml_processes_wait(p, 60, &result, &user)) {}
    assert_int_equal(result->end, AML_PROCESS_WALL);
    aml_processes_free(p);
    aml_proctree_scan(&ours, getpid());
    assert_int_equal(ours.n, 0);
    aml_proctree_free(&ours);
}

/* Many side by side, of all kinds; freed in the middle. */
static void side_by_side(void **state) {
    static const char *const kinds[][2] = {
        {"exit", "1"},       {"hang", NULL}, {"deaf", NULL}, {"daemon", NULL},
        {"daemon-hang", ""}, {"bomb", "5"},  {"flood", "4"}, {"signal", "11"},
        {"burn", NULL},      {"tree", "3"},  {"exit", "0"},  {"run-away", NULL},
        {"kill-guard", NULL}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    const char *repeats = getenv("NASTY_TRIALS");
    size_t n = repeats ? strtoul(repeats, NULL, 10) : 60, started = 0, ended = 0;
    aml_processes *p;
    const aml_process_result *result;
    void *user;
    (void)state;
    assert_int_equal(aml_processes_new(&p, guard), AML_OK);
    while (ended < n) {
        while (started < n && aml_processes_running(p) < 8) {
            const char *const *kind = kinds[started % KINDS];
            const char *argv[] = {nasty, kind[0], kind[1], NULL}, *env[] = {NULL};
            aml_process_spec spec = {.argv = argv,
                                     .env = env,
                                     .limits = {.wall = 0.2, .grace = 0.1, .memory = 1u << 30}};
            aml_process *c;
            assert_int_equal(aml_process_start(&c, p, &spec, NULL), AML_OK);
            started++;
        }
        ended += aml_processes_wait(p, 1, &result, &user);
        if (ended + 4 == n) break;
    }
    aml_processes_free(p);
    aml_proctree left = {0};
    aml_proctree_scan(&left, getpid());
    assert_int_equal(left.n, 0);
    aml_proctree_free(&left);
}

static size_t count_marked(const char *mark) {
    char command[256], line[64] = "";
    snprintf(command, sizeof command,
             "grep -l -z -x MARK=%s /proc/[0-9]*/environ 2>/dev/null | wc -l", mark);
    FILE *f = popen(command, "r"); /* allowed: a fixed command of the test */
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    pclose(f);
    return strtoul(line, NULL, 10);
}

/* The caller is killed: its guards see it and leave nothing, not even daemons. */
static void killed_caller(void **state) {
    char mark[32], setting[64];
    (void)state;
    snprintf(mark, sizeof mark, "killed%d", (int)getpid());
    snprintf(setting, sizeof setting, "MARK=%s", mark);
    pid_t caller = fork();
    if (!caller) {
        aml_processes *p;
        aml_process *c;
        const aml_process_result *result;
        void *user;
        const char *env[] = {setting, NULL}, *kinds[] = {"daemon-hang", "tree", "deaf"};
        if (aml_processes_new(&p, guard)) _exit(1);
        for (int i = 0; i < 3; i++) {
            const char *argv[] = {nasty, kinds[i], "2", NULL};
            aml_process_spec spec = {.argv = argv, .env = env};
            if (aml_process_start(&c, p, &spec, NULL)) _exit(1);
        }
        aml_processes_wait(p, 1000, &result, &user);
        _exit(1);
    }
    struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < 500 && count_marked(mark) < 8; i++) nanosleep(&pause, NULL);
    assert_true(count_marked(mark) >= 8);
    kill(caller, SIGKILL);
    waitpid(caller, NULL, 0);
    for (int i = 0; i < 500 && count_marked(mark); i++) nanosleep(&pause, NULL);
    assert_int_equal(count_marked(mark), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ends),    cmocka_unit_test(cannot_run),
        cmocka_unit_test(hanging),       cmocka_unit_test(asked_to_stop),
        cmocka_unit_test(families),      cmocka_unit_test(memory_and_cpu),
        cmocka_unit_test(address_space), cmocka_unit_test(printing),
        cmocka_unit_test(logs),          cmocka_unit_test(surroundings),
        cmocka_unit_test(killed_guard),  cmocka_unit_test(killed_server),
        cmocka_unit_test(side_by_side),  cmocka_unit_test(killed_caller)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
