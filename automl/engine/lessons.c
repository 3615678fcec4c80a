/* lessons.c: what finished runs teach the next ones. */
#include "automl/engine/lessons.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "search/parts/metafeatures.h"
#include "search/parts/prior.h"

enum { MOST_RUNS = 100, MOST_PIPELINES = 25 };

/* ---- of a run */

/* Finished trials, best first. */
static int by_loss(const void *a, const void *b, void *arg) {
    const aml_trial *x = *(const aml_trial *const *)a, *y = *(const aml_trial *const *)b;
    (void)arg;
    return x->loss != y->loss ? (x->loss > y->loss) - (x->loss < y->loss)
                              : (x->id > y->id) - (x->id < y->id);
}

static aml_status finished_trials(const aml_trial ***out, size_t *n, const aml_study *s,
                                  aml_arena *scratch) {
    const aml_trial **list = AML_ARRAY(scratch, s->trials.n + 1, const aml_trial *);
    *n = 0;
    *out = list;
    if (!list) return AML_ENOMEM;
    for (size_t i = 0; i < s->trials.n; i++)
        if (s->trials.at[i]->state == AML_TRIAL_DONE) list[(*n)++] = s->trials.at[i];
    return aml_sort(list, *n, sizeof *list, by_loss, NULL);
}

typedef struct lesson {
    const aml_study *s;
    const aml_knowledge_table *like; /* the built-in table of the task: its metrics */
    size_t metric;                   /* that of the study among them, */
    double power;                    /* and the power of its relative loss */
    size_t n;
    aml_pipeline *pipelines;
    const aml_trial **trials; /* n */
} lesson;

static void add(lesson *l, const aml_pipeline *p, const aml_trial *t) {
    l->pipelines[l->n] = *p;
    l->trials[l->n++] = t;
}

/* Of few rows: what the built-in matrix has, so that it grows by a row and not by columns, which all others would lack. */
static aml_status known_pipelines(lesson *l, const aml_trial *const *trials, size_t n,
                                  aml_ctx *ctx) {
    aml_record *records = AML_ARRAY(ctx->scratch, n + 1, aml_record);
    aml_advice *advice;
    if (!records) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++)
        records[i] = (aml_record){
            .id = i, .state = AML_TRIAL_DONE, .config = trials[i]->config, .loss = trials[i]->loss};
    const aml_told told = {.n = n, .records = records, .time_left = INFINITY};
    AML_TRY(aml_advice_new(&advice, &l->s->composer.space, &told, &l->s->problem, ctx));
    for (size_t i = 0; advice && i < n; i++)
        if (advice->column[i] < advice->p)
            add(l, &advice->prior->table->pipelines[advice->column[i]], trials[i]);
    return AML_OK;
}

/* Of many: the best, whatever they are. */
static aml_status best_pipelines(lesson *l, const aml_trial *const *trials, size_t n,
                                 aml_arena *scratch) {
    for (size_t i = 0; i < n && i < MOST_PIPELINES; i++) {
        aml_pipeline p;
        AML_TRY(aml_pipeline_of(&p, &l->s->composer.space, trials[i]->config, scratch));
        add(l, &p, trials[i]);
    }
    return AML_OK;
}

static const char *name_data(const aml_study *s, uint32_t *family, aml_arena *scratch) {
    const char *target = s->options->target;
    uint64_t h = aml_hash(target, strlen(target), aml_frame_hash(&s->data, 0));
    *family = (uint32_t)h;
    return aml_printf(scratch, AML_OWN_RUN "%016llx", (unsigned long long)h);
}

