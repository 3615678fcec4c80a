/* json.c: JSON text to a tree: a strict scan that knows every place, cJSON, then both together.
 *
 * cJSON alone takes what is not JSON, cuts texts at NUL and rounds numbers in the locale's way. So
 * the scan decides what is valid and makes the nodes, in the order of the text, with place and
 * literal; cJSON gets a copy without comments and with every number as 0, and gives structure and
 * unescaped texts. Its own numbers are not used. */
#include "automl/core/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/sort.h"

enum { MOST_NESTED = 128 };

typedef struct scan {
    const char *source; /* as it came, for places */
    char *text;         /* our copy, ends with NUL */
    size_t n, at;
    const char *file;
    bool comments;
    aml_status status; /* of a document that is wrong */
    aml_arena *keep;
    aml_json *first, *last;      /* nodes in the order of the text, by their next */
    size_t line, column, placed; /* place of byte `placed` */
} scan;

/* ---- places and errors ---- */

/* Moves the place on to byte `to`; columns count characters. */
static void place(scan *s, size_t to) {
    for (; s->placed < to; s->placed++) {
        char c = s->source[s->placed];
        if (c == '\n' || (c == '\r' && s->text[s->placed + 1] != '\n')) {
            s->line++;
            s->column = 1;
        } else if (((unsigned char)c & 0xC0) != 0x80) {
            s->column++;
        }
    }
}

__attribute__((format(printf, 3, 4))) static aml_status wrong(scan *s, size_t at,
                                                              const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    assert(at >= s->placed);
    place(s, at);
    aml_fail_at(s->status, s->file, s->line, s->column, "%s", message);
    return aml_help(s->status, NULL, "the file must be valid JSON (RFC 8259)%s",
                    s->comments ? "; // and /* */ comments are allowed" : "");
}

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* "found `x`" with the character or word that is there, or that the text ends. */
static aml_status expected(scan *s, const char *what) {
    char shown[128];
    if (s->at >= s->n) return wrong(s, s->n, "expected %s, but the text ends here", what);
    const char *t = s->text + s->at;
    size_t length = 1;
    while (letter(t[0]) ? letter(t[length]) : ((unsigned char)t[length] & 0xC0) == 0x80) length++;
    aml_printable(shown, sizeof shown, t, length, 20);
    return wrong(s, s->at, "expected %s, found `%s`", what, shown);
}

/* ---- what is not JSON at all: encoding and comments ---- */

static aml_status check_encoding(scan *s) {
    if (s->n >= 2 && (!memcmp(s->text, "\xFF\xFE", 2) || !memcmp(s->text, "\xFE\xFF", 2)))
        return wrong(s, 0, "the text is UTF-16; save it as UTF-8");
    size_t valid = aml_utf8_valid(s->text, s->n);
    if (valid < s->n)
        return wrong(s, valid, "byte 0x%02X is not valid UTF-8", (unsigned char)s->text[valid]);
    const char *nul = memchr(s->text, 0, s->n);
    if (nul) return wrong(s, (size_t)(nul - s->text), "a NUL byte in the text");
    return AML_OK;
}

static void blank(char *text, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n' && text[i] != '\r') text[i] = ' ';
}

/* Comments become blanks: what follows keeps its byte number. */
static aml_status blank_comments(scan *s) {
    char *t = s->text;
    for (size_t i = 0; i < s->n; i++) {
        if (t[i] == '"') {
            for (i++; i < s->n && t[i] != '"' && t[i] != '\n'; i++)
                if (t[i] == '\\') i++;
        } else if (t[i] == '/' && (t[i + 1] == '/' || t[i + 1] == '*')) {
            bool line = t[i + 1] == '/';
            const char *end = line ? strpbrk(t + i, "\r\n") : strstr(t + i + 2, "*/");
            if (!end && !line) return wrong(s, i, "the comment that begins here has no end");
            size_t to = end ? (size_t)(end - t) + (line ? 0 : 2) : s->n;
            blank(t, i, to);
            i = to - 1;
        }
    }
    return AML_OK;
}

/* ---- the scan ---- */

static void skip_blanks(scan *s) {
    while (s->at < s->n && strchr(" \t\r\n", s->text[s->at])) s->at++;
}

