/* status.c: the thread's last failure. */
#include "automl/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local aml_error last;

aml_status aml_fail(aml_status status, const char *format, ...) {
    va_list args;
    aml_error e = {.status = status};
    va_start(args, format);
    vsnprintf(e.message, sizeof e.message, format, args);
    va_end(args);
    last = e;
    return status;
}

aml_status aml_fail_at(aml_status status, const char *file, size_t line, size_t column,
                       const char *format, ...) {
    va_list args;
    aml_error e = {.status = status, .line = line, .column = column};
    va_start(args, format);
    vsnprintf(e.message, sizeof e.message, format, args);
    va_end(args);
    if (file) aml_printable(e.file, sizeof e.file, file, strlen(file), 60);
    last = e;
    return status;
}

aml_status aml_help(aml_status status, const char *why, const char *format, ...) {
    va_list args;
    if (why) snprintf(last.why, sizeof last.why, "%s", why);
    va_start(args, format);
    vsnprintf(last.help, sizeof last.help, format, args);
    va_end(args);
    return status;
}

const aml_error *aml_last_error(void) { return &last; }

void aml_clear_error(void) { memset(&last, 0, sizeof last); }

void aml_set_error(const aml_error *error) { last = *error; }

const char *aml_status_name(aml_status status) {
    switch (status) {
    case AML_OK: return "OK";
    case AML_EUSAGE: return "E-USAGE";
    case AML_EDATA: return "E-DATA";
    case AML_ENOINPUT: return "E-NOINPUT";
    case AML_EINTERNAL: return "E-INTERNAL";
    case AML_ENOMEM: return "E-MEMORY";
    case AML_ECANTCREATE: return "E-CANTCREATE";
    case AML_EIO: return "E-IO";
    case AML_EAGAIN: return "E-AGAIN";
    case AML_ECONFIG: return "E-CONFIG";
    case AML_ESTOPPED: return "E-STOPPED";
    }
    return "E-UNKNOWN";
}

void aml_format_error(char *out, size_t size, const aml_error *e) {
    size_t n =
        (size_t)snprintf(out, size, "error[%s]: %s\n", aml_status_name(e->status), e->message);
    if (n >= size) return;
    if (e->file[0] && e->line && e->column)
        n += (size_t)snprintf(out + n, size - n, "  --> %s:%zu:%zu\n", e->file, e->line, e->column);
    else if (e->file[0] && e->line)
        n += (size_t)snprintf(out + n, size - n, "  --> %s:%zu\n", e->file, e->line);
    else if (e->file[0]) n += (size_t)snprintf(out + n, size - n, "  --> %s\n", e->file);
    if (n >= size) return;
    if (e->why[0]) n += (size_t)snprintf(out + n, size - n, "   = why: %s\n", e->why);
    if (n >= size) return;
    if (e->help[0]) snprintf(out + n, size - n, "   = help: %s\n", e->help);
}

/* U+202A–202E, U+2066–2069, U+200E/F: characters that reorder what a terminal shows. */
static bool reorders(const unsigned char *s, size_t left) {
    if (left < 3 || s[0] != 0xE2) return false;
    if (s[1] == 0x80) return (s[2] >= 0xAA && s[2] <= 0xAE) || s[2] == 0x8E || s[2] == 0x8F;
    return s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9;
}

char *aml_printable(char *out, size_t size, const char *text, size_t length, size_t max) {
    const unsigned char *s = (const unsigned char *)text;
    size_t n = 0, i = 0;
    for (; i < length && i < max && n + 8 < size; i++) {
        if (s[i] < 0x20 || s[i] == 0x7F) {
            n += (size_t)snprintf(out + n, size - n, "\\x%02X", (unsigned)s[i]);
        } else if (reorders(s + i, length - i)) {
            n += (size_t)snprintf(out + n, size - n, "\\u%04X",
                                  0x2000u | (unsigned)(s[i + 1] & 0x3F) << 6 | (s[i + 2] & 0x3F));
            i += 2;
        } else {
            out[n++] = (char)s[i];
        }
    }
    while (i < length && n > 0 &&
           ((unsigned char)text[i] & 0xC0) == 0x80) { /* cut at a whole character */
        n--;
        i--;
    }
    if (i < length && n + 4 < size) {
        memcpy(out + n, "\xE2\x80\xA6", 3);
        n += 3;
    }
    out[n] = 0;
    return out;
}
