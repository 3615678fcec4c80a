/* args.c: the option parser. */
#include "automl/cli/args.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "automl/cli/cli.h"

enum { MAX_OPTIONS = 64 };

typedef struct parser {
    cli_args *args;
    const cli_verb *verb;
    char **argv;
    size_t n, at;
    bool seen[MAX_OPTIONS];
} parser;

static int bad_usage(const parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int bad_usage(const parser *p, const char *format, ...) {
    char help[128], text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(help, sizeof help, "see `automl %s --help`", p->verb->name);
    return cli_fail(AML_EUSAGE, help, "%s", text);
}

/* ---- values */

/* The parts of text[0 … length-1] between the separators, NULL-ended, in one block of memory. */
static const char **split(const char *text, size_t length, char separator) {
    size_t n = 1;
    for (size_t i = 0; i < length; i++) n += text[i] == separator;
    const char **parts = malloc((n + 1) * sizeof *parts + length + 1);
    if (!parts) return NULL;
    char *copy = (char *)(parts + n + 1);
    memcpy(copy, text, length);
    copy[length] = 0;
    for (size_t i = 0; i < n; i++) {
        char *end = strchr(copy, separator);
        parts[i] = copy;
        if (!end) break;
        *end = 0;
        copy = end + 1;
    }
    parts[n] = NULL;
    return parts;
}

static bool set_names(const char ***out, const char *value) {
    *out = split(value, strlen(value), ',');
    return *out != NULL;
}

/* One more text behind those there are. */
static bool add_text(const char ***list, const char *value) {
    size_t n = 0;
    while (*list && (*list)[n]) n++;
    const char **longer = realloc(*list, (n + 2) * sizeof *longer);
    if (!longer) return false;
    longer[n] = value;
    longer[n + 1] = NULL;
    *list = longer;
    return true;
}

static void free_groups(const char ***groups) {
    for (size_t i = 0; groups && groups[i]; i++) free(groups[i]);
    free(groups);
}

static bool set_groups(const char ****out, const char *value) {
    size_t n = 1;
    for (const char *s = value; *s; s++) n += *s == ';';
    *out = calloc(n + 1, sizeof **out);
    for (size_t i = 0; *out && i < n; i++) {
        size_t length = strcspn(value, ";");
        (*out)[i] = split(value, length, ',');
        if (!(*out)[i]) return false;
        value += length + 1;
    }
    return *out != NULL;
}

/* A name is missing before, between or behind the separators. */
static bool has_empty_name(const char *value, const char *separators) {
    for (;; value++) {
        size_t length = strcspn(value, separators);
        if (!length) return true;
        value += length;
        if (!*value) return false;
    }
}

static int bad_value(const cli_option *o, const char *value, const char *form) {
    char help[160];
    snprintf(help, sizeof help, "write it as %s", form);
    return cli_fail(AML_EUSAGE, help, "`%.80s` is not a value for --%s", value, o->name);
}

static int set_number(const parser *p, const cli_option *o, const char *value) {
    char *to = (char *)p->args + o->member;
    uint64_t x = 0;
    bool valid = cli_parse_uint(&x, value);
    switch (o->kind) {
    case CLI_COUNT:
        if (!valid || !x) return bad_value(o, value, "a whole number from 1 on");
        *(size_t *)(void *)to = x;
        return 0;
    case CLI_LINES:
        if (!valid) return bad_value(o, value, "a whole number of lines; 0 for none");
        *(size_t *)(void *)to = x ? x : AML_NO_LINES;
        return 0;
    case CLI_SMALL:
        if (!valid || !x || x > 1024) return bad_value(o, value, "a whole number from 1 to 1024");
        *(int *)(void *)to = (int)x;
        return 0;
    default:
        if (!valid) return bad_value(o, value, "a whole number from 0 to 18446744073709551615");
        *(uint64_t *)(void *)to = x;
        return 0;
    }
}

static int set_value(const parser *p, const cli_option *o, const char *value) {
    char *to = (char *)p->args + o->member;
    uint64_t bytes;
    switch (o->kind) {
    case CLI_FLAG: *(bool *)(void *)to = true; return 0;
    case CLI_TEXT:
        if (!*value) return bad_usage(p, "the value of --%s is empty", o->name);
        *(const char **)(void *)to = value;
        return 0;
    case CLI_NAMES:
        if (has_empty_name(value, ","))
            return bad_value(o, value, "names with commas between them: A,B");
        if (set_names((const char ***)(void *)to, value)) return 0;
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    case CLI_EACH:
        if (add_text((const char ***)(void *)to, value)) return 0;
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    case CLI_GROUPS:
        if (has_empty_name(value, ",;"))
            return bad_value(o, value, "lists with semicolons between them: 'A,B;C,D'");
        if (set_groups((const char ****)(void *)to, value)) return 0;
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    case CLI_CHAR:
        if (!strcmp(value, "tab") || !strcmp(value, "\\t")) value = "\t";
        if (!value[0] || value[1]) return bad_value(o, value, "one character, or `tab`");
        *to = *value;
        return 0;
    case CLI_SECONDS:
        if (!cli_parse_seconds((double *)(void *)to, value) || !(*(double *)(void *)to > 0))
            return bad_value(o, value, "a time: 60s, 5m, 1h30m, 250ms, or a number of seconds");
        return 0;
    case CLI_BYTES:
        if (!cli_parse_bytes(&bytes, value) || !bytes)
            return bad_value(o, value, "a size: 512M, 2G, 1.5G, or a number of bytes");
        *(size_t *)(void *)to = bytes;
        return 0;
    case CLI_COUNT:
    case CLI_LINES:
    case CLI_SMALL:
    case CLI_SEED: break;
    }
    return set_number(p, o, value);
}

/* ---- options */

static size_t find(const cli_verb *verb, const char *name, size_t length) {
    for (size_t i = 0; i < verb->n_options; i++) {
        const char *known = verb->options[i].name;
        if (known && strlen(known) == length && !strncmp(known, name, length)) return i;
    }
    return verb->n_options;
}

static int unknown_option(const parser *p, const char *name) {
    const char *known[MAX_OPTIONS + 2] = {"help"};
    char word[128], help[256];
    size_t n = 1;
    for (size_t i = 0; i < p->verb->n_options; i++)
        if (p->verb->options[i].name) known[n++] = p->verb->options[i].name;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "="), name);
    const char *near = aml_suggest(word + strspn(word, "-"), known);
    if (!near) return bad_usage(p, "unknown option `%.80s`", word);
    snprintf(help, sizeof help, "did you mean `--%s`? `automl %s --help` lists the options", near,
             p->verb->name);
    return cli_fail(AML_EUSAGE, help, "unknown option `%.80s`", word);
}