static aml_status add_node(scan *s, aml_json_type type) {
    aml_json *node = AML_NEW(s->keep, aml_json);
    if (!node) return AML_ENOMEM;
    place(s, s->at);
    *node = (aml_json){.type = type, .line = s->line, .column = s->column, .file = s->file};
    if (s->last) s->last->next = node;
    else s->first = node;
    s->last = node;
    return AML_OK;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

static size_t digits(const char *t, size_t at) {
    while (digit(t[at])) at++;
    return at;
}

/* Keeps the literal and writes 0 in its place: cJSON cuts long ones. */
static aml_status scan_number(scan *s) {
    char *t = s->text, shown[300];
    size_t begin = s->at, at = begin + (t[begin] == '-');
    s->at = at;
    if (!digit(t[at])) return expected(s, "a digit");
    s->at = t[at] == '0' ? at + 1 : digits(t, at);
    if (digit(t[s->at])) return wrong(s, at, "a number must not begin with 0");
    if (t[s->at] == '.') {
        s->at++;
        if (!digit(t[s->at])) return expected(s, "a digit behind the decimal point");
        s->at = digits(t, s->at);
    }
    if (t[s->at] == 'e' || t[s->at] == 'E') {
        s->at++;
        if (t[s->at] == '+' || t[s->at] == '-') s->at++;
        if (!digit(t[s->at])) return expected(s, "a digit of the exponent");
        s->at = digits(t, s->at);
    }
    size_t length = s->at - begin;
    aml_json *node = s->last;
    node->string = aml_strndup(s->keep, t + begin, length);
    if (!node->string) return AML_ENOMEM;
    if (!aml_parse_double(&node->number, t + begin, length) || !isfinite(node->number)) {
        aml_printable(shown, sizeof shown, t + begin, length, 60);
        return wrong(s, begin, "the number %s is beyond the range of a double", shown);
    }
    blank(t, begin, s->at);
    t[begin] = '0';
    return AML_OK;
}

/* The four hex digits at t, or -1. */
static int hex4(const char *t) {
    int x = 0;
    for (int i = 0; i < 4; i++) {
        char c = t[i];
        int d = digit(c)               ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) return -1;
        x = x * 16 + d;
    }
    return x;
}

