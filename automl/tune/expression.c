/* expression.c: rules as text, compiled to a list of operations on a stack. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/tune/expression_internal.h"

typedef struct programs {
    const aml_space *space;
    size_t n;
    program *at;
} programs;

typedef struct parser {
    const aml_rule *rule;
    const aml_space *space;
    aml_arena *keep;
    size_t at, n, depth, stack;
    op ops[MOST_OPS];
} parser;

/* ---- parsing ---- */

__attribute__((format(printf, 3, 4))) static aml_status wrong(const parser *p, size_t at,
                                                              const char *format, ...) {
    char text[400], rule[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aml_printable(rule, sizeof rule, p->rule->text, strlen(p->rule->text), 70);
    aml_fail_at(AML_ECONFIG, p->rule->file, p->rule->line, p->rule->column + at,
                "constraint `%s`: %s", rule, text);
    return aml_help(AML_ECONFIG, NULL,
                    "a constraint is such as batch_size * layers <= 1024, or kind == \"a\"");
}

static void skip(parser *p) { p->at += strspn(p->rule->text + p->at, " \t\r\n"); }

static bool word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || (unsigned char)c >= 0x80;
}

/* Takes a sign or a word that is next. */
static bool take(parser *p, const char *word) {
    skip(p);
    const char *t = p->rule->text + p->at;
    size_t n = strlen(word);
    if (strncmp(t, word, n) != 0 || (word_char(word[0]) && word_char(t[n]))) return false;
    p->at += n;
    return true;
}

static aml_status expected(parser *p, const char *what) {
    skip(p);
    char shown[64];
    const char *t = p->rule->text + p->at;
    if (!*t) return wrong(p, p->at, "expected %s, but it ends here", what);
    return wrong(p, p->at, "expected %s, found `%s`", what,
                 aml_printable(shown, sizeof shown, t, strlen(t), 12));
}

static aml_status add(parser *p, op o) {
    if (p->n == MOST_OPS) return wrong(p, p->at, "it is too long");
    p->ops[p->n++] = o;
    if (o.kind <= OP_NAME) p->stack++;
    return p->stack < MOST_DEEP ? AML_OK : wrong(p, p->at, "it is too long");
}

static aml_status add_two(parser *p, op_kind kind) {
    p->stack--;
    return add(p, (op){.kind = kind});
}

static aml_status parse_or(parser *p);
static aml_status parse_sum(parser *p);

static aml_status parse_call(parser *p, size_t f, size_t at) {
    size_t n = 1;
    AML_TRY(parse_sum(p));
    for (; take(p, ","); n++) {
        AML_TRY(parse_sum(p));
        if (aml_rule_functions[f].two) AML_TRY(add_two(p, (op_kind)(OP_CALL + f)));
    }
    if (!take(p, ")")) return expected(p, "`,` or `)`");
    if (aml_rule_functions[f].two) return AML_OK;
    if (n > 1) return wrong(p, at, "%s takes one number", aml_rule_functions[f].name);
    return add(p, (op){.kind = (int)(OP_CALL + f)});
}

static aml_status unknown_function(const parser *p, size_t at, const char *name) {
    const char *names[N_FUNCTIONS];
    for (size_t f = 0; f < N_FUNCTIONS; f++) names[f] = aml_rule_functions[f].name;
    const char *near = aml_nearest(name, names, N_FUNCTIONS);
    static const char *const known =
        "min, max, abs, floor, ceil, round, sqrt, exp, log, log2, log10";
    aml_status status = wrong(p, at, "there is no function `%.80s`", name);
    if (near) return aml_help(status, NULL, "did you mean `%s`? known are %s", near, known);
    return aml_help(status, NULL, "known are %s", known);
}

static bool is_choice(const aml_space *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < aml_param_choices(s->dims[i].param); k++)
            if (!strcmp(s->dims[i].param->choices[k], name)) return true;
    return false;
}

