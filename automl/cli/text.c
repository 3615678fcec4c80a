/* text.c: widths, escapes and numbers for people. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "automl/cli/table.h"

/* The character at s and its length in bytes; a byte that begins none counts as U+FFFD. */
static uint32_t decode(const char *s, size_t *length) {
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xC2 && u[0] < 0xE0 ? 2 : (u[0] & 0xF0) == 0xE0 ? 3 : 4;
    uint32_t c = n == 1 ? u[0] : u[0] & (0xFFu >> (n + 1));
    bool valid = u[0] < 0x80 || (u[0] >= 0xC2 && u[0] < 0xF5);
    for (size_t i = 1; valid && i < n; i++) {
        valid = (u[i] & 0xC0) == 0x80;
        c = c << 6 | (u[i] & 0x3F);
    }
    *length = valid ? n : 1;
    return valid ? c : 0xFFFD;
}

typedef struct range {
    uint32_t first, last;
} range;

static bool within(const range *ranges, size_t n, uint32_t c) {
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return true;
    return false;
}

/* Unicode: general categories Mn and Cf of common scripts, East Asian Width W and F; in coarse
 * ranges. */
static size_t width_of(uint32_t c) {
    static const range none[] = {
        {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},    {0x64B, 0x65F},
        {0x93C, 0x93C},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},  {0x20D0, 0x20FF},
        {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};
    static const range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                                 {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                 {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                                 {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
                                 {0x20000, 0x3FFFD}};
    if (c < 0x300) return 1;
    if (within(none, sizeof none / sizeof *none, c)) return 0;
    return within(wide, sizeof wide / sizeof *wide, c) ? 2 : 1;
}

/* Bidi marks, embeddings and isolates: characters that reorder what a terminal shows. */
static bool reorders(uint32_t c) {
    return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

char *cli_clean(char *out, size_t size, const char *text) {
    size_t n = 0, length;
    for (; *text && n + 8 < size; text += length) {
        uint32_t c = decode(text, &length);
        bool bad = c == 0xFFFD && length == 1;
        if (c < 0x20 || (c >= 0x7F && c < 0xA0) || reorders(c) || bad) {
            unsigned value = bad ? (unsigned char)*text : c;
            n += (size_t)snprintf(out + n, size - n, value < 0x100 ? "\\x%02X" : "\\u%04X", value);
        } else {
            memcpy(out + n, text, length);
            n += length;
        }
    }
    out[n] = 0;
    return out;
}

size_t cli_text_cut(const char *text, size_t columns) {
    size_t at = 0, used = 0, length;
    while (text[at]) {
        used += width_of(decode(text + at, &length));
        if (used > columns) break;
        at += length;
    }
    return at;
}

size_t cli_text_width(const char *text) {
    size_t width = 0, length;
    for (; *text; text += length) width += width_of(decode(text, &length));
    return width;
}

void cli_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t width) {
    char word[256];
    for (bool first = true; *text; first = false) {
        size_t length = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        size_t columns = cli_text_width(word);
        if (!first && at + 1 + columns > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)length, text);
        at += columns;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* ---- numbers */

char *cli_fixed(char *out, double x, int decimals) {
    if (isnan(x)) out[0] = 0;
    else if (fabs(x) < 1e15) snprintf(out, CLI_NUMBER, "%.*f", decimals, x);
    else snprintf(out, CLI_NUMBER, "%.5g", x);
    return out;
}

char *cli_number(char *out, double x) {
    if (fabs(x) >= 99999.5 && fabs(x) < 1e15) return cli_fixed(out, x, 0);
    if (isnan(x)) out[0] = 0;
    else snprintf(out, CLI_NUMBER, "%.5g", x);
    return out;
}

char *cli_rough(char *out, double x) {
    if (isnan(x)) out[0] = 0;
    else snprintf(out, CLI_NUMBER, fabs(x) >= 99.5 ? "%.0f" : "%.2g", x);
    return out;
}

char *cli_brief(char *out, double x) {
    if (x > 0 && x < 0.001) {
        snprintf(out, CLI_NUMBER, "<0.001");
        return out;
    }
    return cli_fixed(out, x, x < 0.9995 ? 3 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
}

char *cli_bytes(char *out, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; bytes >= 1023.95 && u < 4; u++) bytes /= 1024;
    snprintf(out, CLI_NUMBER, u && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
    return out;
}

char *cli_count(char *out, size_t n) {
    if (n) snprintf(out, CLI_NUMBER, "%zu", n);
    else out[0] = 0;
    return out;
}

void cli_put_word(FILE *out, const char *word) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@%+";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'') fputs("'\\''", out);
        else fputc(*word, out);
    }
    fputc('\'', out);
}
