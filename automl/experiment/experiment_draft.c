/* experiment_draft.c: an experiment to start from, with what a look at the data says. */
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/frame.h"
#include "automl/core/json_edit.h"
#include "automl/engine/catalog.h"
#include "automl/experiment/experiment_files.h"

enum { MOST_KINDS = 20, MOST_REMARKS = 20 };

typedef struct draft {
    aml_string s;
    aml_arena *keep;
    const aml_frame *data;
    const aml_train_options *o;
    const aml_read_options *reading;
    const aml_check *check;
    const char *path, *output, *name;
} draft;

/* Text of the data in a comment: one line. */
static void put_remark(aml_string *s, const char *text) {
    for (; *text; text++) aml_string_add(s, *text == '\n' || *text == '\r' ? " " : text, 1);
}

/* A member that the caller asked for, behind a comma. */
static void put_member(aml_string *s, const char *indent, const char *name, const char *text) {
    if (!text) return;
    aml_string_printf(s, ",\n%s", indent);
    aml_json_put_string(s, name);
    aml_string_put(s, ": ");
    aml_json_put_unexpanded(s, text);
}

/* ---- data */

static void put_reading(draft *d) {
    static const char indent[] = "      ";
    const aml_read_options *r = d->reading;
    aml_string m = {0};
    char mark[2] = {0};
    if (!r) return;
    if (r->separator) put_member(&m, indent, "separator", (mark[0] = r->separator, mark));
    if (r->decimal) put_member(&m, indent, "decimal", (mark[0] = r->decimal, mark));
    put_member(&m, indent, "thousands", r->thousands);
    put_member(&m, indent, "quote", r->quote);
    put_member(&m, indent, "escape", r->escape);
    put_member(&m, indent, "encoding", r->encoding);
    put_member(&m, indent, "ragged", r->ragged);
    if (r->header)
        aml_string_printf(&m, ",\n%s\"header\": %s", indent, r->header > 0 ? "true" : "false");
    const size_t lines[] = {r->skip_lines, r->skip_footer};
    for (int i = 0; i < 2; i++)
        if (lines[i])
            aml_string_printf(&m, ",\n%s\"%s\": %zu", indent, i ? "skip_footer" : "skip_lines",
                              lines[i] == AML_NO_LINES ? 0 : lines[i]);
    if (m.length) aml_string_printf(&d->s, ",\n    \"reading\": {%s\n    }", m.text + 1);
    d->s.failed |= m.failed;
    aml_string_free(&m);
}

static void put_list(aml_string *s, const char *name, const char *const *list) {
    if (!list || !list[0]) return;
    aml_string_printf(s, ",\n    \"%s\": [", name);
    for (; *list; list++) {
        aml_json_comma(s);
        aml_json_put_unexpanded(s, *list);
    }
    aml_string_put(s, "]");
}

/* Keys that are not there yet stand in comments before one that is: without their slashes the document is whole. */
static aml_status put_data(draft *d) {
    static const char more[] =
        "    // \"test\": \"test.csv\", // rows to evaluate the model on in the end\n"
        "    // \"drop\": [\"a\", \"b\"], // columns not to use; also \"weight\", \"group\", "
        "\"time\": "
        "a column each\n";
    aml_string *s = &d->s;
    char *train = aml_path_between(d->output, d->path, d->keep);
    char *schema = d->reading && d->reading->schema
                       ? aml_path_between(d->output, d->reading->schema, d->keep)
                       : NULL;
    if (!train || (d->reading && d->reading->schema && !schema)) return AML_ENOMEM;
    aml_string_put(s, "  \"data\": {\n    \"train\": ");
    aml_json_put_unexpanded(s, train);
    aml_string_printf(s, ", // %zu rows, %zu columns; paths are relative to this file\n%s",
                      d->data->n, d->data->p, d->o->drop ? "" : more);
    aml_string_put(s, "    \"target\": ");
    aml_json_put_unexpanded(s, d->o->target);
    put_list(s, "drop", d->o->drop);
    put_member(s, "    ", "weight", d->o->weight);
    put_member(s, "    ", "group", d->o->group);
    put_member(s, "    ", "time", d->o->time);
    put_member(s, "    ", "schema", schema);
    put_reading(d);
    aml_string_put(s, "\n  },\n\n");
    return AML_OK;
}

