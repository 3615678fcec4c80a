/* completion.c: completion scripts for shells, and the manual's list of verbs, from the tables that the parser reads. */
#include <string.h>

#include "automl/cli/cli.h"

/* ---- bash */

static void put_words(FILE *out, const cli_verb *verb) {
    for (size_t i = 0; i < verb->n_options; i++)
        if (verb->options[i].name) fprintf(out, "--%s ", verb->options[i].name);
    fputs("--help", out);
}

/* Words that an option takes, or NULL: files are proposed then. */
static const char *values_of(const cli_option *o) {
    static const char *const known[][2] = {
        {"task", "binary multiclass regression"},
        {"prefer", "best fast single interpretable"},
        {"ragged", "error pad skip"},
        {"featurization", "auto all off"},
        {"encoding", "utf-8 latin1 windows-1252 utf-16"},
    };
    for (size_t i = 0; o->name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i][0], o->name)) return known[i][1];
    return NULL;
}

static void bash_values(FILE *out, const cli_verb *verb) {
    for (size_t i = 0; i < verb->n_options; i++) {
        const char *values = values_of(&verb->options[i]);
        if (values)
            fprintf(out, "    %s:--%s) words=\"%s\" ;;\n", verb->name, verb->options[i].name,
                    values);
    }
}

static void bash(FILE *out) {
    const cli_verb *v;
    fputs("# bash completion for automl: eval \"$(automl completion bash)\"\n"
          "_automl() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= "
          "verb= i\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n"
          "        --plugin) ((i++)) ;;\n"
          "        -*) ;;\n"
          "        *) verb=${COMP_WORDS[i]}; break ;;\n"
          "        esac\n"
          "    done\n"
          "    case $verb:$before in\n",
          out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) bash_values(out, v);
    fputs("    *:--*) ;;\n    esac\n    if [ -z \"$words\" ]; then case $verb in\n    '') words=\"",
          out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) fprintf(out, "%s ", v->name);
    fputs("help --help --version --plugin\" ;;\n    help) words=\"", out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) fprintf(out, "%s%s", i ? " " : "", v->name);
    fputs("\" ;;\n    completion) words=\"bash zsh\"; [[ $word == -* ]] && words=--help ;;\n", out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) {
        if (v == &cli_completion) continue;
        fprintf(out, "    %s) [[ $word == -* ]] && words=\"", v->name);
        put_words(out, v);
        fputs("\" ;;\n", out);
    }
    fputs("    esac; fi\n"
          "    COMPREPLY=()\n"
          "    if [ -n \"$words\" ]; then mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
          "\"$word\")\n"
          "    else mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o filenames "
          "2>/dev/null\n"
          "    fi\n"
          "}\n"
          "complete -F _automl automl\n",
          out);
}

/* ---- zsh */

/* A text in single quotes, with what _arguments reads as its own escaped. */
static void put_quoted(FILE *out, const char *s) {
    for (; *s; s++) {
        if (*s == '\'') fputs("'\\''", out);
        else if (strchr("[]:\\", *s)) fprintf(out, "\\%c", *s);
        else fputc(*s, out);
    }
}

static void zsh_option(FILE *out, const cli_option *o) {
    const char *values = values_of(o);
    fprintf(out, "        '%s--%s%s[", o->kind == CLI_EACH ? "*" : "", o->name,
            o->value ? "=" : "");
    put_quoted(out, o->help);
    fputs("]", out);
    if (o->value) {
        fputs(":", out);
        put_quoted(out, o->value);
        if (values) fprintf(out, ":(%s)", values);
        else fputs(":_files", out);
    }
    fputs("' \\\n", out);
}

