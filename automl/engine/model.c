/* model.c: a model's life, and prediction. */
#include "automl/engine/model.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "featurize/parts/table.h"

enum { BATCH = 4096 };

aml_model *aml_model_new(void) {
    aml_model *m = aml_calloc(1, sizeof *m);
    if (!m) return NULL;
    m->arena = aml_arena_new(&m->account);
    if (m->arena) return m;
    aml_free(m);
    return NULL;
}

void aml_model_free(aml_model *m) {
    if (!m) return;
    for (size_t i = 0; i < m->n_members; i++)
        for (size_t f = 0; f < m->members[i].n_fits; f++) aml_fit_free(&m->members[i].fits[f]);
    aml_arena_free(m->arena);
    aml_free(m);
}

/* ---- a frame as the model wants it */

/* Open-addressed dictionary of level texts. */
static uint32_t *level_table(const char *const *levels, uint32_t n, size_t *mask, aml_arena *a) {
    size_t room = 16;
    while (room < (size_t)n * 2) room *= 2;
    uint32_t *slot = AML_ARRAY(a, room, uint32_t);
    if (!slot) return NULL;
    *mask = room - 1;
    for (uint32_t l = 0; l < n; l++) {
        size_t at = aml_hash(levels[l], strlen(levels[l]), 0) & *mask;
        while (slot[at]) at = (at + 1) & *mask;
        slot[at] = l + 1;
    }
    return slot;
}

static aml_status conform_category(aml_column *out, const aml_schema_column *want,
                                   const aml_column *have, size_t n, aml_ctx *ctx) {
    if (have->kind == AML_CATEGORY && have->levels == want->levels) {
        *out = *have;
        return AML_OK;
    }
    size_t mask;
    uint32_t *slot = level_table(want->levels, want->n_levels, &mask, ctx->scratch);
    int32_t *code = AML_ARRAY(ctx->keep, n + 1, int32_t);
    if (!slot || !code) return AML_ENOMEM;
    *out = (aml_column){.name = want->name,
                        .kind = AML_CATEGORY,
                        .levels = want->levels,
                        .n_levels = want->n_levels,
                        .code = code};
    for (size_t i = 0; i < n; i++) {
        char buffer[64];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        code[i] = length ? -2 : -1;
        for (size_t at = aml_hash(cell, length, 0) & mask; length && slot[at];
             at = (at + 1) & mask) {
            const char *level = want->levels[slot[at] - 1];
            if (strlen(level) == length && !memcmp(level, cell, length)) {
                code[i] = (int32_t)slot[at] - 1;
                break;
            }
        }
        out->n_missing += code[i] == -1;
        out->n_unseen += code[i] == -2;
    }
    return AML_OK;
}

static aml_status wrong_kind(const aml_schema_column *want, const aml_column *have,
                             const aml_frame *f) {
    for (size_t i = 0; i < f->n; i++) {
        char buffer[64], shown[200];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        double x;
        if (!length || (want->kind == AML_NUMBER && aml_parse_double(&x, cell, length))) continue;
        aml_fail_at(AML_EDATA, f->source, aml_frame_line(f, i), 0,
                    "column `%s` must hold a %s, but row %zu has `%s`", want->name,
                    aml_kind_name(want->kind), i + 1,
                    aml_printable(shown, sizeof shown, cell, length, 40));
        return aml_help(AML_EDATA, "the model was trained on another kind of column",
                        "mend the cell, or leave it empty (missing)");
    }
    return aml_fail_at(AML_EDATA, f->source, 0, 0, "column `%s` holds a %s, the model wants a %s",
                       want->name, aml_kind_name(have->kind), aml_kind_name(want->kind));
}

/* Any cell has a text form. */
static aml_status conform_text(aml_column *out, const aml_schema_column *want,
                               const aml_column *have, size_t n, aml_ctx *ctx) {
    uint64_t *offset = AML_ARRAY(ctx->keep, n + 1, uint64_t);
    aml_string s = {0};
    if (!offset) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char buffer[64];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        aml_string_add(&s, cell, length);
        offset[i + 1] = s.length;
    }
    char *bytes = s.failed ? NULL : aml_copy(ctx->keep, s.text ? s.text : "", s.length + 1);
    aml_string_free(&s);
    *out = (aml_column){.name = want->name,
                        .kind = AML_TEXT,
                        .bytes = bytes,
                        .offset = offset,
                        .n_missing = have->n_missing};
    return bytes ? AML_OK : AML_ENOMEM;
}

