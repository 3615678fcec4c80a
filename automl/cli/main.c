/* main.c: picks the verb, and sees to it that the result reaches standard output. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/cli/cli.h"

static const cli_verb *const verbs[] = {
    &cli_train,       &cli_run,     &cli_init,      &cli_predict, &cli_evaluate,  &cli_explain,
    &cli_leaderboard, &cli_inspect, &cli_transform, &cli_export,  &cli_check,     &cli_tune,
    &cli_ask,         &cli_tell,    &cli_runs,      &cli_catalog, &cli_completion};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

const cli_verb *cli_verb_at(size_t i) { return i < N_VERBS ? verbs[i] : NULL; }

const cli_verb *cli_verb_find(const char *name) {
    for (size_t i = 0; i < N_VERBS; i++)
        if (!strcmp(verbs[i]->name, name)) return verbs[i];
    return NULL;
}

/* A descriptor that the caller closed must not become a file of ours. Standard input and output are
 * opened the wrong way round, so that their use still fails. */
static void fill_descriptors(void) {
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) < 0)
            _exit(AML_ENOMEM);
}

static int unknown_verb(const char *word) {
    const char *known[N_VERBS + 2] = {NULL};
    char help[128] = "`automl help` lists the verbs";
    if (word[0] == '-')
        return cli_fail(AML_EUSAGE, "options follow the verb: automl VERB [OPTION…]",
                        "unknown option `%.80s`", word);
    for (size_t i = 0; i < N_VERBS; i++) known[i] = verbs[i]->name;
    known[N_VERBS] = "help";
    const char *near = aml_suggest(word, known);
    if (near) snprintf(help, sizeof help, "did you mean `%s`? `automl help` lists the verbs", near);
    return cli_fail(AML_EUSAGE, help, "unknown verb `%.80s`", word);
}

static int show_help(FILE *out, const char *name) {
    const cli_verb *verb = name ? cli_verb_find(name) : NULL;
    if (name && !verb && strcmp(name, "help") != 0) return unknown_verb(name);
    cli_help(out, verb);
    return 0;
}

static int run_verb(FILE *out, const cli_verb *verb, size_t n, char **argv, const char *program,
                    double start) {
    cli_args args;
    int status = cli_args_parse(&args, verb, n, argv);
    if (!status && args.help) {
        cli_help(out, verb);
    } else if (!status) {
        cli_call call = {.program = program, .start = start, .args = &args, .out = out};
        call.width = cli_width(STDOUT_FILENO, 100);
        call.colour = cli_colour(STDOUT_FILENO);
        status = verb->run(&call);
    }
    cli_args_free(&args);
    return status;
}

/* `--plugin FILE` before the verb, as often as need be: loads them, and takes them out of the words. */
static int load_plugins(size_t *argc, char **argv) {
    static const char option[] = "--plugin";
    size_t length = strlen(option);
    while (*argc > 1 && !strncmp(argv[1], option, length)) {
        const char *path = argv[1][length] == '=' ? argv[1] + length + 1 : NULL;
        size_t used = path ? 1 : 2;
        if (!path && argv[1][length]) return 0; /* another option */
        if (!path && *argc > 2) path = argv[2];
        if (!path || !*path)
            return cli_fail(AML_EUSAGE, "automl --plugin FILE.so VERB …", "--plugin needs a file");
        int status = cli_report(aml_plugin_load(path));
        if (status) return status;
        memmove(argv + 1, argv + 1 + used, (*argc - used) * sizeof *argv); /* with the last NULL */
        *argc -= used;
    }
    return 0;
}

static int run(FILE *out, size_t argc, char **argv, double start) {
    int status = load_plugins(&argc, argv);
    if (status) return status;
    if (argc < 2) {
        cli_help(stderr, NULL);
        return AML_EUSAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        fprintf(out, "automl %s\n", aml_version());
        return 0;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return show_help(out, NULL);
    if (!strcmp(word, "help")) {
        if (argc > 3)
            return cli_fail(AML_EUSAGE, "automl help [VERB]", "unexpected argument `%.80s`",
                            argv[3]);
        return show_help(out, argc > 2 ? argv[2] : NULL);
    }
    const cli_verb *verb = cli_verb_find(word);
    return verb ? run_verb(out, verb, argc - 2, argv + 2, argv[0], start) : unknown_verb(word);
}

static int fail_result(int code) {
    return cli_fail(AML_EIO, "send it where there is room: automl VERB … >FILE",
                    "cannot write standard output (stdout): %s", strerror(code));
}

static int write_result(const char *text, size_t size) {
    while (size) {
        ssize_t n = write(STDOUT_FILENO, text, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_result(errno);
        text += n;
        size -= (size_t)n;
    }
    return close(STDOUT_FILENO) && errno != EINTR ? fail_result(errno) : 0;
}

/* Threads that wait must sleep, or they take the cores from those that work; and OpenBLAS, of which one thread is used, is to have no
 * others: each takes 128 MiB of address space, and tries for ever when it cannot have them. Both are read once, before
 * main, so the program starts itself anew (1 ms). Who has set one keeps it. */
static void choose_threads(char **argv) {
    static const char *const settings[][2] = {{"OMP_WAIT_POLICY", "passive"},
                                              {"OPENBLAS_NUM_THREADS", "1"}};
    bool changed = false;
    for (size_t i = 0; i < 2; i++) {
        if (getenv(settings[i][0])) continue;
        if (setenv(settings[i][0], settings[i][1], 1)) return;
        changed = true;
    }
    if (changed) execv("/proc/self/exe", argv); /* comes back only when it cannot */
}

int main(int argc, char **argv) {
    double start = cli_now();
    int guarded = aml_guard_main(argc, argv); /* of a trial, for `automl tune` */
    if (guarded >= 0) return guarded;
    /* The commands that `tune` runs are to have the environment that the user has. */
    if (argc > 2 && strcmp(argv[1], "tune") != 0) choose_threads(argv);
    char *text = NULL;
    size_t size = 0;
    fill_descriptors();
    signal(SIGPIPE, SIG_DFL); /* `automl … | head` ends quietly, whatever the caller's setting */
    FILE *out = open_memstream(&text, &size);
    if (!out) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    int status = run(out, (size_t)argc, argv, start);
    /* as long as it is open: fclose would trim it, and have nothing where that fails */
    bool whole = !fflush(out) && !ferror(out);
    if (!whole && !status) status = cli_fail(AML_ENOMEM, NULL, "out of memory");
    int written = whole && size ? write_result(text, size) : 0;
    fclose(out);
    free(text);
    return status ? status : written;
}
