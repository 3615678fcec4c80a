/* json_keys.c: a JSON object by the table of its known keys. */
#include "automl/core/json_keys.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/json_edit.h"

enum { MOST_WORDS = 256, SHOWN = 60 };

/* ---- messages */

static const char *found(char *out, size_t size, const aml_json *x) {
    char shown[SHOWN * 4 + 4];
    aml_string s = {0};
    bool literal = x->type == AML_JSON_STRING || x->type == AML_JSON_NUMBER;
    if (literal) aml_printable(shown, sizeof shown, x->string, strlen(x->string), SHOWN);
    switch (x->type) {
    case AML_JSON_NULL: aml_string_put(&s, "null"); break;
    case AML_JSON_FALSE: aml_string_put(&s, "false"); break;
    case AML_JSON_TRUE: aml_string_put(&s, "true"); break;
    case AML_JSON_NUMBER: aml_string_put(&s, shown); break;
    case AML_JSON_STRING: aml_string_printf(&s, "the text `%s`", shown); break;
    case AML_JSON_ARRAY: aml_string_put(&s, x->size ? "a list" : "an empty list"); break;
    case AML_JSON_OBJECT: aml_string_put(&s, x->size ? "an object" : "an empty object"); break;
    }
    aml_printable(out, size, s.text ? s.text : "", s.length, size / 4 - 1);
    aml_string_free(&s);
    return out;
}

aml_status aml_key_expected(const aml_json *x, const aml_key_place *at, const char *what,
                            const char *help) {
    char shown[1200], path[SHOWN * 8 + 4];
    const char *name = at->path[0] ? at->path : "the document";
    aml_printable(path, sizeof path, name, strlen(name), SHOWN * 2);
    aml_fail_at(AML_ECONFIG, x->file, x->line, x->column,
                at->path[0] ? "`%s` must be %s, found %s" : "%s must be %s, found %s", path, what,
                found(shown, sizeof shown, x));
    return help ? aml_help(AML_ECONFIG, NULL, "%s", help) : AML_ECONFIG;
}

aml_status aml_key_need(const aml_json *x, aml_json_type type, const aml_key_place *at) {
    static const char *const names[] = {"null",   "false",  "true",     "a number",
                                        "a text", "a list", "an object"};
    bool root = type == AML_JSON_OBJECT && !at->path[0];
    return x->type == type ? AML_OK
                           : aml_key_expected(x, at, names[type],
                                              root ? "an object is { \"key\": value, … }" : NULL);
}

static size_t list_words(const char **out, const char *(*word)(size_t i)) {
    size_t n = 0;
    while (n < MOST_WORDS && (out[n] = word(n))) n++;
    return n;
}

static aml_status unknown(const aml_json *x, bool is_key, const char *what,
                          const char *const *words, size_t n, const char *where) {
    char shown[SHOWN * 4 + 4];
    const char *text = is_key ? x->name : x->string;
    aml_string list = {0};
    aml_fail_at(AML_ECONFIG, x->file, is_key ? x->key_line : x->line,
                is_key ? x->key_column : x->column, "%s `%s`", what ? what : "unknown",
                aml_printable(shown, sizeof shown, text, strlen(text), SHOWN));
    const char *near = aml_nearest(text, words, n);
    for (size_t i = 0; i < n; i++) aml_string_printf(&list, "%s%s", i ? ", " : "", words[i]);
    if (where) aml_help(AML_ECONFIG, NULL, "%s", where);
    else if (near) aml_help(AML_ECONFIG, NULL, "did you mean `%s`?", near);
    else if (n) aml_help(AML_ECONFIG, NULL, "known are %s", list.failed ? "others" : list.text);
    aml_string_free(&list);
    return AML_ECONFIG;
}

aml_status aml_key_unknown(const aml_json *x, bool is_key, const char *what,
                           const char *(*word)(size_t i)) {
    const char *words[MOST_WORDS];
    return unknown(x, is_key, what, words, list_words(words, word), NULL);
}

aml_status aml_key_unknown_of(const aml_json *x, bool is_key, const char *what,
                              const char *const *words, size_t n) {
    return unknown(x, is_key, what, words, n, NULL);
}

/* ---- places */

aml_key_place aml_key_member(const aml_key_place *at, const char *name) {
    aml_key_place place = *at;
    place.path = aml_printf(at->keep, "%s%s%s", at->path, at->path[0] ? "." : "", name);
    if (!place.path) place.path = "";
    return place;
}

aml_key_place aml_key_element(const aml_key_place *at, size_t i) {
    aml_key_place place = *at;
    place.path = aml_printf(at->keep, "%s[%zu]", at->path, i);
    if (!place.path) place.path = "";
    return place;
}