/* ---- remarks */

static void put_guardrails(draft *d) {
    aml_guardrail g = {.size = sizeof g};
    size_t n = 0;
    for (size_t i = 0; aml_check_guardrail(d->check, i, &g); i++) {
        if (!strcmp(g.status, "Passed") || n++ >= MOST_REMARKS) continue;
        aml_string_printf(&d->s, "  // %s: ", g.status);
        put_remark(&d->s, g.message);
        if (g.action[0]) aml_string_put(&d->s, "; ");
        put_remark(&d->s, g.action);
        aml_string_put(&d->s, "\n");
    }
    if (n > MOST_REMARKS)
        aml_string_printf(&d->s, "  // … and %zu more: automl check\n", n - MOST_REMARKS);
    if (n) aml_string_put(&d->s, "\n");
}

/* A whole number of few values that may be a code, or something to be warned of. */
static bool is_guess(const aml_profile *p) {
    return (!strcmp(p->form, "code") && !strcmp(p->role, "feature")) ||
           (p->warning && p->warning[0]);
}

static void put_kind(aml_string *s, const aml_profile *p, bool last) {
    bool warned = p->warning && p->warning[0];
    aml_string name = {0};
    aml_json_put_string(&name, p->name);
    aml_string_put(s, "      // ");
    put_remark(s, name.text ? name.text : "");
    s->failed |= name.failed;
    aml_string_free(&name);
    aml_string_printf(s, ": \"%s\"%s // ", warned ? "drop" : "category", last ? "" : ",");
    if (warned) put_remark(s, p->warning);
    else aml_string_printf(s, "%zu different whole numbers", p->distinct);
    aml_string_put(s, "\n");
}

/* Columns whose kind is a guess that may be wrong. */
static void put_kinds(draft *d) {
    aml_profile p = {.size = sizeof p};
    size_t n = 0, k = 0;
    for (size_t i = 0; aml_check_profile(d->check, i, &p); i++) n += is_guess(&p);
    size_t shown = n < MOST_KINDS ? n : MOST_KINDS;
    for (size_t i = 0; k < shown && aml_check_profile(d->check, i, &p); i++)
        if (is_guess(&p)) put_kind(&d->s, &p, ++k == shown);
    if (n > shown) aml_string_printf(&d->s, "      // … and %zu more: automl check\n", n - shown);
    if (!n) aml_string_put(&d->s, "      // \"zip\": \"category\", \"id\": \"drop\"\n");
}

/* ---- what is to be done */

/* More cells, more time: a minute for small tables. */
static const char *timeout_for(const aml_frame *f) {
    double cells = (double)f->n * (double)f->p;
    return cells < 1e5 ? "1m" : cells < 1e6 ? "5m" : cells < 1e7 ? "20m" : "1h";
}

static void put_task(draft *d) {
    aml_task_kind kind = 0;
    aml_string *s = &d->s;
    const char *task = aml_check_task(d->check);
    aml_string_put(s, "  \"task\": ");
    aml_json_put_string(s, task);
    aml_string_put(s, ",\n  \"metric\": ");
    const aml_metric *usual = aml_task_parse(&kind, task) ? aml_metric_usual(kind) : NULL;
    aml_json_put_string(s, d->o->metric ? d->o->metric : usual ? usual->name : "auto");
    aml_string_put(s, ",\n  // or");
    const char *comma = "";
    size_t width = 7;
    for (const aml_metric *const *m = aml_metrics(); *m; m++) {
        if (!((*m)->tasks & (unsigned)kind) || *m == usual) continue;
        width += strlen((*m)->name) + 2;
        bool wrap = width > 100;
        if (wrap) width = 7 + strlen((*m)->name) + 2;
        aml_string_printf(s, "%s%s%s", comma, wrap ? "\n  //    " : " ", (*m)->name);
        comma = ",";
    }
    aml_string_put(s, "\n\n");
}