static aml_status conform_column(aml_column *out, const aml_schema_column *want,
                                 const aml_column *have, const aml_frame *f, aml_ctx *ctx) {
    bool all_missing = have->n_missing == f->n;
    bool text = want->kind == AML_TEXT,
         have_text = have->kind == AML_TEXT || have->kind == AML_IDENTIFIER;
    if (want->kind == AML_CATEGORY) return conform_category(out, want, have, f->n, ctx);
    if (have->kind == want->kind || (text && have_text)) {
        *out = *have;
        out->kind = want->kind;
        return AML_OK;
    }
    if (text) return conform_text(out, want, have, f->n, ctx);
    if (!all_missing) return wrong_kind(want, have, f);
    double *missing = AML_ARRAY(ctx->keep, f->n + 1, double);
    if (!missing) return AML_ENOMEM;
    for (size_t i = 0; i < f->n; i++) missing[i] = NAN;
    *out =
        (aml_column){.name = want->name, .kind = want->kind, .number = missing, .n_missing = f->n};
    return AML_OK;
}

static aml_status missing_columns(const aml_schema *inputs, const aml_frame *f) {
    aml_string s = {0};
    size_t n = 0;
    for (size_t i = 0; i < inputs->p; i++) {
        char shown[280];
        const char *name = inputs->columns[i].name;
        if (aml_frame_find(f, name) >= 0) continue;
        if (n++ < 5)
            aml_string_printf(&s, "%s`%s`", n > 1 ? ", " : "",
                              aml_printable(shown, sizeof shown, name, strlen(name), 40));
    }
    if (n > 5) aml_string_printf(&s, " and %zu more", n - 5);
    aml_fail_at(AML_EDATA, f->source, 0, 0, "missing column%s %s", n > 1 ? "s" : "",
                s.failed ? "" : s.text);
    aml_string_free(&s);
    return aml_help(AML_EDATA, "the model was trained on these columns",
                    "add them (cells may be empty), or train without them: --drop");
}

aml_status aml_conform(aml_frame *view, const aml_schema *inputs, const aml_frame *f,
                       aml_ctx *ctx) {
    aml_column *columns = AML_ARRAY(ctx->keep, inputs->p + 1, aml_column);
    if (!columns) return AML_ENOMEM;
    for (size_t i = 0; i < inputs->p; i++) {
        int at = aml_frame_find(f, inputs->columns[i].name);
        if (at < 0) return missing_columns(inputs, f);
        AML_TRY(conform_column(&columns[i], &inputs->columns[i], &f->columns[at], f, ctx));
    }
    *view = (aml_frame){.n = f->n,
                        .p = inputs->p,
                        .columns = columns,
                        .line = f->line,
                        .first_line = f->first_line,
                        .source = f->source};
    return AML_OK;
}

/* ---- prediction */

typedef struct predict_job {
    const aml_model *m;
    const aml_table *table;
    double *out;
    size_t k;
    _Atomic int status;
    aml_error error; /* of whoever failed first */
} predict_job;

/* The rows [begin, begin + n) of a table: pointers moved, nothing copied. */
static aml_status slice(aml_table *out, const aml_table *t, size_t begin, size_t n, aml_arena *a) {
    aml_feature *f = AML_ARRAY(a, t->p + 1, aml_feature);
    if (!f) return AML_ENOMEM;
    for (size_t j = 0; j < t->p; j++) {
        f[j] = t->features[j];
        if (f[j].x) f[j].x += begin;
        if (f[j].code) f[j].code += begin;
        if (f[j].time) f[j].time += begin;
        if (f[j].offset) f[j].offset += begin;
    }
    *out = (aml_table){.n = n, .p = t->p, .features = f};
    return AML_OK;
}

/* The design of a chain, made once for all fits of a batch that share the chain. */
typedef struct made {
    const aml_chain *chain;
    aml_design design;
} made;

static aml_status design_of(const aml_design **out, made *list, size_t *n, const aml_chain *chain,
                            const aml_table *rows, aml_ctx *ctx) {
    for (size_t i = 0; i < *n; i++) {
        if (list[i].chain != chain) continue;
        *out = &list[i].design;
        return AML_OK;
    }
    list[*n].chain = chain;
    AML_TRY(aml_chain_apply(&list[*n].design, chain, rows, ctx));
    *out = &list[(*n)++].design;
    return AML_OK;
}

static size_t count_fits(const aml_model *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->n_members; i++) n += m->members[i].n_fits;
    return n;
}

static aml_status predict_rows(double *out, const predict_job *j, const aml_table *rows,
                               aml_ctx *ctx) {
    const aml_model *m = j->m;
    size_t n = rows->n * j->k, n_made = 0;
    made *list = AML_ARRAY(ctx->keep, count_fits(m) + 1, made);
    uint32_t *all = AML_ARRAY(ctx->keep, rows->n + 1, uint32_t);
    double *one = AML_ARRAY(ctx->keep, n + 1, double);
    if (!list || !all || !one) return AML_ENOMEM;
    for (size_t i = 0; i < rows->n; i++) all[i] = (uint32_t)i;
    for (size_t i = 0; i < n; i++) out[i] = 0;
    for (size_t i = 0; i < m->n_members; i++) {
        const aml_member *member = &m->members[i];
        for (size_t f = 0; f < member->n_fits; f++) {
            aml_data x = {.rows = all, .n = rows->n, .task = m->kind, .n_classes = m->n_classes};
            AML_TRY(design_of(&x.x, list, &n_made, member->fits[f].chain, rows, ctx));
            aml_mark mark = aml_arena_mark(ctx->scratch);
            AML_TRY(member->learner->predict(one, member->fits[f].model, &x, ctx));
            aml_arena_release(ctx->scratch, mark);
            for (size_t r = 0; r < n; r++)
                out[r] += member->weight / (double)member->n_fits * one[r];
        }
    }
    return AML_OK;
}