static aml_status write(aml_string *out, const lesson *l, aml_arena *scratch) {
    const aml_study *s = l->s;
    size_t cells = l->like->n_metrics * l->n;
    double unit = s->problem.baseline_loss;
    double *loss = AML_ARRAY(scratch, cells, double), *seconds = AML_ARRAY(scratch, l->n, double);
    const double **weights = AML_ARRAY(scratch, l->like->n_metrics, const double *);
    aml_knowledge_row row = {.features = s->problem.features, .loss = loss, .seconds_log = seconds};
    row.dataset = name_data(s, &row.family, scratch);
    if (!loss || !seconds || !weights || !row.dataset) return AML_ENOMEM;
    for (size_t i = 0; i < cells; i++) loss[i] = NAN;
    for (size_t i = 0; i < l->n; i++) {
        const aml_trial *t = l->trials[i];
        double ratio = t->loss / unit;
        loss[l->metric * l->n + i] = ratio > 0 ? pow(ratio, l->power) : 0;
        seconds[i] = log(fmax(t->fit_seconds + t->predict_seconds, 1e-4));
    }
    const aml_knowledge_table table = {.name = aml_prior_table((int)s->task.kind, s->facts.shape.n),
                                       .n_metrics = l->like->n_metrics,
                                       .n_pipelines = l->n,
                                       .n_rows = 1,
                                       .metrics = l->like->metrics,
                                       .pipelines = l->pipelines,
                                       .weights = weights,
                                       .rows = &row};
    const aml_knowledge k = {.provenance = "a run",
                             .n_features = AML_METAFEATURES,
                             .n_tables = 1,
                             .features = aml_metafeature_names,
                             .tables = &table};
    aml_knowledge_write(out, &k);
    return out->failed ? AML_ENOMEM : AML_OK;
}

aml_status aml_lesson_write(aml_string *out, aml_study *s) {
    aml_arena *scratch = s->ctx.scratch;
    lesson l = {.s = s,
                .like = aml_knowledge_find(s->knowledge, aml_prior_table((int)s->task.kind, 0))};
    const aml_trial **trials;
    size_t n;
    l.metric = aml_prior_metric(&l.power, l.like, s->problem.metric);
    if (l.metric == l.like->n_metrics || !(s->problem.baseline_loss > 0) ||
        !isfinite(s->problem.baseline_loss))
        return AML_OK;
    AML_TRY(finished_trials(&trials, &n, s, scratch));
    l.pipelines = AML_ARRAY(scratch, n + 1, aml_pipeline);
    l.trials = AML_ARRAY(scratch, n + 1, const aml_trial *);
    if (!l.pipelines || !l.trials) return AML_ENOMEM;
    if (s->facts.shape.n > AML_KNOWN_ROWS) AML_TRY(best_pipelines(&l, trials, n, scratch));
    else AML_TRY(known_pipelines(&l, trials, n, &s->ctx));
    return l.n ? write(out, &l, scratch) : AML_OK;
}

/* ---- of a store */

aml_status aml_lessons_parse(aml_lessons *out, const char *text, size_t size, aml_arena *keep) {
    const char *copy = aml_strndup(keep, text, size);
    out->runs++;
    return copy ? aml_knowledge_parse(&out->knowledge, copy, size, "run store", keep) : AML_ENOMEM;
}

static bool has_our_features(const aml_knowledge *k) {
    for (size_t i = 0; i < k->n_features && i < AML_METAFEATURES; i++)
        if (strcmp(k->features[i], aml_metafeature_names[i]) != 0) return false;
    return k->n_features == AML_METAFEATURES;
}

static aml_status read_one(aml_lessons *l, aml_store *store, const char *run, aml_arena *keep) {
    const void *text;
    size_t size;
    aml_knowledge *k;
    AML_TRY(aml_store_get(&text, &size, store, run, "lesson", keep));
    if (!text) return AML_OK;
    AML_TRY(aml_knowledge_parse(&k, text, size, "run store", keep));
    if (!has_our_features(k)) {
        l->left_out++;
        return AML_OK;
    }
    l->runs++;
    if (l->knowledge) return aml_knowledge_merge(&l->knowledge, k, l->knowledge, keep);
    l->knowledge = k;
    return AML_OK;
}

static aml_status read_all(aml_lessons *l, aml_store *store, aml_arena *keep) {
    const aml_run_filter filter = {.size = sizeof filter, .status = "finished", .limit = MOST_RUNS};
    aml_runs *runs;
    AML_TRY(aml_store_list(&runs, store, &filter));
    aml_status status = AML_OK;
    for (size_t i = 0; !status && i < aml_runs_count(runs); i++) {
        aml_run_info r = {.size = sizeof r};
        aml_runs_at(runs, i, &r);
        status = read_one(l, store, r.id, keep);
    }
    aml_runs_free(runs);
    return status;
}

aml_status aml_lessons_read(aml_lessons *out, const char *path, aml_arena *keep) {
    aml_store *store;
    AML_TRY(aml_store_open(&store, path, 0));
    aml_status status = read_all(out, store, keep);
    aml_store_close(store);
    return status;
}