/* `--target --json` is a forgotten value, not a column of that name. */
static bool is_option(const parser *p, const char *word) {
    return word[0] == '-' && word[1] == '-' &&
           find(p->verb, word + 2, strcspn(word + 2, "=")) < p->verb->n_options;
}

static int take_option(parser *p, const char *word) {
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name),
           i = find(p->verb, name, length);
    if (i == p->verb->n_options) return unknown_option(p, word);
    const cli_option *o = &p->verb->options[i];
    if (p->seen[i] && o->kind != CLI_EACH)
        return bad_usage(p, "option --%s is given twice", o->name);
    p->seen[i] = true;
    if (!o->value && equals) return bad_usage(p, "option --%s takes no value", o->name);
    if (!o->value) return set_value(p, o, "");
    if (equals) return set_value(p, o, equals + 1);
    if (p->at == p->n || is_option(p, p->argv[p->at]))
        return bad_usage(p, "option --%s needs a value", o->name);
    return set_value(p, o, p->argv[p->at++]);
}

static int take_operand(parser *p, const char *word) {
    cli_args *a = p->args;
    if (a->n_operands == p->verb->max_operands)
        return bad_usage(p, "unexpected argument `%.80s`", word);
    if (!*word) return bad_usage(p, "an argument of `%s` is empty", p->verb->name);
    a->operands[a->n_operands++] = word;
    return 0;
}

static bool wants_help(size_t n, char **argv) {
    for (size_t i = 0; i < n && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return true;
    return false;
}

static int check(const parser *p) {
    const cli_args *a = p->args;
    if (a->n_operands < p->verb->min_operands) {
        char help[256];
        snprintf(help, sizeof help, "automl %s %s", p->verb->name, p->verb->usage);
        return cli_fail(AML_EUSAGE, help, "`%s` needs %s", p->verb->name, p->verb->operands);
    }
    if (a->header && a->no_header)
        return bad_usage(p, "--header and --no-header exclude each other");
    if (a->json && a->csv) return bad_usage(p, "--json and --csv exclude each other");
    if (a->decimal && a->decimal != '.' && a->decimal != ',')
        return bad_usage(p, "the value of --decimal is neither `.` nor `,`");
    if (a->decimal && a->decimal == a->separator)
        return bad_usage(p, "--decimal and --separator are the same character");
    return 0;
}

int cli_args_parse(cli_args *out, const cli_verb *verb, size_t n, char **argv) {
    parser p = {.args = out, .verb = verb, .argv = argv, .n = n};
    bool ended = false;
    *out = (cli_args){.help = wants_help(n, argv)};
    if (out->help) return 0;
    while (p.at < n) {
        const char *word = argv[p.at++];
        int status = 0;
        if (!ended && !strcmp(word, "--") && verb->takes_command) {
            out->command = (const char *const *)(void *)(argv + p.at);
            break;
        }
        if (!ended && !strcmp(word, "--")) ended = true;
        else if (!ended && word[0] == '-' && word[1] == '-') status = take_option(&p, word);
        else if (!ended && word[0] == '-' && word[1] && !strchr("0123456789.", word[1]))
            status = unknown_option(&p, word);
        else status = take_operand(&p, word);
        if (status) return status;
    }
    return check(&p);
}

void cli_args_free(cli_args *args) {
    free(args->drop);
    free(args->sets);
    free(args->learners);
    free(args->keep);
    free(args->increasing);
    free(args->decreasing);
    free(args->tags);
    free_groups(args->interactions);
    free(args->metrics);
}