static void predict_batch(void *arg, size_t block, size_t begin, size_t end, int thread) {
    predict_job *j = arg;
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep, .scratch = scratch, .n_threads = 1};
    aml_table rows;
    (void)block, (void)thread;
    aml_status status =
        keep && scratch ? slice(&rows, j->table, begin, end - begin, keep) : AML_ENOMEM;
    if (!status) status = predict_rows(j->out + begin * j->k, j, &rows, &ctx);
    if (status && !atomic_exchange(&j->status, (int)status)) j->error = *aml_last_error();
    aml_arena_free(keep);
    aml_arena_free(scratch);
}

static aml_status predict_view(double *out, const aml_model *m, const aml_frame *data, int threads,
                               aml_ctx *ctx) {
    aml_frame view;
    aml_table table;
    AML_TRY(aml_conform(&view, &m->inputs, data, ctx));
    AML_TRY(aml_table_from_frame(&table, &view, NULL, ctx));
    predict_job j = {.m = m, .table = &table, .out = out, .k = aml_model_outputs(m)};
    aml_par_for(threads, data->n, BATCH, predict_batch, &j);
    if (j.status) aml_set_error(&j.error);
    return (aml_status)j.status;
}

aml_status aml_model_predict(double *out, const aml_model *m, const aml_frame *data, int threads) {
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {
        .keep = keep, .scratch = scratch, .n_threads = threads > 0 ? threads : aml_par_cores()};
    aml_status status =
        keep && scratch ? predict_view(out, m, data, ctx.n_threads, &ctx) : AML_ENOMEM;
    aml_arena_free(keep);
    aml_arena_free(scratch);
    return status;
}

size_t aml_model_choose(const aml_model *m, const double *p) {
    if (m->n_classes == 2) return p[0] > 0.5;
    size_t best = 0;
    for (size_t i = 1; i < (size_t)m->n_classes; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/* ---- what it is */

size_t aml_model_outputs(const aml_model *m) {
    return (size_t)aml_task_outputs(m->kind, m->n_classes);
}
const char *aml_model_task(const aml_model *m) { return aml_task_name(m->kind); }
const char *aml_model_metric(const aml_model *m) { return m->metric->name; }
const char *aml_model_target(const aml_model *m) { return m->target; }
size_t aml_model_classes(const aml_model *m) { return (size_t)m->n_classes; }
const char *aml_model_class(const aml_model *m, size_t i) {
    return i < (size_t)m->n_classes ? m->classes[i] : NULL;
}
void aml_model_score(const aml_model *m, aml_score *out) { *out = m->score; }

int aml_model_leader(const aml_model *m, size_t i, aml_leader *out) {
    if (i < m->n_leaders) *out = m->leaders[i];
    return i < m->n_leaders;
}

int aml_model_guardrail(const aml_model *m, size_t i, aml_guardrail *out) {
    if (i < m->guardrails.n) *out = m->guardrails.at[i];
    return i < m->guardrails.n;
}

int aml_model_input(const aml_model *m, size_t i, aml_input_column *out) {
    if (i >= m->inputs.p) return 0;
    const aml_schema_column *c = &m->inputs.columns[i];
    *out = (aml_input_column){.size = sizeof *out,
                              .name = c->name,
                              .kind = aml_kind_name(c->kind),
                              .levels = c->n_levels};
    return 1;
}

int aml_model_part(const aml_model *m, size_t i, aml_part *out) {
    if (i >= m->n_members) return 0;
    const aml_member *p = &m->members[i];
    *out = (aml_part){.size = sizeof *out,
                      .pipeline = p->pipeline,
                      .weight = p->weight,
                      .fits = p->n_fits,
                      .bytes = p->bytes};
    return 1;
}

int aml_model_importance(const aml_model *m, size_t i, const char **name, double *share) {
    if (!m->importance || i >= m->inputs.p) return 0;
    for (size_t c = 0; c < m->inputs.p; c++) { /* the column that i others are before */
        size_t before = 0;
        for (size_t o = 0; o < m->inputs.p; o++)
            before += m->importance[o] > m->importance[c] ||
                      (m->importance[o] == m->importance[c] && o < c);
        if (before != i) continue;
        *name = m->inputs.columns[c].name;
        *share = m->importance[c];
        return 1;
    }
    return 0;
}
