/* csv_encoding.c: text in other encodings to UTF-8, as it is read. */
#include <string.h>

#include "automl/core/csv_internal.h"

typedef enum encoding { UTF8, LATIN1, WINDOWS1252, UTF16, UTF16LE, UTF16BE } encoding;

enum { RAW = 1 << 14, LONGEST = 4 /* bytes of a character */ };

struct csv_decoder {
    encoding from;
    size_t at, n; /* bytes of raw not decoded yet */
    bool ended;
    unsigned char raw[RAW];
};

static const struct {
    const char *name;
    encoding encoding;
} encodings[] = {{"utf-8", UTF8},         {"utf8", UTF8},         {"latin1", LATIN1},
                 {"latin-1", LATIN1},     {"iso-8859-1", LATIN1}, {"windows-1252", WINDOWS1252},
                 {"cp1252", WINDOWS1252}, {"utf-16", UTF16},      {"utf16", UTF16},
                 {"utf-16le", UTF16LE},   {"utf-16be", UTF16BE}};

/* What 0x80 … 0x9F are in Windows-1252; the five that are not defined stay control characters. */
static const uint16_t windows[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if ((*a >= 'A' && *a <= 'Z' ? *a + 32 : *a) != *b) return false;
    return *a == *b;
}

aml_status csv_decoder_new(csv_decoder **out, const char *name) {
    *out = NULL;
    for (size_t i = 0; name && i < sizeof encodings / sizeof *encodings; i++) {
        if (!same_name(name, encodings[i].name)) continue;
        if (encodings[i].encoding == UTF8) return AML_OK;
        csv_decoder *d = aml_calloc(1, sizeof *d);
        if (!d) return AML_ENOMEM;
        d->from = encodings[i].encoding;
        *out = d;
        return AML_OK;
    }
    if (!name) return AML_OK;
    aml_fail(AML_EUSAGE, "there is no encoding `%s`", name);
    return aml_help(AML_EUSAGE, NULL,
                    "use utf-8, latin1, windows-1252, utf-16, utf-16le or utf-16be; others: iconv "
                    "-f NAME -t UTF-8 FILE > NEW");
}

void csv_decoder_rewind(csv_decoder *d) {
    d->at = d->n = 0;
    d->ended = false;
}

static size_t put(char *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    size_t n = c < 0x10000 ? 3 : 4;
    to[0] = (char)(n == 3 ? 0xE0 | c >> 12 : 0xF0 | c >> 18);
    if (n == 4) to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[n - 2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[n - 1] = (char)(0x80 | (c & 0x3F));
    return n;
}

static uint32_t unit(const csv_decoder *d, size_t at) {
    unsigned a = d->raw[at], b = d->raw[at + 1];
    return d->from == UTF16BE ? a << 8 | b : b << 8 | a;
}

/* The next character and its bytes in raw; 0 when more are needed. What is no character becomes U+FFFD. */
static size_t next_character(uint32_t *c, const csv_decoder *d) {
    size_t left = d->n - d->at;
    if (left == 0) return 0;
    if (d->from == LATIN1 || d->from == WINDOWS1252) {
        *c = d->raw[d->at];
        if (d->from == WINDOWS1252 && *c >= 0x80 && *c < 0xA0) *c = windows[*c - 0x80];
        return 1;
    }
    *c = 0xFFFD;
    if (left < 2) return d->ended ? 1 : 0;
    uint32_t high = unit(d, d->at);
    if (high < 0xD800 || high > 0xDFFF) {
        *c = high;
        return 2;
    }
    if (high > 0xDBFF) return 2;
    if (left < 4) return d->ended ? left : 0;
    uint32_t low = unit(d, d->at + 2);
    if (low < 0xDC00 || low > 0xDFFF) return 2;
    *c = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 4;
}

static void find_order(csv_decoder *d) {
    if (d->from != UTF16 || d->n < 2) return;
    d->from = d->raw[0] == 0xFE && d->raw[1] == 0xFF ? UTF16BE : UTF16LE;
}

aml_status csv_decode(csv_decoder *d, char *to, size_t size, size_t *got, csv_bytes_fn *read,
                      void *arg) {
    *got = 0;
    while (size - *got >= LONGEST) {
        uint32_t c;
        size_t used = next_character(&c, d);
        if (used) {
            d->at += used;
            *got += put(to + *got, c);
            continue;
        }
        if (d->ended) break;
        size_t more, left = d->n - d->at;
        memmove(d->raw, d->raw + d->at, left);
        d->at = 0;
        d->n = left;
        AML_TRY(read(arg, (char *)d->raw + left, RAW - left, &more));
        d->n += more;
        d->ended = more == 0;
        find_order(d);
    }
    return AML_OK;
}
