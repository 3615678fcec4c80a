/* command.c: templates of commands. */
#include "automl/tune/command.h"

#include <string.h>

struct aml_command {
    const char **words; /* NULL-ended; of a shell: /bin/sh -c TEXT */
    bool shell;
};

/* ---- placeholders */

typedef struct placeholder {
    const char *kind; /* "search_space", "inputs", "outputs", "trial" */
    char name[128];
    size_t length; /* in the text */
} placeholder;

static const char *const trial_names[] = {"trial",  "attempt", "slot", "seed",
                                          "output", "params",  "args", NULL};

static bool is_first(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_name(char c) {
    return is_first(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool is_in(const char *const *list, const char *name) {
    for (; list && *list; list++)
        if (!strcmp(*list, name)) return true;
    return false;
}

/* ${{search_space.lr}}, with blanks allowed inside. */
static bool long_form(placeholder *p, const char *s) {
    static const char *const kinds[] = {"search_space", "inputs", "outputs"};
    if (strncmp(s, "${{", 3) != 0) return false;
    const char *at = s + 3 + strspn(s + 3, " "), *close = strstr(at, "}}");
    for (size_t i = 0; close && i < 3; i++) {
        size_t n = strlen(kinds[i]);
        if (strncmp(at, kinds[i], n) != 0 || at[n] != '.') continue;
        const char *name = at + n + 1;
        size_t length = strcspn(name, " }");
        if (!length || length >= sizeof p->name ||
            name + length + strspn(name + length, " ") != close)
            continue;
        p->kind = kinds[i];
        memcpy(p->name, name, length);
        p->name[length] = 0;
        p->length = (size_t)(close + 2 - s);
        return true;
    }
    return false;
}

static bool short_form(placeholder *p, const char *s) {
    if (*s != '{' || !is_first(s[1])) return false;
    size_t n = 1;
    while (is_name(s[1 + n])) n++;
    if (s[1 + n] != '}' || n >= sizeof p->name) return false;
    memcpy(p->name, s + 1, n);
    p->name[n] = 0;
    p->kind = NULL;
    p->length = n + 2;
    return true;
}

/* {{lr}} is the text {lr}. */
static bool escaped_form(placeholder *p, const char *s) {
    if (s[0] != '{' || !short_form(p, s + 1) || s[1 + p->length] != '}') return false;
    p->kind = "text";
    p->length += 2;
    return true;
}

/* A parameter named like something of the trial's wins. */
static void set_kind(placeholder *p, const aml_command_names *names) {
    if (p->kind) return;
    p->kind = "search_space";
    if (!is_in(names->params, p->name) && is_in(trial_names, p->name)) p->kind = "trial";
}

/* From s on: *text bytes up to the next placeholder, then that. ${name} is the shell's. False: the end. */
static bool next(placeholder *p, size_t *text, const char *s) {
    for (*text = 0; s[*text]; ++*text) {
        const char *at = s + *text;
        bool shells = *text && at[-1] == '$';
        if (long_form(p, at) || escaped_form(p, at) || (!shells && short_form(p, at))) return true;
    }
    return false;
}

/* ---- checking */

static aml_status unknown(const aml_json *place, const placeholder *p,
                          const aml_command_names *names) {
    const char *const *lists[] = {names->params, names->inputs, names->outputs, trial_names};
    const char *all[256];
    size_t n = 0;
    bool inputs = !strcmp(p->kind, "inputs"), outputs = !strcmp(p->kind, "outputs");
    for (size_t k = 0; k < 4; k++) {
        if (inputs ? k != 1 : outputs ? k != 2 : k == 1 || k == 2) continue;
        for (const char *const *list = lists[k]; list && *list && n < 256; list++) all[n++] = *list;
    }
    aml_fail_at(AML_ECONFIG, place ? place->file : NULL, place ? place->line : 0,
                place ? place->column : 0,
                "the command has a placeholder {%s}, but there is no %s of that name", p->name,
                inputs    ? "input"
                : outputs ? "output"
                          : "parameter");
    const char *near = aml_nearest(p->name, all, n);
    if (near) return aml_help(AML_ECONFIG, NULL, "did you mean {%s}?", near);
    aml_string known = {0};
    for (size_t i = 0; i < n && i < 12; i++)
        aml_string_printf(&known, "%s{%s}", i ? ", " : "", all[i]);
    aml_help(AML_ECONFIG, NULL, "there are %s; write {{%s}} for the text {%s}",
             known.text ? known.text : "none", p->name, p->name);
    aml_string_free(&known);
    return AML_ECONFIG;
}

aml_status aml_command_check_text(const aml_json *place, const char *text,
                                  const aml_command_names *names) {
    placeholder p;
    size_t n;
    for (; next(&p, &n, text); text += n + p.length) {
        set_kind(&p, names);
        if (!strcmp(p.kind, "text")) continue;
        const char *const *list = !strcmp(p.kind, "inputs")    ? names->inputs
                                  : !strcmp(p.kind, "outputs") ? names->outputs
                                  : !strcmp(p.kind, "trial")   ? trial_names
                                                               : names->params;
        if (!is_in(list, p.name)) return unknown(place, &p, names);
    }
    return AML_OK;
}

/* ---- splitting */

static aml_status needs_shell(const aml_json *source, char c) {
    aml_fail_at(AML_ECONFIG, source->file, source->line, source->column,
                "the command has a `%c`, which only a shell understands", c);
    return aml_help(AML_ECONFIG, NULL, "add \"shell\": true, or put quotes around it");
}

static aml_status open_quote(const aml_json *source, char c) {
    return aml_fail_at(AML_ECONFIG, source->file, source->line, source->column,
                       "the command has a quote (%c) that is not closed", c);
}

/* One word from s on; *used bytes of it. */
static aml_status take_word(aml_string *word, size_t *used, const char *s, const aml_json *source) {
    size_t i = 0;
    placeholder p;
    for (; s[i] && !strchr(" \t\n\r", s[i]); i++) {
        char quote = s[i] == '\'' || s[i] == '"' ? s[i] : 0;
        if (long_form(&p, s + i)) {
            aml_string_add(word, s + i, p.length);
            i += p.length - 1;
        } else if (quote) {
            for (i++; s[i] && s[i] != quote; i++) {
                if (quote == '"' && s[i] == '\\' && s[i + 1] && strchr("\"\\$`", s[i + 1])) i++;
                aml_string_add(word, s + i, 1);
            }
            if (!s[i]) return open_quote(source, quote);
        } else if (s[i] == '\\' && s[i + 1]) {
            aml_string_add(word, s + ++i, 1);
        } else if (strchr("|&;<>()$`*?", s[i])) {
            return needs_shell(source, s[i]);
        } else {
            aml_string_add(word, s + i, 1);
        }
    }
    *used = i;
    return AML_OK;
}

static aml_status split(aml_command *c, const aml_json *source, aml_arena *keep) {
    const char *s = source->string;
    c->words = AML_ARRAY(keep, strlen(s) / 2 + 2, const char *);
    if (!c->words) return AML_ENOMEM;
    for (size_t n = 0, used = 0; *(s += strspn(s, " \t\n\r")); s += used) {
        aml_string word = {0};
        aml_status status = take_word(&word, &used, s, source);
        if (!status) c->words[n] = aml_strdup(keep, word.text ? word.text : "");
        if (!status && (!c->words[n] || word.failed)) status = AML_ENOMEM;
        aml_string_free(&word);
        if (status) return status;
        n++;
    }
    return AML_OK;
}

static aml_status copy_list(aml_command *c, const aml_json *source, const char *const *words,
                            aml_arena *keep) {
    size_t n = 0, i = 0;
    while (words && words[n]) n++;
    if (source && source->type == AML_JSON_ARRAY) n = source->size;
    c->words = AML_ARRAY(keep, n + 1, const char *);
    if (!c->words) return AML_ENOMEM;
    for (; words && i < n; i++) c->words[i] = words[i];
    for (const aml_json *x = words ? NULL : source->child; x; x = x->next)
        c->words[i++] = x->string;
    return AML_OK;
}

/* Words of a command line for a shell are one text, as they stand. */
static aml_status for_shell(aml_command *c, const aml_json *source, const char *const *words,
                            aml_arena *keep) {
    aml_string text = {0};
    for (size_t i = 0; words && words[i]; i++)
        aml_string_printf(&text, "%s%s", i ? " " : "", words[i]);
    if (!words && source->type != AML_JSON_STRING)
        return aml_fail_at(AML_ECONFIG, source->file, source->line, source->column,
                           "with \"shell\": true the command is one text, not a list");
    c->words = AML_ARRAY(keep, 4, const char *);
    if (c->words) {
        c->words[0] = "/bin/sh";
        c->words[1] = "-c";
        c->words[2] = aml_strdup(keep, words ? text.text : source->string);
    }
    bool good = c->words && c->words[2];
    aml_string_free(&text);
    return good ? AML_OK : AML_ENOMEM;
}

aml_status aml_command_read(aml_command **out, const aml_json *source, const char *const *words,
                            bool shell, const aml_command_names *names, aml_arena *keep) {
    aml_command *c = AML_NEW(keep, aml_command);
    if (!c) return AML_ENOMEM;
    c->shell = shell;
    if (words) source = NULL;
    if (shell) AML_TRY(for_shell(c, source, words, keep));
    else if (source && source->type == AML_JSON_STRING) AML_TRY(split(c, source, keep));
    else AML_TRY(copy_list(c, source, words, keep));
    if (!c->words[0] || !*c->words[0])
        return aml_fail_at(AML_ECONFIG, source ? source->file : NULL, source ? source->line : 0,
                           source ? source->column : 0, "the command is empty");
    for (size_t i = 0; c->words[i]; i++)
        AML_TRY(aml_command_check_text(source, c->words[i], names));
    *out = c;
    return AML_OK;
}

bool aml_command_uses(const aml_command *c, const char *name) {
    placeholder p;
    size_t n;
    for (size_t i = 0; c->words[i]; i++)
        for (const char *s = c->words[i]; next(&p, &n, s); s += n + p.length)
            if (!strcmp(p.name, name) || !strcmp(p.name, "args") || !strcmp(p.name, "params"))
                return true;
    return false;
}

/* ---- filling */

void aml_command_quote(aml_string *out, const char *word) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@%+";
    if (*word && strspn(word, plain) == strlen(word)) {
        aml_string_put(out, word);
        return;
    }
    aml_string_put(out, "'");
    for (; *word; word++)
        aml_string_add(out, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    aml_string_put(out, "'");
}

static const char *value_of(const aml_command_values *values, const placeholder *p) {
    if (p->kind) return values->value(values->arg, p->kind, p->name);
    const char *text = values->value(values->arg, "search_space", p->name);
    return text ? text : values->value(values->arg, "trial", p->name);
}

static void put_args(aml_string *out, const aml_command_values *values, bool quoted) {
    for (size_t i = 0; values->args[i]; i++) {
        if (i) aml_string_put(out, " ");
        if (quoted) aml_command_quote(out, values->args[i]);
        else aml_string_put(out, values->args[i]);
    }
}

/* False: a value is not there. */
static bool fill(aml_string *out, const char *word, const aml_command_values *values, bool quoted) {
    placeholder p;
    size_t n;
    bool complete = true;
    for (; next(&p, &n, word); word += n + p.length) {
        aml_string_add(out, word, n);
        const char *text = p.kind && !strcmp(p.kind, "text") ? NULL : value_of(values, &p);
        if (p.kind && !strcmp(p.kind, "text")) aml_string_printf(out, "{%s}", p.name);
        else if (!text && !strcmp(p.name, "args")) put_args(out, values, quoted);
        else if (quoted) aml_command_quote(out, text ? text : "");
        else if (text) aml_string_put(out, text);
        else complete = false;
    }
    aml_string_add(out, word, n);
    return complete;
}

const char *aml_command_fill_text(const char *text, const aml_command_values *values,
                                  aml_arena *arena) {
    aml_string s = {0};
    fill(&s, text, values, false);
    const char *copy = s.failed ? NULL : aml_strdup(arena, s.text ? s.text : "");
    aml_string_free(&s);
    return copy;
}

/* The word is one placeholder and nothing else. */
static bool is_whole(const char *word) {
    placeholder p;
    size_t before;
    return next(&p, &before, word) && !before && !word[p.length];
}

const char *const *aml_command_fill(const aml_command *c, const aml_command_values *values,
                                    aml_arena *arena) {
    size_t n = 0, total = 1, n_args = 0;
    while (values->args[n_args]) n_args++;
    for (size_t i = 0; c->words[i]; i++) total += 1 + n_args;
    const char **words = AML_ARRAY(arena, total, const char *);
    if (!words) return NULL;
    for (size_t i = 0; c->words[i]; i++) {
        const char *word = c->words[i];
        bool args = !c->shell && !strcmp(word, "{args}");
        for (size_t k = 0; args && k < n_args; k++) words[n++] = values->args[k];
        if (args) continue;
        aml_string text = {0};
        bool complete = fill(&text, word, values, c->shell);
        const char *copy = text.failed ? NULL : aml_strdup(arena, text.text ? text.text : "");
        aml_string_free(&text);
        if (!copy) return NULL;
        if (complete) words[n++] = copy;
        else if (is_whole(word) && n > 1 && words[n - 1][0] == '-') n--;
    }
    words[n] = NULL;
    return words;
}
