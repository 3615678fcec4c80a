/* json.c: the manifest of a model to a tree, without cJSON: the parts of core/json.h that loading needs.
 *
 * Only manifests that our own writer made get this far (their checksum is right), so a flaw needs no place: strict all
 * the same, as a file may be made to look right. */
#include "automl/core/json.h"

#include <math.h>
#include <string.h>

enum { MOST_NESTED = 128 };

typedef struct reader {
    const char *at, *end;
    aml_arena *keep;
    const char *file;
    aml_status status; /* of a text that is none */
} reader;

static aml_status wrong(const reader *r) {
    return aml_fail_at(r->status, r->file, 0, 0, "damaged model: the manifest is not valid JSON");
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_blanks(reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool take(reader *r, char c) {
    bool there = r->at < r->end && *r->at == c;
    r->at += there;
    return there;
}

/* ---- texts */

static bool take_hex(uint32_t *out, reader *r) {
    *out = 0;
    if (r->end - r->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        int d = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) return false;
        *out = *out * 16 + (uint32_t)d;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t c) {
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (char)(first[more] | c >> 6 * more);
    while (more--) *to++ = (char)(0x80 | (c >> 6 * more & 0x3F));
    return to;
}

/* Behind "\u": one character, of two surrogates where the first is one. */
static bool take_unicode(char **to, reader *r) {
    uint32_t c, low;
    if (!take_hex(&c, r) || c == 0 || (c >= 0xDC00 && c <= 0xDFFF)) return false;
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (!take(r, '\\') || !take(r, 'u') || !take_hex(&low, r)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return false;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, c);
    return true;
}

static bool take_escape(char **to, reader *r) {
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) return false;
    char c = *r->at++;
    if (c == 'u') return take_unicode(to, r);
    const char *name = c ? strchr(names, c) : NULL;
    if (!name) return false;
    *(*to)++ = means[name - names];
    return true;
}

/* A text, which is never longer than it is written. */
static aml_status read_string(const char **out, reader *r) {
    const char *begin = r->at + 1, *close = begin;
    if (!take(r, '"')) return wrong(r);
    while (close < r->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= r->end) return wrong(r);
    char *text = aml_alloc_raw(r->keep, (size_t)(close - begin) + 1, 1), *to = text;
    if (!text) return AML_ENOMEM;
    while (*r->at != '"') {
        char c = *r->at++;
        if ((unsigned char)c < 0x20 || (c == '\\' && !take_escape(&to, r))) return wrong(r);
        if (c != '\\') *to++ = c;
    }
    r->at++;
    *to = 0;
    *out = text;
    return aml_utf8_valid(text, (size_t)(to - text)) == (size_t)(to - text) ? AML_OK : wrong(r);
}

/* ---- values */

static aml_status read_number(aml_json *node, reader *r) {
    const char *begin = r->at;
    while (r->at < r->end && (is_digit(*r->at) || (*r->at && strchr("+-.eE", *r->at)))) r->at++;
    size_t length = (size_t)(r->at - begin);
    node->type = AML_JSON_NUMBER;
    if (!aml_parse_double(&node->number, begin, length) || !isfinite(node->number)) return wrong(r);
    return AML_OK;
}

static bool take_word(reader *r, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

static aml_status read_value(aml_json **out, reader *r, int depth);

static aml_status read_list(aml_json *node, reader *r, int depth) {
    bool object = *r->at++ == '{';
    char close = object ? '}' : ']';
    aml_json **link = &node->child;
    node->type = object ? AML_JSON_OBJECT : AML_JSON_ARRAY;
    skip_blanks(r);
    if (take(r, close)) return AML_OK;
    if (depth >= MOST_NESTED) return wrong(r);
    for (;;) {
        const char *name = NULL;
        skip_blanks(r);
        if (object) AML_TRY(read_string(&name, r));
        if (object) skip_blanks(r);
        if (object && !take(r, ':')) return wrong(r);
        AML_TRY(read_value(link, r, depth + 1));
        (*link)->name = name;
        link = &(*link)->next;
        node->size++;
        skip_blanks(r);
        if (take(r, close)) return AML_OK;
        if (!take(r, ',')) return wrong(r);
    }
}

static aml_status read_value(aml_json **out, reader *r, int depth) {
    aml_json *node = *out = AML_NEW(r->keep, aml_json);
    if (!node) return AML_ENOMEM;
    skip_blanks(r);
    if (r->at == r->end) return wrong(r);
    char c = *r->at;
    if (c == '{' || c == '[') return read_list(node, r, depth);
    if (c == '-' || is_digit(c)) return read_number(node, r);
    node->type = c == '"'   ? AML_JSON_STRING
                 : c == 't' ? AML_JSON_TRUE
                 : c == 'f' ? AML_JSON_FALSE
                            : AML_JSON_NULL;
    if (c == '"') return read_string(&node->string, r);
    bool known = take_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null");
    return known ? AML_OK : wrong(r);
}

aml_status aml_json_parse(aml_json **out, aml_arena *keep, const char *text, size_t length,
                          const char *file, unsigned flags, aml_status status) {
    reader r = {.at = text, .end = text + length, .keep = keep, .file = file, .status = status};
    (void)flags; /* no comments in manifests */
    AML_TRY(read_value(out, &r, 0));
    skip_blanks(&r);
    return r.at == r.end ? AML_OK : wrong(&r);
}
