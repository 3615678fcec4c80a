/* export_cases.h: models whose exports are compared with them: each step and each learner in all its settings, and ensembles
 * with every calibration. */
#ifndef AML_TESTS_EXPORT_CASES_H
#define AML_TESTS_EXPORT_CASES_H

#include "tests/export_world.h"

enum { MOST_CASES = 100, OUTPUTS = 3 };

typedef struct export_case {
    char name[16], what[160];
    aml_model *model;
} export_case;

static export_case cases[MOST_CASES];
static size_t n_cases;
static export_rows train[3], fresh;

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
static inline const export_rows *rows_of(aml_task_kind task) {
    return &train[task == AML_BINARY ? 0 : task == AML_MULTICLASS ? 1 : 2];
}

static inline export_case *new_case(aml_task_kind task, const char *what) {
    assert_true(n_cases < MOST_CASES);
    export_case *c = &cases[n_cases];
    snprintf(c->name, sizeof c->name, "m%zu", n_cases++);
    snprintf(c->what, sizeof c->what, "%s, %s", what, aml_task_name(task));
    c->model = new_model(&rows_of(task)->frame, task);
    return c;
}

/* ---- the cases */

/* Sparse columns: of text, or of categories. */
static inline void add_sparse(aml_plan *p) {
    add_step(p, without_texts ? "hash_one_hot" : "text_hash");
    if (without_texts) set_last(p, "min_levels", 1);
}

/* One step with one of its settings before boosted trees, or a linear model. */
static inline void add_step_member(export_case *c, const aml_step *step, const double *hp,
                                   bool linear) {
    aml_plan p = {0};
    bool number = c->model->kind == AML_REGRESSION;
    set_learner(&p, !linear ? "gbdt" : number ? "ridge" : "logistic");
    if (!strcmp(step->name, "text_svd")) add_sparse(&p);
    add_step(&p, step->name);
    memcpy(p.steps[p.n_steps - 1].hp, hp, sizeof p.hp);
    if (linear) add_usual_steps(&p, true);
    else add_step(&p, "datetime"), add_step(&p, "text_hash");
    add_member(c->model, &p, rows_of(c->model->kind), 0.1 + 0.03 * (double)c->model->n_members);
}

/* All settings of a part together: a difference of one bit in one of them is one in the mean for many of the rows. */
static inline void add_step_cases(void) {
    size_t nth = 0;
    for (const aml_step *const *s = aml_steps(); *s; s++, nth++) {
        char what[96];
        bool of_text = !strcmp((*s)->name, "text_hash") || !strcmp((*s)->name, "multi_hot");
        if (of_text && without_texts) continue;
        snprintf(what, sizeof what, "step %s", (*s)->name);
        export_case *c = new_case(tasks[nth % COUNT(tasks)], what);
        for (size_t number = 0;; number++) {
            double hp[AML_MAX_PARAMS] = {0};
            aml_params_defaults(hp, (*s)->params);
            if (!set_variant(hp, (*s)->params, number, true)) break;
            add_step_member(c, *s, hp, number % 2);
            if (!number) add_step_member(c, *s, hp, true);
        }
    }
}

static inline void add_learner_cases(const aml_learner *l, aml_task_kind task) {
    char what[96];
    snprintf(what, sizeof what, "learner %s", l->name);
    export_case *c = new_case(task, what);
    for (size_t number = 0;; number++) {
        aml_plan p = {0};
        set_learner(&p, l->name);
        if (!set_variant(p.hp, l->params, number, false)) return;
        if (l->can & AML_CAN_CATEGORIES) add_step(&p, "datetime"), add_step(&p, "text_hash");
        else add_usual_steps(&p, l->can & AML_CAN_SPARSE);
        add_member(c->model, &p, rows_of(task), 0.1 + 0.05 * (double)number);
    }
}

/* Ensembles with every calibration, a threshold, and chains that members share or not. */
static inline void add_ensembles(void) {
    static const double from[] = {0, 0.2, 0.2000001, 0.7, 1}, to[] = {0, 0.1, 0.4, 0.9, 1};
    for (int kind = AML_AS_IT_IS; kind <= AML_ISOTONIC; kind++) {
        aml_task_kind task = kind == AML_TEMPERATURE ? AML_MULTICLASS : AML_BINARY;
        static const char *const learners[] = {"gbdt", "naive_bayes", "random_forest", "baseline"};
        export_case *c = new_case(task, "ensemble");
        for (size_t i = 0; i < COUNT(learners); i++) {
            aml_plan p = {0};
            set_learner(&p, learners[i]);
            add_usual_steps(&p, true);
            add_member(c->model, &p, rows_of(task), i ? 0.3 : 0.1);
        }
        c->model->calibrator = (aml_calibrator){(aml_calibrator_kind)kind, 1.7, -0.3, 5, from, to};
        c->model->threshold = 0.37;
    }
}

static inline void make_cases(void) {
    aml_par_init();
    for (size_t t = 0; t < COUNT(tasks); t++)
        make_rows(&train[t], ROWS, 11, true,
                  tasks[t] == AML_REGRESSION ? 0
                  : tasks[t] == AML_BINARY   ? 2
                                             : 3);
    make_rows(&fresh, NEW_ROWS, 12, false, 2);
    for (size_t t = 0; without_texts && t < COUNT(tasks); t++) train[t].frame.p -= TEXTS;
    if (without_texts) fresh.frame.p -= TEXTS;
    add_step_cases();
    for (const aml_learner *const *l = aml_learners(); *l; l++)
        for (size_t t = 0; t < COUNT(tasks); t++)
            if ((*l)->tasks & tasks[t]) add_learner_cases(*l, tasks[t]);
    add_ensembles();
}

static inline void free_cases(void) {
    for (size_t i = 0; i < n_cases; i++) aml_model_free(cases[i].model);
}

#endif