static aml_status unknown_name(const parser *p, size_t at, const char *name) {
    const char *names[256 + N_FUNCTIONS];
    size_t n = 0;
    for (; n < p->space->n && n < 256; n++) names[n] = p->space->dims[n].name;
    for (size_t f = 0; f < N_FUNCTIONS; f++) names[n++] = aml_rule_functions[f].name;
    const char *near = aml_nearest(name, names, n);
    aml_status status = wrong(p, at, "there is no parameter `%.80s`", name);
    if (is_choice(p->space, name))
        return aml_help(status, NULL, "a text stands in quotes: \"%.80s\"", name);
    return near ? aml_help(status, NULL, "did you mean `%s`?", near) : status;
}

static aml_status parse_name(parser *p) {
    char name[128];
    size_t at = p->at, n = 0;
    const char *t = p->rule->text + at;
    while (word_char(t[n])) n++;
    snprintf(name, sizeof name, "%.*s", (int)(n < 127 ? n : 127), t);
    p->at += n;
    if (take(p, "(")) {
        for (size_t f = 0; f < N_FUNCTIONS; f++)
            if (!strcmp(aml_rule_functions[f].name, name)) return parse_call(p, f, at);
        return unknown_function(p, at, name);
    }
    for (size_t i = 0; i < p->space->n; i++)
        if (!strcmp(p->space->dims[i].name, name))
            return add(p,
                       (op){.kind = OP_NAME, .dim = i, .text = p->space->dims[i].name, .at = at});
    return unknown_name(p, at, name);
}

static aml_status parse_text(parser *p, char quote) {
    const char *t = p->rule->text + p->at + 1, *end = strchr(t, quote);
    if (!end) return wrong(p, p->at, "the text that begins here has no end");
    char *text = aml_strndup(p->keep, t, (size_t)(end - t));
    if (!text) return AML_ENOMEM;
    size_t at = p->at;
    p->at += (size_t)(end - t) + 2;
    return add(p, (op){.kind = OP_TEXT, .text = text, .at = at});
}

static aml_status parse_number(parser *p) {
    const char *t = p->rule->text + p->at;
    size_t n = strspn(t, "0123456789.");
    if ((t[n] == 'e' || t[n] == 'E') && strchr("+-0123456789", t[n + 1]) && t[n + 1]) {
        n += 2;
        n += strspn(t + n, "0123456789");
    }
    op o = {.kind = OP_NUMBER};
    size_t word = n;
    while (word_char(t[word])) word++;
    if (word > n || !aml_parse_double(&o.number, t, n))
        return wrong(p, p->at, "`%.*s` is not a number", (int)(word < 40 ? word : 40), t);
    p->at += n;
    return add(p, o);
}

static aml_status parse_unary(parser *p) {
    if (++p->depth > MOST_DEEP) return wrong(p, p->at, "it is nested too deep");
    aml_status status;
    skip(p);
    char c = p->rule->text[p->at];
    if (take(p, "-")) {
        status = parse_unary(p);
        if (!status) status = add(p, (op){.kind = OP_NEGATE});
    } else if (take(p, "(")) {
        status = parse_or(p);
        if (!status && !take(p, ")")) status = expected(p, "`)`");
    } else if (c == '"' || c == '\'') {
        status = parse_text(p, c);
    } else if ((c >= '0' && c <= '9') || c == '.') {
        status = parse_number(p);
    } else if (word_char(c)) {
        status = parse_name(p);
    } else {
        status = expected(p, "a number or a parameter");
    }
    p->depth--;
    return status;
}

static aml_status parse_power(parser *p) {
    AML_TRY(parse_unary(p));
    if (!take(p, "^") && !take(p, "**")) return AML_OK;
    if (++p->depth > MOST_DEEP) return wrong(p, p->at, "it is nested too deep");
    AML_TRY(parse_power(p));
    p->depth--;
    return add_two(p, OP_POWER);
}

typedef struct sign {
    const char *text;
    op_kind kind;
    bool swap;
} sign;

/* Left to right: operand { sign operand }. */
static aml_status parse_chain(parser *p, aml_status (*operand)(parser *), const sign *signs,
                              bool once) {
    AML_TRY(operand(p));
    for (;;) {
        const sign *s = signs;
        while (s->text && !take(p, s->text)) s++;
        if (!s->text) return AML_OK;
        AML_TRY(operand(p));
        if (s->swap) AML_TRY(add(p, (op){.kind = OP_SWAP}));
        AML_TRY(add_two(p, s->kind));
        if (once) return AML_OK;
    }
}

