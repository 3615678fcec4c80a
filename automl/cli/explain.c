/* explain.c: what the columns contribute to predictions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { TOP = 20, EXPLAINED = 500, PERMUTED = 5000 };

typedef struct job {
    const cli_call *call;
    const cli_args *a;
    aml_model *model;
    aml_frame *data;
    aml_explanation *explanation;
    aml_permutation *permutation; /* NULL without a target */
    size_t *rows;
} job;

/* `most` rows at even distances, all when there are fewer; with --row that one. */
static aml_explain_options options_of(job *j, size_t most) {
    size_t n = aml_frame_rows_count(j->data), k = most < n ? most : n;
    for (size_t i = 0; i < k; i++) j->rows[i] = i * n / k;
    return (aml_explain_options){.size = sizeof(aml_explain_options),
                                 .rows = j->rows,
                                 .n_rows = k,
                                 .draws = j->a->draws,
                                 .seed = j->a->seed,
                                 .threads = j->a->threads};
}

static bool has_target(const job *j) {
    size_t n = aml_frame_columns_count(j->data);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(aml_frame_column_name(j->data, i), aml_model_target(j->model))) return true;
    return false;
}

/* The target is wanted where it is there: DATA is read without it when it is not. */
static int load(job *j) {
    const cli_args *a = j->a;
    aml_read_options reading = cli_read_options(a);
    int status = aml_model_load(&j->model, a->operands[0]);
    if (status) return cli_report(status);
    bool twice = strcmp(a->operands[1], "-") != 0;
    status = aml_model_read(&j->data, j->model, a->operands[1], &reading, NULL, twice && !a->row);
    if (status && twice && !a->row)
        status = aml_model_read(&j->data, j->model, a->operands[1], &reading, NULL, 0);
    if (!status && !a->quiet) cli_notes(j->data);
    return cli_report(status);
}

static int explain(job *j) {
    const cli_args *a = j->a;
    size_t n = aml_frame_rows_count(j->data);
    j->rows = calloc(n + 1, sizeof *j->rows);
    if (!j->rows) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    aml_explain_options o = options_of(j, a->output ? n : a->rows ? a->rows : EXPLAINED);
    if (a->row) {
        j->rows[0] = a->row - 1;
        o.n_rows = 1;
    }
    int status = aml_model_explain(&j->explanation, j->model, j->data, &o);
    if (!status && a->output) status = aml_explanation_csv(j->explanation, a->output, a->top);
    if (!status && !a->row && has_target(j)) {
        o = options_of(j, a->rows ? a->rows : PERMUTED);
        status = aml_model_permute(&j->permutation, j->model, j->data, &o);
        if (status == AML_EDATA) { /* a target without any value: that is as good as none */
            if (!a->quiet) cli_note("%s", aml_last_error()->message);
            status = 0;
        }
    }
    return cli_report(status);
}

/* ---- tables */

static void put_what(const job *j) {
    char target[256], class[256];
    cli_clean(target, sizeof target, aml_model_target(j->model));
    size_t classes = aml_model_classes(j->model);
    if (classes == 2)
        fprintf(j->call->out, "the probability of `%s` = %s", target,
                cli_clean(class, sizeof class, aml_model_class(j->model, 1)));
    else
        fprintf(j->call->out, classes ? "the probabilities of the classes of `%s`" : "`%s`",
                target);
}

static bool put_columns(const job *j) {
    char heading[64], cell[CLI_NUMBER];
    snprintf(heading, sizeof heading, "%.40s lost", aml_model_metric(j->model));
    const cli_column columns[] = {
        {"column", false}, {"contribution", true}, {heading, true}, {"± error", true}};
    const char *name, *other;
    double mean, loss, error;
    cli_table *t = cli_table_new(columns, 4);
    size_t top = j->a->top ? j->a->top : TOP, n = 0;
    for (size_t i = 0; aml_explanation_column(j->explanation, i, &name, &mean); i++, n++) {
        if (i >= top) continue;
        cli_table_put(t, name);
        cli_table_put(t, cli_number(cell, mean));
        bool found = false;
        for (size_t k = 0; j->permutation && !found &&
                           aml_permutation_column(j->permutation, k, &other, &loss, &error);
             k++)
            found = !strcmp(name, other);
        cli_table_put(t, found ? cli_number(cell, loss) : "");
        cli_table_put(t, found ? cli_rough(cell, error) : "");
    }
    if (!cli_table_print(t, j->call->out, j->call->width, j->call->colour)) return false;
    if (n > top) fprintf(j->call->out, "… and %zu more: --top %zu\n", n - top, n);
    return true;
}

static bool put_parts(const job *j) {
    static const cli_column columns[] = {
        {"weight", true}, {"contributions", false}, {"part of the model", false}};
    cli_table *t = cli_table_new(columns, 3);
    aml_part p = {.size = sizeof p};
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_model_part(j->model, i, &p); i++) {
        cli_table_put(t, cli_fixed(cell, p.weight, 3));
        cli_table_put(t, aml_explanation_method(j->explanation, i));
        cli_table_put(t, p.pipeline);
    }
    fputc('\n', j->call->out);
    return cli_table_print(t, j->call->out, j->call->width, j->call->colour);
}