/* Where a key that is not one of this object belongs: of `limits` for max_trials. */
static const char *belongs(const aml_key *keys, const char *name, const aml_key_place *at) {
    for (const aml_key *k = keys; k && k->name; k++)
        for (const aml_key *m = k->type == AML_KEY_OBJECT ? k->keys : NULL; m && m->name; m++)
            if (!strcmp(m->name, name))
                return aml_printf(at->keep, "`%s` is a key of `%s`", name, k->name);
    for (const aml_key *k = keys; k && k->name; k++)
        if (at->path[0] && !strcmp(k->name, name))
            return aml_printf(at->keep, "`%s` stands at the top of the document", name);
    return NULL;
}

/* ---- values */

static bool has_range(const aml_key *k) { return k->lo != 0 || k->hi != 0; }

/* Doubles hold whole numbers exactly up to 2^53. */
static bool is_whole(const aml_json *x) {
    return x->type == AML_JSON_NUMBER && x->number == floor(x->number) && fabs(x->number) <= 0x1p53;
}

static bool in_range(const aml_key *k, double x) {
    if (!has_range(k)) return true;
    return k->open ? x > k->lo && x < k->hi : x >= k->lo && x <= k->hi;
}

/* "an integer from 1 to 1024". */
static aml_status out_of_range(const aml_json *x, const aml_key *k, const char *what,
                               const aml_key_place *at) {
    char lo[32], hi[32], text[128];
    aml_format_double(lo, k->lo);
    aml_format_double(hi, k->hi);
    if (!has_range(k)) snprintf(text, sizeof text, "%s", what);
    else if (isinf(k->hi))
        snprintf(text, sizeof text, "%s %s %s", what, k->open ? "above" : "of at least", lo);
    else if (isinf(k->lo))
        snprintf(text, sizeof text, "%s %s %s", what, k->open ? "below" : "of at most", hi);
    else
        snprintf(text, sizeof text, "%s %s %s %s %s", what, k->open ? "between" : "from", lo,
                 k->open ? "and" : "to", hi);
    return aml_key_expected(x, at, text, k->summary);
}

static aml_status read_flag(bool *to, const aml_json *x, const aml_key *k,
                            const aml_key_place *at) {
    if (x->type != AML_JSON_TRUE && x->type != AML_JSON_FALSE)
        return aml_key_expected(x, at, "true or false", k->summary);
    *to = x->type == AML_JSON_TRUE;
    return AML_OK;
}

static aml_status read_text(const char **to, const aml_json *x, const aml_key *k,
                            const aml_key_place *at) {
    if (x->type != AML_JSON_STRING) return aml_key_expected(x, at, "a text", k->summary);
    if (!*x->string) return aml_key_expected(x, at, "a text that is not empty", k->summary);
    size_t i = 0;
    for (const char *w; k->word && (w = k->word(i)) && strcmp(w, x->string) != 0;) i++;
    if (k->word && !k->word(i))
        return aml_key_unknown(x, false, aml_printf(at->keep, "`%s` cannot be", at->path), k->word);
    *to = x->string;
    return AML_OK;
}

static aml_status read_texts(const char *const **to, const aml_json *x, const aml_key *k,
                             const aml_key_place *at) {
    const char **list = AML_ARRAY(at->keep, x->size + 2, const char *);
    if (!list) return AML_ENOMEM;
    if (x->type == AML_JSON_STRING) {
        AML_TRY(read_text(&list[0], x, k, at));
    } else {
        size_t n = 0;
        if (x->type != AML_JSON_ARRAY)
            return aml_key_expected(x, at, "a list of texts", k->summary);
        for (const aml_json *item = x->child; item; item = item->next, n++) {
            aml_key_place place = aml_key_element(at, n);
            AML_TRY(read_text(&list[n], item, k, &place));
        }
    }
    *to = list;
    return AML_OK;
}

static aml_status read_real(double *to, const aml_json *x, const aml_key *k,
                            const aml_key_place *at) {
    if (x->type != AML_JSON_NUMBER || !in_range(k, x->number))
        return out_of_range(x, k, "a number", at);
    *to = x->number;
    return AML_OK;
}

static aml_status read_real_at(const double **to, const aml_json *x, const aml_key *k,
                               const aml_key_place *at) {
    double *value = AML_NEW(at->keep, double);
    if (!value) return AML_ENOMEM;
    AML_TRY(read_real(value, x, k, at));
    *to = value;
    return AML_OK;
}

static aml_status read_whole(double *to, const aml_json *x, const aml_key *k,
                             const aml_key_place *at) {
    double least = k->type == AML_KEY_INT ? INT_MIN : 0,
           most = k->type == AML_KEY_INT ? INT_MAX : 0x1p53;
    if (!is_whole(x) || !in_range(k, x->number) || x->number < least || x->number > most)
        return out_of_range(x, k, "an integer", at);
    *to = x->number;
    return AML_OK;
}

