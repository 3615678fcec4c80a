/* models.c: calls that look at models, predict with them and explain. */
#include "stress.h"

enum { OUTPUTS = 16 };

static void op_model_file(void) {
    aml_model *m = NULL;
    if (one_in(2)) MAKE(MODEL, m, aml_model_load(one_in(30) ? NULL : &m, path()));
    else if (one_in(2)) CALL(aml_model_save(get(MODEL), output()));
    else
        CALL(aml_model_export(get(MODEL), one_in(4) ? text() : aml_export_format_name(below(5)),
                              output()));
}

static void op_model(void) {
    const aml_model *m = get(MODEL);
    aml_leader l = {.size = size_of(sizeof l)};
    aml_alternative a = {.size = size_of(sizeof a)};
    aml_guardrail g = {.size = size_of(sizeof g)};
    aml_input_column c = {.size = size_of(sizeof c)};
    aml_part p = {.size = size_of(sizeof p)};
    aml_forecast f = {.size = size_of(sizeof f)};
    aml_score s = {.size = size_of(sizeof s)};
    const char *n;
    double x, outputs[OUTPUTS];
    bool null = one_in(20);
    for (int i = 0; i < OUTPUTS; i++) outputs[i] = real();
    switch (below(8)) {
    case 0: VALUE(aml_model_leader(m, number(), null ? NULL : &l)); break;
    case 1: VALUE(aml_model_alternative(m, number(), null ? NULL : &a)); break;
    case 2: VALUE(aml_model_guardrail(m, number(), null ? NULL : &g)); break;
    case 3: VALUE(aml_model_input(m, number(), null ? NULL : &c)); break;
    case 4: VALUE(aml_model_part(m, number(), null ? NULL : &p)); break;
    case 5: VALUE(aml_model_forecast(m, null ? NULL : &f)); break;
    case 6: VALUE(aml_model_importance(m, number(), null ? NULL : &n, &x)); break;
    default: mark("aml_model_score"), aml_model_score(m, null ? NULL : &s);
    }
    VALUE(aml_model_task(m)), VALUE(aml_model_metric(m)), VALUE(aml_model_target(m)),
        VALUE(aml_model_run(m));
    VALUE(aml_model_classes(m)), VALUE(aml_model_class(m, number())), VALUE(aml_model_threshold(m));
    VALUE(aml_model_calibration(m)), VALUE(aml_model_outputs(m));
    if (aml_model_classes(m) <= OUTPUTS) VALUE(aml_model_choose(m, null ? NULL : outputs));
}

static void op_model_text(void) {
    const aml_model *m = get(MODEL);
    FREE_TEXT(aml_model_leaderboard_json(m, (unsigned)next()));
    FREE_TEXT(aml_model_leaderboard_csv(m, (unsigned)next()));
    FREE_TEXT(aml_model_inspect_json(m));
}

static void op_predict(void) {
    const aml_model *m = get(MODEL);
    const aml_frame *f = get(FRAME);
    size_t n = aml_frame_rows_count(f), k = aml_model_outputs(m);
    double *out = malloc((n * k + 1) * sizeof *out);
    if (one_in(3)) CALL(aml_model_predict_csv(m, f, output(), names(), threads()));
    else if (one_in(4)) CALL(aml_model_transform_csv(m, f, number(), output(), threads()));
    else CALL(aml_model_predict(one_in(30) ? NULL : out, m, f, threads()));
    free(out);
}

static void op_evaluate(void) {
    aml_evaluation *e, *made = NULL;
    const char *n;
    double x;
    if (one_in(3))
        MAKE(EVALUATION, made,
             aml_model_evaluate(one_in(30) ? NULL : &made, get(MODEL), get(FRAME), threads()));
    e = get(EVALUATION);
    VALUE(aml_evaluation_metric(e, number(), one_in(20) ? NULL : &n, &x));
    VALUE(aml_evaluation_rows(e));
    FREE_TEXT(aml_evaluation_json(e));
}

static aml_explain_options *explain_options(any_size *room) {
    static size_t rows[5];
    aml_explain_options *o = (aml_explain_options *)(void *)room->bytes;
    memset(room, one_in(40) ? 1 : 0, sizeof *room);
    *o = (aml_explain_options){.size = size_of(sizeof *o),
                               .draws = one_in(6) ? number() : 2,
                               .seed = next(),
                               .threads = threads()};
    if (o->draws > 7 && o->draws < 100001) o->draws = 3;
    for (int i = 0; i < 5; i++) rows[i] = one_in(8) ? number() : below(ROWS);
    if (one_in(2)) o->rows = rows;
    o->n_rows = o->rows ? below(6) : one_in(9) ? number() : 0;
    return one_in(4) ? NULL : o;
}

static void op_explain(void) {
    any_size room;
    aml_explanation *e = get(EXPLANATION), *made = NULL;
    aml_permutation *p = get(PERMUTATION), *shuffled = NULL;
    const char *n;
    double x, y;
    if (one_in(4))
        MAKE(EXPLANATION, made,
             aml_model_explain(one_in(30) ? NULL : &made, get(MODEL), get(FRAME),
                               explain_options(&room)));
    else if (one_in(4))
        MAKE(PERMUTATION, shuffled,
             aml_model_permute(one_in(30) ? NULL : &shuffled, get(MODEL), get(FRAME),
                               explain_options(&room)));
    else {
        VALUE(aml_explanation_rows(e)), VALUE(aml_explanation_values(e));
        VALUE(aml_explanation_column(e, number(), one_in(20) ? NULL : &n, &x));
        VALUE(aml_explanation_method(e, number()));
        VALUE(aml_permutation_column(p, number(), one_in(20) ? NULL : &n, &x, &y));
        VALUE(aml_permutation_rows(p)), VALUE(aml_permutation_score(p));
        if (one_in(4)) CALL(aml_explanation_csv(e, output(), number()));
        FREE_TEXT(aml_explanation_json(e, p, (int)below(2)));
    }
}

static void op_lineage(void) {
    aml_lineage *l, *made = NULL;
    aml_engineered e = {.size = size_of(sizeof e)};
    if (one_in(3))
        MAKE(LINEAGE, made,
             aml_lineage_new(one_in(30) ? NULL : &made, get(MODEL), one_in(4) ? number() : 0));
    l = get(LINEAGE);
    VALUE(aml_lineage_at(l, number(), one_in(20) ? NULL : &e));
}

const op model_ops[] = {
    {40, op_model_file}, {250, op_model},   {60, op_model_text}, {60, op_predict},
    {60, op_evaluate},   {120, op_explain}, {60, op_lineage},    {0}};