/* at: behind "\u"; moves on behind the escape, or the pair of them. */
static aml_status scan_unicode(scan *s) {
    const char *t = s->text;
    size_t begin = s->at - 2;
    int x = hex4(t + s->at);
    if (x < 0) return wrong(s, begin, "\\u needs four hexadecimal digits");
    if (x == 0) return wrong(s, begin, "\\u0000 is not allowed in a text");
    s->at += 4;
    if (x < 0xD800 || x > 0xDFFF) return AML_OK;
    int low = x < 0xDC00 && t[s->at] == '\\' && t[s->at + 1] == 'u' ? hex4(t + s->at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return wrong(s, begin, "\\u%04X is a lone surrogate", (unsigned)x);
    s->at += 6;
    return AML_OK;
}

static aml_status scan_string(scan *s) {
    const char *t = s->text;
    size_t begin = s->at++;
    while (s->at < s->n && t[s->at] != '"') {
        unsigned char c = (unsigned char)t[s->at++];
        if (c == '\n' || c == '\r') break;
        if (c < 0x20)
            return wrong(s, s->at - 1, "the control character 0x%02X must be escaped in a text", c);
        if (c != '\\') continue;
        char escaped = t[s->at];
        if (!escaped || !strchr("\"\\/bfnrtu", escaped)) {
            return escaped
                       ? wrong(s, s->at - 1,
                               "unknown escape in a text: allowed are \\\" \\\\ \\/ \\b \\f \\n "
                               "\\r \\t \\uXXXX")
                       : wrong(s, begin, "the text that begins here has no closing quote");
        }
        s->at++;
        if (escaped == 'u') AML_TRY(scan_unicode(s));
    }
    if (s->at >= s->n || t[s->at] != '"')
        return wrong(s, begin, "the text that begins here has no closing quote on its line");
    s->at++;
    return AML_OK;
}

static aml_status scan_value(scan *s, int depth);

static aml_status scan_member(scan *s, int depth) {
    if (s->text[s->at] != '"') return expected(s, "a key in double quotes");
    place(s, s->at);
    size_t line = s->line, column = s->column;
    aml_json *before = s->last;
    AML_TRY(scan_string(s));
    skip_blanks(s);
    if (s->text[s->at] != ':') return expected(s, "`:` behind the key");
    s->at++;
    AML_TRY(scan_value(s, depth));
    before->next->key_line = line;
    before->next->key_column = column;
    return AML_OK;
}

static aml_status scan_list(scan *s, int depth, bool object) {
    char close = object ? '}' : ']';
    if (depth >= MOST_NESTED)
        return wrong(s, s->at, "values are nested more than %d deep", MOST_NESTED);
    s->at++;
    skip_blanks(s);
    if (s->text[s->at] == close) {
        s->at++;
        return AML_OK;
    }
    for (;;) {
        AML_TRY(object ? scan_member(s, depth + 1) : scan_value(s, depth + 1));
        skip_blanks(s);
        char c = s->text[s->at];
        if (c != close && c != ',') return expected(s, object ? "`,` or `}`" : "`,` or `]`");
        size_t comma = s->at++;
        if (c == close) return AML_OK;
        skip_blanks(s);
        if (s->text[s->at] == close) return wrong(s, comma, "a trailing comma before `%c`", close);
    }
}

static aml_status scan_word(scan *s, const char *word) {
    size_t n = strlen(word);
    if (strncmp(s->text + s->at, word, n)) return expected(s, "a value");
    s->at += n;
    return AML_OK;
}

static aml_status scan_value(scan *s, int depth) {
    skip_blanks(s);
    char c = s->text[s->at];
    if (c == '/')
        return wrong(s, s->at, s->comments ? "a lone `/`" : "comments are not allowed here");
    bool number = c == '-' || digit(c);
    AML_TRY(add_node(s, number     ? AML_JSON_NUMBER
                        : c == '"' ? AML_JSON_STRING
                        : c == '[' ? AML_JSON_ARRAY
                        : c == '{' ? AML_JSON_OBJECT
                        : c == 't' ? AML_JSON_TRUE
                        : c == 'f' ? AML_JSON_FALSE
                                   : AML_JSON_NULL));
    if (number) return scan_number(s);
    switch (c) {
    case '"': return scan_string(s);
    case '[': return scan_list(s, depth, false);
    case '{': return scan_list(s, depth, true);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return expected(s, c == '\'' ? "a value (texts take double quotes)" : "a value");
    }
}

static aml_status scan_document(scan *s) {
    if (s->n >= 3 && !memcmp(s->text, "\xEF\xBB\xBF", 3)) s->at = s->placed = 3;
    AML_TRY(check_encoding(s));
    if (s->comments) AML_TRY(blank_comments(s));
    skip_blanks(s);
    if (s->at == s->n) return wrong(s, s->n, "the document is empty");
    AML_TRY(scan_value(s, 0));
    skip_blanks(s);
    if (s->at < s->n) return wrong(s, s->at, "text after the end of the document");
    return AML_OK;
}

/* ---- nodes and cJSON's tree together ---- */

static int by_name(const void *a, const void *b, void *arg) {
    (void)arg;
    return strcmp((*(aml_json *const *)a)->name, (*(aml_json *const *)b)->name);
}

static aml_status check_names(const aml_json *object, const scan *s) {
    char shown[300];
    aml_json **members = aml_malloc(object->size * sizeof *members), *again = NULL;
    if (!members) return AML_ENOMEM;
    size_t n = 0;
    for (aml_json *m = object->child; m; m = m->next) members[n++] = m;
    aml_status status = aml_sort(members, n, sizeof *members, by_name, NULL);
    for (size_t i = 1; !status && !again && i < n; i++)
        if (!strcmp(members[i - 1]->name, members[i]->name)) again = members[i];
    aml_free(members);
    if (!again) return status;
    aml_printable(shown, sizeof shown, again->name, strlen(again->name), 60);
    aml_fail_at(s->status, s->file, again->key_line, again->key_column, "duplicate key `%s`",
                shown);
    return aml_help(s->status, NULL, "keep one of the two");
}

/* Takes the next node of the text for `item`, and after it those of its children. */
static aml_status join(aml_json **out, scan *s, const cJSON *item) {
    aml_json *node = s->first, **link = &node->child;
    s->first = node->next;
    node->next = NULL;
    if (item->string && !(node->name = aml_strdup(s->keep, item->string))) return AML_ENOMEM;
    if (node->type == AML_JSON_STRING && !(node->string = aml_strdup(s->keep, item->valuestring)))
        return AML_ENOMEM;
    for (const cJSON *c = item->child; c; c = c->next, node->size++) {
        AML_TRY(join(link, s, c));
        link = &(*link)->next;
    }
    *out = node;
    return node->type == AML_JSON_OBJECT && node->size > 1 ? check_names(node, s) : AML_OK;
}

static void set_hooks(void) {
    cJSON_Hooks hooks = {aml_malloc, aml_free};
    cJSON_InitHooks(&hooks);
}

static aml_status parse(aml_json **out, scan *s) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    AML_TRY(scan_document(s));
    pthread_once(&once, set_hooks);
    aml_clear_error();
    cJSON *root = cJSON_ParseWithLengthOpts(s->text, s->n + 1, NULL, true);
    if (!root && aml_last_error()->status == AML_ENOMEM) return AML_ENOMEM;
    if (!root) return aml_fail(AML_EINTERNAL, "cJSON refuses a document that is valid");
    aml_status status = join(out, s, root);
    cJSON_Delete(root);
    return status;
}

aml_status aml_json_parse(aml_json **out, aml_arena *keep, const char *text, size_t length,
                          const char *file, unsigned flags, aml_status status) {
    scan s = {.source = text,
              .n = length,
              .comments = flags & AML_JSON_COMMENTS,
              .status = status,
              .keep = keep,
              .line = 1,
              .column = 1};
    aml_mark mark = aml_arena_mark(keep);
    s.text = aml_malloc(length + 1);
    if (!s.text) return AML_ENOMEM;
    if (length) memcpy(s.text, text, length);
    s.text[length] = 0;
    s.file = aml_strdup(keep, file);
    aml_status result = s.file ? parse(out, &s) : AML_ENOMEM;
    aml_free(s.text);
    if (result) aml_arena_release(keep, mark);
    return result;
}