static void put_limits(draft *d) {
    static const char fixed[] =
        "    // \"max_trials\": 100, // without timeout: the same model every time\n";
    static const char more[] =
        "    // \"trial_timeout\": \"1m\", \"patience\": 30, \"memory_limit\": \"2G\",\n"
        "    \"max_concurrent_trials\": 4\n  },\n\n";
    aml_string *s = &d->s;
    const aml_train_options *o = d->o;
    aml_string_put(s, "  \"limits\": {\n");
    if (o->trials) aml_string_printf(s, "    \"max_trials\": %zu,\n", o->trials);
    if (o->time_limit > 0) {
        aml_string_put(s, "    \"timeout\": ");
        aml_json_put_number(s, o->time_limit);
        aml_string_put(s, ",\n");
    } else if (!o->trials) {
        aml_string_printf(s, "    \"timeout\": \"%s\",\n", timeout_for(d->data));
    }
    if (!o->trials) aml_string_put(s, fixed);
    aml_string_put(s, more);
}

static void put_rest(draft *d) {
    static const char before[] =
        "  \"validation\": \"auto\",\n"
        "  // or \"cv5\", \"holdout0.2\"\n\n"
        "  \"featurization\": {\n"
        "    \"mode\": \"auto\",\n"
        "    \"kinds\": {\n"
        "      // what columns are: category, text, number, datetime, drop (not used)\n";
    static const char after[] =
        "    }\n  },\n\n"
        "  // \"learners\": [\"gbdt\", \"knn\"], // only these (automl catalog), or with spaces:\n"
        "  // \"learners\": {\"gbdt\": {\"learning_rate\": {\"max\": 0.1}, \"num_leaves\": [15, "
        "31]}},\n"
        "  \"search\": {\n    \"seed\": 0\n  },\n\n";
    aml_string_put(&d->s, before);
    put_kinds(d);
    aml_string_put(&d->s, after);
}

static void put_outputs(draft *d) {
    aml_string_put(&d->s, "  \"outputs\": {\n"
                          "    // \"predictions\": \"predictions.csv\", // of the test rows\n"
                          "    \"model\": ");
    aml_json_put_unexpanded(&d->s, aml_printf(d->keep, "%s.automl", d->name));
    aml_string_put(&d->s, ",\n    \"leaderboard\": ");
    aml_json_put_unexpanded(&d->s, aml_printf(d->keep, "%s_leaderboard.csv", d->name));
    aml_string_put(&d->s, "\n  }\n}\n");
}

/* "data/iris.csv.gz": "iris". */
static const char *name_of(const char *path, aml_arena *keep) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strcspn(name, ".");
    return n && strcmp(path, "-") != 0 ? aml_strndup(keep, name, n)
                                       : aml_strdup(keep, "experiment");
}

static aml_status put_all(draft *d) {
    d->name = name_of(d->path, d->keep);
    if (!d->name) return AML_ENOMEM;
    aml_string_put(&d->s, "// An experiment of automl. Run it:  automl run ");
    put_remark(&d->s, d->output);
    aml_string_put(
        &d->s, "\n// All keys, with what they mean:  automl run --print-schema\n{\n  \"name\": ");
    aml_json_put_unexpanded(&d->s, d->name);
    aml_string_put(&d->s, ",\n\n");
    AML_TRY(put_data(d));
    put_guardrails(d);
    put_task(d);
    put_limits(d);
    put_rest(d);
    put_outputs(d);
    return d->s.failed ? AML_ENOMEM : AML_OK;
}

aml_status aml_experiment_draft(char **out, const aml_frame *data, const char *path,
                                const char *output, const aml_read_options *reading,
                                const aml_train_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    AML_NEED(path);
    AML_NEED(output);
    AML_NEED(options);
    aml_check *check = NULL;
    draft d = {.data = data, .path = path, .output = output, .o = options, .reading = reading};
    if (!options || !options->target)
        return aml_fail(AML_EUSAGE, "an experiment needs the name of the target");
    AML_TRY(aml_check_run(&check, data, options));
    d.check = check;
    d.keep = aml_arena_new(NULL);
    aml_status status = d.keep ? put_all(&d) : AML_ENOMEM;
    aml_arena_free(d.keep);
    aml_check_free(check);
    if (status) aml_string_free(&d.s);
    else *out = d.s.text;
    return status;
}