static bool show_all(const job *j) {
    char text[512];
    FILE *out = j->call->out;
    fputs("What each column adds to ", out);
    put_what(j);
    fprintf(out, ", mean size over %zu rows", aml_explanation_rows(j->explanation));
    if (j->permutation)
        fprintf(out,
                ";\nlost: what %s loses when the cells of a column change places (%zu rows, %s)",
                aml_model_metric(j->model), aml_permutation_rows(j->permutation),
                cli_number(text, aml_permutation_score(j->permutation)));
    fputs("\n\n", out);
    return put_columns(j) && put_parts(j);
}

/* The output that a row is explained for: of several classes the one predicted. */
static size_t chosen_output(const job *j, double *prediction, size_t p, size_t k) {
    const double *value = aml_explanation_values(j->explanation);
    for (size_t o = 0; o < k; o++) {
        prediction[o] = 0;
        for (size_t c = 0; c <= p; c++) prediction[o] += value[c * k + o];
    }
    return k > 1 ? aml_model_choose(j->model, prediction) : 0;
}

static bool put_row(const job *j, size_t o, size_t p, size_t k) {
    static const cli_column columns[] = {
        {"column", false}, {"value", true}, {"contribution", true}};
    const double *value = aml_explanation_values(j->explanation);
    aml_input_column input = {.size = sizeof input};
    cli_table *t = cli_table_new(columns, 3);
    size_t top = j->a->top ? j->a->top : TOP;
    const char *name;
    double size;
    for (size_t i = 0; i < top && aml_explanation_column(j->explanation, i, &name, &size); i++) {
        char cell[CLI_NUMBER], text[64];
        size_t c = 0;
        while (c < p && aml_model_input(j->model, c, &input) && strcmp(input.name, name)) c++;
        cli_table_put(t, name);
        cli_table_put(t, aml_frame_text(text, sizeof text, j->data, name, j->a->row - 1));
        snprintf(text, sizeof text, "%s%s", value[c * k + o] > 0 ? "+" : "",
                 cli_number(cell, value[c * k + o]));
        cli_table_put(t, text);
    }
    return cli_table_print(t, j->call->out, j->call->width, j->call->colour);
}

static bool show_row(const job *j) {
    FILE *out = j->call->out;
    size_t k = aml_model_outputs(j->model), p = 0;
    aml_input_column input = {.size = sizeof input};
    char number[CLI_NUMBER], class[256];
    while (aml_model_input(j->model, p, &input)) p++;
    double *prediction = calloc(k, sizeof *prediction);
    if (!prediction) return false;
    size_t o = chosen_output(j, prediction, p, k);
    fprintf(out, "Row %zu: ", j->a->row);
    if (k > 1)
        fprintf(out, "the probability of `%s`",
                cli_clean(class, sizeof class, aml_model_class(j->model, o)));
    else put_what(j);
    fprintf(out, " is %s: ", cli_number(number, prediction[o]));
    fprintf(out, "%s without any column, and\n\n",
            cli_number(number, aml_explanation_values(j->explanation)[p * k + o]));
    free(prediction);
    return put_row(j, o, p, k) && put_parts(j);
}

static int show(const job *j) {
    if (j->a->json)
        return cli_put_text(j->call,
                            aml_explanation_json(j->explanation, j->permutation, j->a->row > 0));
    if (j->a->output && !strcmp(j->a->output, "-")) return 0;
    bool good = j->a->row ? show_row(j) : show_all(j);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int run(const cli_call *call) {
    job j = {.call = call, .a = call->args};
    bool csv = j.a->output && !strcmp(j.a->output, "-");
    if (csv && j.a->json)
        return cli_fail(AML_EUSAGE, "give a file name", "--json and --output - exclude each other");
    int status = j.a->output ? cli_report(aml_check_writable(j.a->output)) : 0;
    if (!status) status = load(&j);
    if (!status) status = explain(&j);
    if (!status) status = show(&j);
    free(j.rows);
    aml_permutation_free(j.permutation);
    aml_explanation_free(j.explanation);
    aml_frame_free(j.data);
    aml_model_free(j.model);
    return status;
}

static const cli_option options[] = {
    {"output", "FILE", "CSV file with the contributions to every row", CLI_TEXT, CLI_AT(output)},
    {"row", "N", "explain this row alone, counted from 1", CLI_COUNT, CLI_AT(row)},
    {"top", "N", "columns to show (default: 20; with --output: all)", CLI_COUNT, CLI_AT(top)},
    {"rows", "N", "rows that the means are taken over, evenly spread (default: 500, lost: 5000)",
     CLI_COUNT, CLI_AT(rows)},
    {"draws", "N", "orders of the columns a row, where contributions are sampled (default: 16)",
     CLI_COUNT, CLI_AT(draws)},
    {"seed", "N", "of all random choices (default: 0)", CLI_SEED, CLI_AT(seed)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"threads", "N", "threads to use (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"quiet", NULL, "no notes on how DATA was read", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_explain = {
    .name = "explain",
    .summary = "show what the columns contribute to predictions",
    .text =
        "Tells what each input column adds to the predictions of MODEL for the rows of DATA: from "
        "what it predicts without any column, the contributions lead exactly to the prediction. "
        "Where DATA has the target, also what the metric loses when a column tells nothing.",
    .operands = "a MODEL and a DATA file",
    .usage = "MODEL DATA [OPTION…]",
    .example = "explain model.automl datasets/iris.csv --output contributions.csv",
    .min_operands = 2,
    .max_operands = 2,
    CLI_OPTIONS(options),
    .run = run};