/* All 64 bits: by its digits. */
static aml_status read_seed(uint64_t *to, const aml_json *x, const aml_key_place *at) {
    uint64_t value = 0;
    bool good = x->type == AML_JSON_NUMBER;
    for (const char *s = good ? x->string : ""; good && *s; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        good = *s >= '0' && *s <= '9' && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (!good) return aml_key_expected(x, at, "an integer from 0 to 18446744073709551615", NULL);
    *to = value;
    return AML_OK;
}

static aml_status read_seconds(double *to, const aml_json *x, const aml_key *k,
                               const aml_key_place *at) {
    double value = x->number;
    bool good = x->type == AML_JSON_NUMBER ||
                (x->type == AML_JSON_STRING && aml_parse_seconds(&value, x->string));
    if (!good || !(value > 0))
        return aml_key_expected(x, at, "a time (\"60s\", \"5m\", \"1h30m\") or a number of seconds",
                                k->summary);
    *to = value;
    return AML_OK;
}

static aml_status read_bytes(size_t *to, const aml_json *x, const aml_key *k,
                             const aml_key_place *at) {
    size_t value = 0;
    bool number = is_whole(x) && x->number >= 0;
    if (number) value = (size_t)x->number;
    if ((!number && !(x->type == AML_JSON_STRING && aml_parse_bytes(&value, x->string))) || !value)
        return aml_key_expected(x, at, "a size (\"512M\", \"2G\") or a number of bytes",
                                k->summary);
    *to = value;
    return AML_OK;
}

/* "5" and "true" of the environment or the command line. */
static aml_status settle(const aml_json *x, const aml_key *k, const aml_key_place *at) {
    bool texts = k->type == AML_KEY_TEXT || k->type == AML_KEY_TEXTS || k->type == AML_KEY_OBJECT ||
                 k->type == AML_KEY_OWN;
    return x->untyped && !texts ? aml_json_settle((aml_json *)x, at->keep) : AML_OK;
}

/* What the key means stands under its message when there is nothing better. */
static aml_status explained(aml_status status, const aml_key *k) {
    if (status != AML_ECONFIG || aml_last_error()->help[0] || !k->summary) return status;
    return aml_help(status, NULL, "%s", k->summary);
}

aml_status aml_key_read(void *to, const aml_json *x, const aml_key *k, const aml_key_place *at) {
    double whole;
    AML_TRY(settle(x, k, at));
    switch (k->type) {
    case AML_KEY_FLAG: return read_flag(to, x, k, at);
    case AML_KEY_TEXT: return read_text(to, x, k, at);
    case AML_KEY_TEXTS: return read_texts(to, x, k, at);
    case AML_KEY_REAL: return read_real(to, x, k, at);
    case AML_KEY_REAL_AT: return read_real_at(to, x, k, at);
    case AML_KEY_INT:
        AML_TRY(read_whole(&whole, x, k, at));
        *(int *)to = (int)whole;
        return AML_OK;
    case AML_KEY_COUNT:
        AML_TRY(read_whole(&whole, x, k, at));
        *(size_t *)to = (size_t)whole;
        return AML_OK;
    case AML_KEY_SEED: return explained(read_seed(to, x, at), k);
    case AML_KEY_SECONDS: return read_seconds(to, x, k, at);
    case AML_KEY_BYTES: return read_bytes(to, x, k, at);
    case AML_KEY_OBJECT: return aml_keys_read(to, x, k->keys, at);
    case AML_KEY_OWN: return explained(k->read(to, x, at), k);
    }
    return AML_OK;
}

/* ---- objects */

static aml_status unknown_key(const aml_json *x, const aml_key *keys, const aml_key_place *at) {
    const char *names[MOST_WORDS];
    size_t n = 0;
    for (; n < MOST_WORDS && keys[n].name; n++) names[n] = keys[n].name;
    return unknown(x, true,
                   at->path[0] ? aml_printf(at->keep, "`%s` has no key", at->path) : "unknown key",
                   names, n, belongs(at->root, x->name, at));
}

aml_status aml_keys_read(void *out, const aml_json *object, const aml_key *keys,
                         const aml_key_place *at) {
    AML_TRY(aml_key_need(object, AML_JSON_OBJECT, at));
    for (const aml_json *x = object->child; x; x = x->next) {
        const aml_key *k = keys;
        while (k->name && strcmp(k->name, x->name) != 0) k++;
        if (!k->name) return unknown_key(x, keys, at);
        if (x->type == AML_JSON_NULL) continue;
        aml_key_place place = aml_key_member(at, k->name);
        AML_TRY(aml_key_read((char *)out + k->member, x, k, &place));
    }
    for (const aml_key *k = keys; k->name; k++) {
        const aml_json *x = k->required ? aml_json_find(object, k->name) : object;
        if (x && x->type != AML_JSON_NULL) continue;
        aml_key_place place = aml_key_member(at, k->name);
        aml_fail_at(AML_ECONFIG, object->file, object->line, object->column, "`%s` is missing",
                    place.path);
        return aml_help(AML_ECONFIG, NULL, "%s", k->summary ? k->summary : "add it");
    }
    return AML_OK;
}
