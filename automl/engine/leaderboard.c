/* leaderboard.c: the leaderboard and the inside of a model as JSON and CSV. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/json.h"
#include "automl/engine/lineage.h"
#include "automl/engine/model.h"

/* What the clock chose is left out with the timings. */
static void put_menu(aml_string *s, const aml_model *m, unsigned flags) {
    bool timings = !(flags & AML_NO_TIMINGS);
    aml_json_key(s, "menu");
    aml_string_put(s, "[");
    for (size_t i = 0; i < m->n_alternatives; i++) {
        const aml_alternative *a = &m->alternatives[i];
        if (!timings && !a->chosen && !strcmp(a->name, "fast")) continue;
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "name", a->name);
        aml_json_key(s, "chosen");
        aml_string_put(s, a->chosen ? "true" : "false");
        aml_json_add_string(s, "members", a->members);
        const double v[] = {(double)a->n_members, (double)a->fits, a->score, a->error, a->bytes,
                            a->predict_us};
        const char *const names[] = {"n_members", "fits",  "score",
                                     "error",     "bytes", "predict_us_per_row"};
        for (int k = 0; k < 5 + timings; k++) {
            aml_json_add_number(s, names[k], v[k]);
        }
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_forecast(aml_string *s, const aml_forecast *f) {
    aml_json_key(s, "forecast");
    aml_string_put(s, "{");
    aml_json_add_number(s, "more_trials", (double)f->trials);
    aml_json_add_number(s, "gain", f->gain);
    aml_json_add_number(s, "high", f->high);
    aml_string_put(s, "}");
}

char *aml_model_leaderboard_json(const aml_model *m, unsigned flags) {
    AML_NEED_OR(m, NULL);
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_string(&s, "task", aml_task_name(m->kind));
    aml_json_add_string(&s, "metric", m->metric->name);
    aml_json_key(&s, "higher_is_better");
    aml_string_put(&s, m->metric->higher_is_better ? "true" : "false");
    aml_json_add_string(&s, "validation", m->validation);
    aml_json_key(&s, "score");
    aml_put_score(&s, &m->score);
    aml_json_key(&s, "leaderboard");
    aml_string_put(&s, "[");
    for (size_t i = 0; i < m->n_leaders; i++) aml_put_leader(&s, &m->leaders[i], flags);
    aml_string_put(&s, "]");
    if (m->n_alternatives) put_menu(&s, m, flags);
    if (m->forecast.trials) put_forecast(&s, &m->forecast);
    aml_json_key(&s, "guardrails");
    aml_put_guardrails(&s, &m->guardrails);
    aml_string_put(&s, "}");
    return aml_json_finish(&s);
}

char *aml_model_inspect_json(const aml_model *m) {
    AML_NEED_OR(m, NULL);
    aml_string s = {0};
    aml_status status = aml_manifest_write(&s, m);
    if (!status) {
        s.text[--s.length] = 0; /* the brace, to be set again */
        aml_json_key(&s, "features");
        aml_string_put(&s, "[");
    }
    for (size_t part = 0; !status && part < m->n_members; part++) {
        aml_json_comma(&s);
        status = aml_put_lineage(&s, m, part);
    }
    aml_string_put(&s, "]}");
    if (!status) return aml_json_finish(&s);
    aml_string_free(&s);
    return NULL;
}

static void put_cell(aml_string *s, double x) {
    aml_string_put(s, ",");
    if (isfinite(x)) aml_string_double(s, x);
}

char *aml_model_leaderboard_csv(const aml_model *m, unsigned flags) {
    AML_NEED_OR(m, NULL);
    aml_string s = {0};
    bool timings = !(flags & AML_NO_TIMINGS);
    aml_string_put(&s,
                   "rank,trial,learner,pipeline,state,score,error,folds,folds_done,bytes,weight");
    aml_string_put(&s, timings ? ",fit_seconds,predict_us_per_row,reason\n" : ",reason\n");
    for (size_t i = 0; i < m->n_leaders; i++) {
        const aml_leader *l = &m->leaders[i];
        if (l->rank) aml_string_printf(&s, "%zu", l->rank);
        put_cell(&s, l->trial == SIZE_MAX ? NAN : (double)l->trial);
        aml_string_put(&s, ",");
        aml_csv_put(&s, l->learner, strlen(l->learner), true);
        aml_string_put(&s, ",");
        aml_csv_put(&s, l->pipeline, strlen(l->pipeline), true);
        aml_string_printf(&s, ",%s", l->state);
        put_cell(&s, l->score);
        put_cell(&s, l->error);
        aml_string_printf(&s, ",%zu,%zu,%zu", l->folds, l->folds_done, l->bytes);
        put_cell(&s, l->weight);
        if (timings) put_cell(&s, l->fit_seconds);
        if (timings) put_cell(&s, l->predict_us);
        aml_string_put(&s, ",");
        aml_csv_put(&s, l->reason, strlen(l->reason), true);
        aml_string_put(&s, "\n");
    }
    if (!s.failed) return s.text;
    aml_string_free(&s);
    return NULL;
}