static void zsh(FILE *out) {
    const cli_verb *v;
    fputs("#compdef automl\n"
          "# zsh completion for automl: automl completion zsh > _automl, in a folder of $fpath\n"
          "_automl() {\n"
          "    local line state\n"
          "    local -a verbs\n"
          "    verbs=(\n",
          out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) {
        fprintf(out, "        '%s:", v->name);
        put_quoted(out, v->summary);
        fputs("'\n", out);
    }
    fputs(
        "        'help:show the help of a verb'\n"
        "    )\n"
        "    _arguments -C '*--plugin=[a shared object of learners and the like]:file:_files' \\\n"
        "        '(- *)--help[show the verbs]' '(- *)--version[show the version]' \\\n"
        "        '1:verb:->verb' '*::argument:->argument'\n"
        "    case $state in\n"
        "    verb) _describe verb verbs ;;\n"
        "    argument) case $line[1] in\n"
        "    help) _describe verb verbs ;;\n",
        out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) {
        fprintf(out, "    %s) _arguments \\\n", v->name);
        for (size_t j = 0; j < v->n_options; j++)
            if (v->options[j].name) zsh_option(out, &v->options[j]);
        fprintf(out, "        '--help[show the help]' '*:%s' ;;\n",
                strcmp(v->name, "completion") ? "file:_files" : "shell:(bash zsh)");
    }
    fputs("    esac ;;\n"
          "    esac\n"
          "}\n"
          "if [ \"$funcstack[1]\" = _automl ]; then _automl \"$@\"; else compdef _automl automl; "
          "fi\n",
          out);
}

/* ---- the manual */

/* one_line: further lines follow behind a bar. */
static void put_roff(FILE *out, const char *s, bool one_line) {
    if (*s == '.' || *s == '\'') fputs("\\&", out);
    for (; *s; s++) {
        if (!strncmp(s, "…", strlen("…"))) fputs("...", out), s += strlen("…") - 1;
        else if (*s == '\\') fputs("\\e", out);
        else if (*s == '"') fputs("\\(dq", out);
        else if (*s == '-') fputs("\\-", out);
        else if (*s == '\n') {
            fputs(one_line       ? " | "
                  : s[1] == '\n' ? "\n.PP\n"
                  : s[1] == ' '  ? "\n.br\n"
                                 : "\n",
                  out);
            while (s[1] == '\n' || s[1] == ' ') s++;
        } else fputc(*s, out);
    }
}

static void roff_verb(FILE *out, const cli_verb *v) {
    fputs(".SS \"automl ", out);
    put_roff(out, v->name, false);
    fputs(" ", out);
    put_roff(out, v->usage, true);
    fputs("\"\n", out);
    put_roff(out, v->text, false);
    for (size_t i = 0; i < v->n_options; i++) {
        const cli_option *o = &v->options[i];
        if (!o->name) {
            fputs("\n.PP\n", out);
            put_roff(out, o->help, false);
            fputs(":", out);
            continue;
        }
        fputs("\n.TP\n.B \\-\\-", out);
        put_roff(out, o->name, false);
        if (o->value) fputs(" \\fI", out), put_roff(out, o->value, false), fputs("\\fR", out);
        fputs("\n", out);
        put_roff(out, o->help, false);
    }
    fputs("\n.PP\nExample:\n.B automl ", out);
    put_roff(out, v->example, false);
    fputs("\n", out);
}

static void roff(FILE *out) {
    const cli_verb *v;
    for (size_t i = 0; (v = cli_verb_at(i)); i++) roff_verb(out, v);
}

static int run(const cli_call *call) {
    static const char *const known[] = {"bash", "zsh", "man"};
    static void (*const writers[])(FILE * out) = {bash, zsh, roff};
    const char *shell = call->args->operands[0];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(shell, known[i])) return writers[i](call->out), 0;
    return cli_fail(AML_EUSAGE, "it is bash, zsh or man", "there is no completion for `%.40s`",
                    shell);
}

const cli_verb cli_completion = {
    .name = "completion",
    .summary = "completion for bash or zsh",
    .text =
        "Prints a script that completes verbs, options and files: for bash, zsh, or as \"man\" the "
        "verbs and options as a part of a manual page.",
    .operands = "a shell",
    .usage = "bash|zsh|man",
    .example = "completion bash > ~/.local/share/bash-completion/completions/automl",
    .min_operands = 1,
    .max_operands = 1,
    .run = run};
