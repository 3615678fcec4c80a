/* outcome.c: what calls give: a failure has a name and words of its own. */
#include <stdarg.h>

#include "stress.h"

static size_t calls;
static const char *doing = "";

size_t calls_made(void) { return calls; }
void count_call(void) { calls++; }

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "call %zu, %s: ", calls, doing);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void named(aml_status s) {
    char block[2048];
    const aml_error *e = aml_last_error();
    calls++;
    if (!s) return;
    if (!strcmp(aml_status_name(s), "E-UNKNOWN")) die("status %d", (int)s);
    if (s == AML_EINTERNAL) die("an internal error: %s", e->message);
    if (e->status != s)
        die("status %d, but the error has %d: %s", (int)s, (int)e->status, e->message);
    if (!e->message[0]) die("no message for status %d", (int)s);
    if (strstr(e->message, "aml_status_of_nothing")) die("status %d has no error", (int)s);
    aml_format_error(block, one_in(3) ? below(sizeof block) : sizeof block, e);
}
void mark(const char *what) {
    doing = what;
    (void)aml_frame_rows_count(NULL);
    aml_error *e = (aml_error *)(uintptr_t)aml_last_error();
    e->status = AML_OK;
    memcpy(e->message, "aml_status_of_nothing", 22);
}