static aml_status parse_product(parser *p) {
    static const sign signs[] = {
        {"*", OP_MULTIPLY, false}, {"/", OP_DIVIDE, false}, {"%", OP_REMAINDER, false}, {0}};
    return parse_chain(p, parse_power, signs, false);
}

static aml_status parse_sum(parser *p) {
    static const sign signs[] = {{"+", OP_ADD, false}, {"-", OP_SUBTRACT, false}, {0}};
    return parse_chain(p, parse_product, signs, false);
}

static aml_status parse_compare(parser *p) {
    static const sign signs[] = {{"<=", OP_LESS_EQUAL, false}, {"<", OP_LESS, false},
                                 {">=", OP_LESS_EQUAL, true},  {">", OP_LESS, true},
                                 {"==", OP_EQUAL, false},      {"!=", OP_NOT_EQUAL, false},
                                 {"=", OP_EQUAL, false},       {0}};
    return parse_chain(p, parse_sum, signs, true);
}

static aml_status parse_not(parser *p) {
    skip(p);
    bool bang = p->rule->text[p->at] == '!' && p->rule->text[p->at + 1] != '=';
    if (!take(p, "not") && !(bang && take(p, "!"))) return parse_compare(p);
    if (++p->depth > MOST_DEEP) return wrong(p, p->at, "it is nested too deep");
    AML_TRY(parse_not(p));
    p->depth--;
    return add(p, (op){.kind = OP_NOT});
}

static aml_status parse_and(parser *p) {
    static const sign signs[] = {{"&&", OP_AND, false}, {"and", OP_AND, false}, {0}};
    return parse_chain(p, parse_not, signs, false);
}

static aml_status parse_or(parser *p) {
    static const sign signs[] = {{"||", OP_OR, false}, {"or", OP_OR, false}, {0}};
    return parse_chain(p, parse_and, signs, false);
}

static bool all_hold(const double *config, const void *arg) {
    const programs *all = arg;
    for (size_t i = 0; i < all->n; i++)
        if (!aml_rule_holds(&all->at[i], all->space, config)) return false;
    return true;
}

/* ---- */

static aml_status text_as_number(const parser *p, const op *o) {
    wrong(p, o->at, "`%.80s` is text, not a number", o->text);
    return aml_help(AML_ECONFIG, NULL, "a text can be compared, with == and !=");
}

static aml_status compile(program *out, const aml_space *space, const aml_rule *rule,
                          aml_arena *keep) {
    parser *p = AML_NEW(keep, parser);
    if (!p) return AML_ENOMEM;
    *p = (parser){.rule = rule, .space = space, .keep = keep};
    AML_TRY(parse_or(p));
    skip(p);
    if (rule->text[p->at]) return expected(p, "an operator");
    const op *text = aml_rule_misused_text(&(program){p->n, p->ops}, space);
    if (text) return text_as_number(p, text);
    bool says = false;
    for (size_t i = 0; i < p->n; i++)
        says |= p->ops[i].kind >= OP_OR && p->ops[i].kind <= OP_NOT_EQUAL;
    if (!says) {
        wrong(p, 0, "it compares nothing");
        return aml_help(AML_ECONFIG, NULL, "such as batch_size * layers <= 1024");
    }
    out->n = p->n;
    out->ops = aml_copy(keep, p->ops, p->n * sizeof *p->ops);
    return out->ops ? AML_OK : AML_ENOMEM;
}

aml_status aml_rules_set(aml_space *space, const aml_rule *rules, size_t n, aml_arena *keep) {
    if (!n) return AML_OK;
    programs *all = AML_NEW(keep, programs);
    aml_space *copy = aml_copy(keep, space, sizeof *space); /* dimensions alone, for the rules */
    if (!all || !copy) return AML_ENOMEM;
    all->space = copy;
    all->n = n;
    all->at = AML_ARRAY(keep, n, program);
    if (!all->at) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) AML_TRY(compile(&all->at[i], copy, &rules[i], keep));
    space->allows = all_hold;
    space->arg = all;
    return AML_OK;
}
