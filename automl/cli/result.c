/* result.c: what a training found, as text or JSON. */
#include <string.h>
#include <sys/stat.h>

#include "automl/cli/job.h"
#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { SHOWN = 10 };

static void show_file(const cli_job *j, const char *what, const char *path) {
    char clean[1024];
    fprintf(j->call->out, "%-8s %s\n", what, cli_clean(clean, sizeof clean, path));
}

static void show_files(const cli_job *j) {
    const aml_experiment_files *f = &j->files;
    FILE *out = j->call->out;
    struct stat st;
    char size[CLI_NUMBER], path[1024];
    fprintf(out, "model    %s", cli_clean(path, sizeof path, f->model));
    if (!stat(f->model, &st) && S_ISREG(st.st_mode))
        fprintf(out, ", %s", cli_bytes(size, (double)st.st_size));
    fprintf(out, ", after %.1f s\n", cli_now() - j->call->start);
    for (size_t i = 0; f->leaderboard && f->leaderboard[i]; i++)
        show_file(j, "board", f->leaderboard[i]);
    if (f->predictions) show_file(j, "rows", f->predictions);
    if (f->evaluation) show_file(j, "metrics", f->evaluation);
    if (j->store)
        fprintf(out, "run      %s in %s\n", aml_model_run(j->model),
                cli_clean(path, sizeof path, j->store_path));
}

static void show_next(const cli_job *j) {
    FILE *out = j->call->out;
    const char *data = j->files.test ? j->files.test : j->files.train;
    fputs("next     ", out);
    cli_put_word(out, j->call->program);
    fputs(" predict ", out);
    cli_put_word(out, j->files.model);
    fputc(' ', out);
    cli_put_word(out, strcmp(data, "-") ? data : "NEW.csv");
    fputs(" --output predictions.csv\n", out);
}

/* JSON for the leaderboard, with what the test rows gave as one more member of the object. */
static int show_json(const cli_job *j) {
    FILE *out = j->call->out;
    char *text =
        aml_model_leaderboard_json(j->model, j->call->args->no_timings ? AML_NO_TIMINGS : 0);
    if (!j->evaluation) return cli_put_text(j->call, text);
    char *test_text = aml_evaluation_json(j->evaluation), *end = text ? strrchr(text, '}') : NULL;
    if (end && test_text) {
        while (end > text && strchr(" \n", end[-1])) end--;
        fprintf(out, "%.*s,\n  \"test\": ", (int)(end - text), text);
        for (const char *s = test_text; *s; s++) {
            if (*s != '\n') fputc(*s, out);
            else if (s[1]) fputs("\n  ", out);
        }
        fputs("\n}\n", out);
    }
    bool good = end && test_text;
    aml_text_free(test_text);
    aml_text_free(text);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

int cli_job_show(const cli_job *j) {
    const cli_call *call = j->call;
    bool timings = !call->args->no_timings;
    char target[256], name[256];
    if (call->args->json) return show_json(j);
    if (j->experiment)
        fprintf(call->out,
                "%s: ", cli_clean(name, sizeof name, aml_experiment_name(j->experiment)));
    fprintf(call->out, "%s task: `%s`, %zu rows, metric %s\n\n", aml_model_task(j->model),
            cli_clean(target, sizeof target, j->options.target), aml_frame_rows_count(j->data),
            aml_model_metric(j->model));
    bool good = cli_show_leaders(call, j->model, SHOWN, timings);
    fputc('\n', call->out);
    good = cli_show_menu(call, j->model, timings) && good;
    cli_show_guardrails(call, j->model);
    cli_show_score(call, j->model);
    cli_show_forecast(call, j->model);
    show_files(j);
    show_next(j);
    if (good && j->evaluation) {
        fprintf(call->out, "\n%s: %zu rows\n\n", j->files.test, aml_evaluation_rows(j->evaluation));
        good = cli_show_evaluation(call, j->model, j->evaluation);
    }
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}
