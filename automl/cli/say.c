/* say.c: messages on stderr, and what the terminal is like. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

double cli_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool cli_colour(int fd) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no && *no) return false;
    return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

size_t cli_width(int fd, size_t fallback) {
    struct winsize w;
    if (!isatty(fd)) return fallback;
    return !ioctl(fd, TIOCGWINSZ, &w) && w.ws_col ? w.ws_col : 80;
}

/* The engine has escaped what it quotes; the word "error" is all that is coloured. */
static int print_error(const aml_error *e) {
    char text[2048];
    aml_format_error(text, sizeof text, e);
    bool colour = cli_colour(STDERR_FILENO) && !strncmp(text, "error", 5);
    if (colour) fprintf(stderr, "\033[1;31merror\033[0m%s", text + 5);
    else fputs(text, stderr);
    return e->status;
}

int cli_fail(int status, const char *help, const char *format, ...) {
    aml_error e = {.status = (aml_status)status};
    char text[sizeof e.message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_clean(e.message, sizeof e.message, text);
    if (help) cli_clean(e.help, sizeof e.help, help);
    return print_error(&e);
}

int cli_report(int status) {
    const aml_error *e = aml_last_error();
    if (!status) return 0;
    if (e->status == (aml_status)status && e->message[0]) return print_error(e);
    if (status == AML_ENOMEM)
        return cli_fail(status, "free some, or raise --memory-limit", "out of memory");
    return cli_fail(status, NULL, "the engine failed without a message");
}

int cli_report_config(const char *path) {
    aml_error e = *aml_last_error();
    e.status = AML_ECONFIG;
    if (!e.file[0]) snprintf(e.file, sizeof e.file, "%s", path);
    return print_error(&e);
}

void cli_note(const char *format, ...) {
    char text[1024], clean[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "note: %s\n", cli_clean(clean, sizeof clean, text));
}

void cli_notes(const aml_frame *frame) {
    const char *note;
    for (size_t i = 0; (note = aml_frame_note(frame, i)); i++) cli_note("%s", note);
}
