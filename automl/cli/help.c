/* help.c: the help texts, made from the tables that the parser reads. */
#include <string.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

enum { WIDTH = 80 };

static void list(FILE *out, const char *left, size_t width, const char *text) {
    fprintf(out, "  %s%*s", left, (int)(width - cli_text_width(left)), "");
    cli_wrap(out, text, width + 2, width + 2, WIDTH);
}

static void print_options(FILE *out, const cli_verb *verb) {
    size_t width = strlen("--help");
    char left[96];
    for (size_t i = 0; i < verb->n_options; i++) {
        const cli_option *o = &verb->options[i];
        size_t w = o->name ? 2 + strlen(o->name) + (o->value ? 1 + strlen(o->value) : 0) : 0;
        if (w > width) width = w;
    }
    if (!verb->n_options || verb->options[0].name) fputs("\nOptions:\n", out);
    for (size_t i = 0; i < verb->n_options; i++) {
        const cli_option *o = &verb->options[i];
        if (!o->name) {
            fprintf(out, "\n%s:\n", o->help);
            continue;
        }
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        list(out, left, width + 2, o->help);
    }
    fputc('\n', out);
    list(out, "--help", width + 2, "show this text");
}

static void help_program(FILE *out) {
    const cli_verb *v;
    fputs("automl finds a model for a table: CSV file in, model file out.\n\n"
          "Usage: automl [--plugin FILE.so] VERB [ARGUMENT…]\n\nVerbs:\n",
          out);
    for (size_t i = 0; (v = cli_verb_at(i)); i++) list(out, v->name, 13, v->summary);
    list(out, "help", 13, "show the help of a verb");
    fputs("\nDATA is a CSV file, plain or compressed with gzip or zstd; - is standard input.\n"
          "`automl VERB --help` has the options of a verb, `automl --version` the version;\n"
          "`automl --plugin FILE.so VERB …` adds learners, steps and metrics of your own.\n"
          "\nExample:\n  automl train datasets/iris.csv --target species --time-limit 20s\n",
          out);
}

void cli_help(FILE *out, const cli_verb *verb) {
    if (!verb) {
        help_program(out);
        return;
    }
    cli_wrap(out, verb->text, 0, 0, WIDTH);
    fprintf(out, "\nUsage: automl %s %s\n", verb->name, verb->usage);
    print_options(out, verb);
    fprintf(out, "\nExample:\n  automl %s\n", verb->example);
}
