/* metric_line.c: finds numbers with a name in what programs print. */
#include "automl/tune/metric_line.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "automl/core/json.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
/* The first byte of a letter in UTF-8, of some script. */
static bool is_foreign(char c) { return (unsigned char)c >= 0xc2 && (unsigned char)c <= 0xf4; }
/* What names are made of, as far as a name must not go on at its ends. */
static bool in_name(char c) {
    return is_letter(c) || is_digit(c) || (unsigned char)c >= 128 || (c && strchr("_-./@", c));
}

/* ---- numbers */

static size_t scan_word(double *out, const char *s, size_t n) {
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN}, {"infinity", INFINITY}, {"inf", INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        if (n < length || strncasecmp(s, words[i].word, length) != 0) continue;
        *out = words[i].value;
        return length;
    }
    return 0;
}

static size_t scan_digits(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && is_digit(s[i])) i++;
    return i;
}

static size_t scan_decimal(const char *s, size_t n) {
    size_t i = scan_digits(s, n), digits = i;
    if (i < n && s[i] == '.') {
        size_t more = scan_digits(s + i + 1, n - i - 1);
        digits += more;
        if (more || i) i += 1 + more;
    }
    if (!digits) return 0;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        size_t sign = i + 1 < n && (s[i + 1] == '-' || s[i + 1] == '+');
        size_t more = scan_digits(s + i + 1 + sign, n - i - 1 - sign);
        if (more) i += 1 + sign + more;
    }
    return i;
}

size_t aml_scan_number(double *out, const char *s, size_t n) {
    size_t sign = n && (*s == '-' || *s == '+'), size = scan_word(out, s + sign, n - sign);
    if (size && *s == '-') *out = -*out;
    if (!size) {
        size = scan_decimal(s + sign, n - sign);
        if (!size || !aml_parse_double(out, s, sign + size)) return 0;
    }
    size += sign;
    if (size == n) return size;
    char next = s[size];
    if (next == '.') return size + 1 == n || !in_name(s[size + 1]) ? size : 0;
    return is_letter(next) || is_digit(next) || next == '_' || is_foreign(next) ? 0 : size;
}

/* ---- pairs */

static size_t blanks(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && (s[i] == ' ' || s[i] == '\t')) i++;
    return i;
}

/* From behind a name: the sign and the number. */
static size_t scan_value(double *out, const char *s, size_t n) {
    size_t i = n && (*s == '"' || *s == '\''); /* {'loss': 0.5} */
    i += blanks(s + i, n - i);
    if (i == n || (s[i] != '=' && s[i] != ':')) return 0;
    i++;
    i += blanks(s + i, n - i);
    size_t size = aml_scan_number(out, s + i, n - i);
    return size ? i + size : 0;
}

static const char *find(const char *s, size_t n, const char *name, size_t length, bool any_case) {
    if (!any_case) return memmem(s, n, name, length);
    for (size_t i = 0; i + length <= n; i++)
        if (!strncasecmp(s + i, name, length)) return s + i;
    return NULL;
}

bool aml_scan_pair(double *out, size_t *at, const char *line, size_t n, const char *name,
                   bool any_case) {
    size_t length = strlen(name);
    while (*at + length <= n) {
        const char *hit = find(line + *at, n - *at, name, length, any_case);
        if (!hit) break;
        size_t from = (size_t)(hit - line), behind = from + length;
        size_t size =
            from && in_name(line[from - 1]) ? 0 : scan_value(out, hit + length, n - behind);
        *at = size ? behind + size : from + 1;
        if (size) return true;
    }
    *at = n;
    return false;
}

bool aml_scan_any_pair(size_t *from, size_t *length, size_t *at, const char *line, size_t n) {
    double value;
    for (; *at < n; ++*at) {
        if (!in_name(line[*at])) continue;
        *from = *at;
        while (*at < n && in_name(line[*at])) ++*at;
        *length = *at - *from;
        if (is_letter(line[*from]) && scan_value(&value, line + *at, n - *at)) return true;
        if (*at == n) break;
    }
    return false;
}

/* ---- JSON */

struct aml_line_json {
    aml_arena *keep;
    aml_json *root;
};

/* What JSON has no word for, outside of texts: NaN is null, infinities are texts. */
static void put_plain(aml_string *out, const char *s, size_t n) {
    bool text = false;
    for (size_t i = 0; i < n; i++) {
        double x;
        bool back = text && s[i] == '\\' && i + 1 < n;
        size_t sign = s[i] == '-', word = text ? 0 : scan_word(&x, s + i + sign, n - i - sign);
        if (word) {
            aml_string_put(out, isnan(x) ? "null" : sign ? "\"-inf\"" : "\"inf\"");
            i += sign + word - 1;
            continue;
        }
        aml_string_add(out, s + i, back ? 2 : 1);
        if (s[i] == '"') text = !text;
        i += back;
    }
}

aml_line_json *aml_line_json_new(const char *line, size_t n) {
    const char *open = memchr(line, '{', n), *close = open ? memrchr(line, '}', n) : NULL;
    if (!close || close < open) return NULL;
    aml_line_json *j = aml_calloc(1, sizeof *j);
    aml_string text = {0};
    put_plain(&text, open, (size_t)(close - open) + 1);
    if (j) j->keep = aml_arena_new(NULL);
    bool good = j && j->keep && !text.failed &&
                !aml_json_parse(&j->root, j->keep, text.text, text.length, "", 0, AML_EDATA);
    aml_string_free(&text);
    if (good) return j;
    aml_line_json_free(j);
    return NULL;
}

static const aml_json *member(const aml_json *object, const char *key) {
    const aml_json *found = aml_json_find(object, key);
    for (const char *dot = key; !found && (dot = strchr(dot, '.')); dot++)
        for (const aml_json *c = object->child; c; c = c->next)
            if (c->type == AML_JSON_OBJECT && strlen(c->name) == (size_t)(dot - key) &&
                !strncmp(c->name, key, (size_t)(dot - key)))
                return member(c, dot + 1);
    return found;
}

bool aml_line_json_number(double *out, const aml_line_json *j, const char *key) {
    const aml_json *x = j->root->type == AML_JSON_OBJECT ? member(j->root, key) : NULL;
    if (!x) return false;
    if (x->type == AML_JSON_NUMBER) *out = x->number;
    else if (x->type == AML_JSON_NULL) *out = NAN;
    else if (x->type == AML_JSON_STRING && !strcmp(x->string, "inf")) *out = INFINITY;
    else if (x->type == AML_JSON_STRING && !strcmp(x->string, "-inf")) *out = -INFINITY;
    else return false;
    return true;
}

void aml_line_json_free(aml_line_json *j) {
    if (!j) return;
    aml_arena_free(j->keep);
    aml_free(j);
}
