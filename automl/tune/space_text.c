/* space_text.c: the short form of a search space: lr = loguniform(1e-4, 1e-1); depth = int(2, 10). */
#include <stdio.h>
#include <string.h>

#include "automl/tune/expression.h"
#include "automl/tune/space.h"

enum { MOST_TEXT = 1 << 24 };

typedef struct reader {
    aml_space_maker *m;
    aml_definition *d;
    const char *begin, *at, *end; /* the whole text, what is read, where the parameter ends */
} reader;

/* ---- places ---- */

static void place(size_t *line, size_t *column, const char *begin, const char *at) {
    *line = *column = 1;
    for (const char *c = begin; c < at; c++) {
        if (*c == '\n') ++*line, *column = 1;
        else if (((unsigned char)*c & 0xC0) != 0x80) ++*column;
    }
}

static void here(reader *r) { place(&r->d->line, &r->d->column, r->begin, r->at); }

static void skip(reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at)) r->at++;
}

static bool is_next(reader *r, char c) {
    skip(r);
    if (r->at >= r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static aml_status expected(reader *r, const char *what) {
    char shown[64];
    skip(r);
    here(r);
    const char *help = "such as lr = loguniform(1e-4, 0.1), depth = int(2, 10), "
                       "booster = choice(gbtree, dart)";
    if (r->at >= r->end)
        return aml_space_wrong(r->m, r->d, help, "expected %s, but the parameter ends here", what);
    aml_printable(shown, sizeof shown, r->at, (size_t)(r->end - r->at), 12);
    return aml_space_wrong(r->m, r->d, help, "expected %s, found `%s`", what, shown);
}

/* ---- words ---- */

/* A word up to one of `ends`, or what is in quotes; blanks around it are left out. */
static aml_status take_word(const char **out, bool *quoted, reader *r, const char *ends,
                            const char *what) {
    skip(r);
    const char *from = r->at, *to;
    *quoted = r->at < r->end && (*r->at == '"' || *r->at == '\'');
    if (*quoted) {
        to = memchr(from + 1, *from, (size_t)(r->end - from - 1));
        if (!to) return expected(r, "a closing quote");
        r->at = to + 1;
        from++;
    } else {
        while (r->at < r->end && !strchr(ends, *r->at)) r->at++;
        to = r->at;
        while (to > from && strchr(" \t\r\n", to[-1])) to--;
        if (to == from) {
            r->at = from;
            return expected(r, what);
        }
    }
    *out = aml_strndup(r->m->keep, from, (size_t)(to - from));
    return *out ? AML_OK : AML_ENOMEM;
}

static aml_json_type type_of(const char *word, bool quoted) {
    double x;
    if (quoted) return AML_JSON_STRING;
    if (!strcmp(word, "true")) return AML_JSON_TRUE;
    if (!strcmp(word, "false")) return AML_JSON_FALSE;
    return aml_parse_double(&x, word, strlen(word)) ? AML_JSON_NUMBER : AML_JSON_STRING;
}

static aml_status add_value(reader *r, const char *word, bool quoted) {
    aml_definition *d = r->d;
    if (d->n_values % 16 == 0) {
        const char **values = AML_ARRAY(r->m->keep, d->n_values + 16, const char *);
        aml_json_type *types = AML_ARRAY(r->m->keep, d->n_values + 16, aml_json_type);
        if (!values || !types) return AML_ENOMEM;
        if (d->n_values) {
            memcpy(values, d->values, d->n_values * sizeof *values);
            memcpy(types, d->types, d->n_values * sizeof *types);
        }
        d->values = values;
        d->types = types;
    }
    d->values[d->n_values] = word;
    d->types[d->n_values++] = type_of(word, quoted);
    return AML_OK;
}

/* ---- arguments ---- */

static int range_key(const char *word) {
    static const char *const names[] = {"min", "max", "q", "mu", "sigma", "upper", "step"};
    for (int k = 0; k < AML_N_RANGE; k++)
        if (!strcmp(names[k], word)) return k;
    return -1;
}

static aml_status set_number(reader *r, int key, const char *word) {
    if (r->d->given[key])
        return aml_space_wrong(r->m, r->d, NULL, "parameter `%s`: one argument is given twice",
                               r->d->name);
    if (!aml_parse_double(&r->d->number[key], word, strlen(word)))
        return aml_space_wrong(r->m, r->d, NULL, "parameter `%s`: `%.60s` is not a number",
                               r->d->name, word);
    r->d->given[key] = true;
    return AML_OK;
}

/* key=value, `log`, a value of a choice, or the next number in the order of the type's keys. */
static aml_status take_argument(reader *r, unsigned keys, bool values, unsigned *taken) {
    const char *word, *value;
    bool quoted;
    skip(r);
    here(r);
    AML_TRY(take_word(&word, &quoted, r, ",)=", "a value"));
    if (!quoted && is_next(r, '=')) {
        int key = range_key(word);
        skip(r);
        here(r);
        AML_TRY(take_word(&value, &quoted, r, ",)", "a value"));
        if (!strcmp(word, "default")) {
            r->d->fallback = value;
            return AML_OK;
        }
        if (key < 0)
            return aml_space_wrong(r->m, r->d,
                                   "they are min, max, q, mu, sigma, upper, step and default",
                                   "parameter `%s`: unknown argument `%.60s`", r->d->name, word);
        return set_number(r, key, value);
    }
    if (values) return add_value(r, word, quoted);
    if (!strcmp(word, "log")) {
        r->d->log = true;
        return AML_OK;
    }
    for (int k = 0; k < AML_N_RANGE; k++) {
        if (!(keys & ~*taken & 1u << k) || r->d->given[k]) continue;
        *taken |= 1u << k;
        return set_number(r, k, word);
    }
    return aml_space_wrong(r->m, r->d, NULL, "parameter `%s`: %s takes no further value `%.60s`",
                           r->d->name, r->d->type, word);
}

static aml_status take_arguments(reader *r) {
    unsigned needed, optional, taken = 0;
    bool values;
    if (!aml_space_type_keys(r->m, r->d, &needed, &optional, &values)) return AML_ECONFIG;
    /* steps come last; q comes last of its type */
    if (is_next(r, ')')) return AML_OK;
    do {
        AML_TRY(take_argument(r, needed | optional, values, &taken));
    } while (is_next(r, ','));
    return is_next(r, ')') ? AML_OK : expected(r, "`,` or `)`");
}

/* ---- a parameter ---- */

static aml_status take_list(reader *r) {
    const char *word;
    bool quoted;
    r->d->type = "choice";
    do {
        AML_TRY(take_word(&word, &quoted, r, ",]", "a value"));
        AML_TRY(add_value(r, word, quoted));
    } while (is_next(r, ','));
    return is_next(r, ']') ? AML_OK : expected(r, "`,` or `]`");
}

/* "if booster == dart", "if booster == dart | goss". */
static aml_status take_condition(reader *r) {
    enum { MOST_VALUES = 64 };
    const char *name, *values[MOST_VALUES];
    size_t n = 0;
    bool quoted;
    skip(r);
    if (r->at >= r->end) return AML_OK;
    if (r->end - r->at < 3 || memcmp(r->at, "if", 2) != 0 || !strchr(" \t", r->at[2]))
        return expected(r, "`if`, or the end of the parameter");
    r->at += 3;
    skip(r);
    here(r);
    AML_TRY(take_word(&name, &quoted, r, "= \t", "the name of a parameter above"));
    if (!is_next(r, '=')) return expected(r, "`==`");
    is_next(r, '=');
    do {
        if (n == MOST_VALUES) return expected(r, "fewer values");
        AML_TRY(take_word(&values[n++], &quoted, r, "|", "a value"));
    } while (is_next(r, '|'));
    skip(r);
    if (r->at < r->end) return expected(r, "the end of the parameter");
    return aml_space_condition(r->d, r->m, name, values, n);
}

static aml_status take_parameter(reader *r) {
    const char *word;
    bool quoted;
    here(r);
    AML_TRY(take_word(&r->d->name, &quoted, r, "=(", "the name of a parameter"));
    if (!is_next(r, '=')) return expected(r, "`=`");
    skip(r);
    here(r);
    aml_definition at = *r->d;
    if (is_next(r, '[')) {
        AML_TRY(take_list(r));
    } else {
        const char *from = r->at;
        AML_TRY(take_word(&word, &quoted, r, "( \t\r\n", "a value or a type"));
        if (!quoted && is_next(r, '(')) {
            r->d->type = word;
            AML_TRY(take_arguments(r));
        } else if (!quoted && type_of(word, false) == AML_JSON_STRING && *from) {
            r->d->type = "constant";
            AML_TRY(add_value(r, word, false));
        } else {
            r->d->type = "constant";
            AML_TRY(add_value(r, word, quoted));
        }
    }
    AML_TRY(take_condition(r));
    r->d->line = at.line;
    r->d->column = at.column;
    return aml_space_add(r->m, r->d);
}

/* The end of the item that begins at `at`: a semicolon or a line's end outside of brackets and quotes. */
static const char *item_end(const char *at) {
    int depth = 0;
    char quote = 0;
    for (; *at; at++) {
        if (quote) {
            if (*at == quote || *at == '\n') quote = 0;
        } else if (*at == '"' || *at == '\'') quote = *at;
        else if (*at == '(' || *at == '[') depth++;
        else if (*at == ')' || *at == ']') depth--;
        else if (*at == ';' || (*at == '\n' && depth <= 0)) break;
    }
    return at;
}

static aml_status parse_short(aml_space_maker *m, const char *text) {
    for (const char *at = text;;) {
        aml_definition d = {.name = "", .type = "", .parent = -1, .plain = true};
        reader r = {.m = m, .d = &d, .begin = text, .at = at, .end = item_end(at)};
        skip(&r);
        if (r.at < r.end && *r.at == '#') r.end = r.at + strcspn(r.at, "\n");
        else if (r.at < r.end) AML_TRY(take_parameter(&r));
        if (!*r.end) return AML_OK;
        at = r.end + 1;
    }
}

/* ---- */

static aml_status parse_rules(aml_user_space *s, const char *text, aml_arena *keep) {
    size_t n = 0, room = 2;
    for (const char *c = text; *c; c++) room += *c == ';' || *c == '\n';
    aml_rule *rules = AML_ARRAY(keep, room, aml_rule);
    if (!rules) return AML_ENOMEM;
    for (const char *at = text;;) {
        const char *end = item_end(at);
        aml_rule *r = &rules[n];
        at += strspn(at, " \t\r\n");
        if (at < end && *at != '#') {
            r->file = "constraints";
            r->text = aml_strndup(keep, at, (size_t)(end - at));
            if (!r->text) return AML_ENOMEM;
            place(&r->line, &r->column, text, at);
            n++;
        }
        if (!*end) return aml_rules_set(&s->space, rules, n, keep);
        at = end + 1;
    }
}

static char first_char(const char *text) { return text[strspn(text, " \t\r\n")]; }

/* Does the text look like JSON that begins with `bracket`? Comments may stand before it. */
static bool is_json(const char *text, char bracket) {
    char c = first_char(text);
    return c == bracket || c == '/';
}

aml_status aml_user_space_parse(aml_user_space **out, const char *space, const char *constraints,
                                aml_arena *keep) {
    aml_json *object, *list = NULL;
    bool rules = constraints && first_char(constraints);
    if (strlen(space) > MOST_TEXT) return aml_fail(AML_ECONFIG, "the search space is too long");
    if (rules && is_json(constraints, '['))
        AML_TRY(aml_json_parse(&list, keep, constraints, strlen(constraints), "constraints",
                               AML_JSON_COMMENTS, AML_ECONFIG));
    if (is_json(space, '{')) {
        AML_TRY(aml_json_parse(&object, keep, space, strlen(space), "search space",
                               AML_JSON_COMMENTS, AML_ECONFIG));
        AML_TRY(aml_user_space_read(out, object, list, "search space", keep));
    } else {
        aml_space_maker m = {.keep = keep, .file = "search space"};
        AML_TRY(parse_short(&m, space));
        AML_TRY(aml_space_finish(out, &m));
    }
    if (list && !is_json(space, '{')) return aml_user_space_rules(*out, list, "constraints", keep);
    return rules && !list ? parse_rules(*out, constraints, keep) : AML_OK;
}
