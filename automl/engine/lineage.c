/* lineage.c: one row of nothing but gaps is sent through the steps, and what each of them changes is written down. */
#include "automl/engine/lineage.h"

#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/json.h"
#include "featurize/parts/table.h"

struct aml_lineage {
    aml_arena *arena;
    size_t n;
    aml_engineered *at;
};

/* ---- the row */

static aml_status empty_column(aml_column *c, const aml_schema_column *input, aml_arena *keep) {
    double *number = AML_ARRAY(keep, 1, double);
    int32_t *code = AML_ARRAY(keep, 1, int32_t);
    uint64_t *offset = AML_ARRAY(keep, 2, uint64_t);
    if (!number || !code || !offset) return AML_ENOMEM;
    number[0] = NAN;
    code[0] = -1;
    *c = (aml_column){.name = input->name,
                      .kind = input->kind,
                      .number = number,
                      .code = code,
                      .levels = input->levels,
                      .n_levels = input->n_levels,
                      .bytes = "",
                      .offset = offset,
                      .n_missing = 1};
    return AML_OK;
}

static aml_status empty_row(aml_table *out, const aml_schema *inputs, aml_ctx *ctx) {
    aml_column *columns = AML_ARRAY(ctx->keep, inputs->p + 1, aml_column);
    if (!columns) return AML_ENOMEM;
    for (size_t j = 0; j < inputs->p; j++)
        AML_TRY(empty_column(&columns[j], &inputs->columns[j], ctx->keep));
    const aml_frame row = {.n = 1, .p = inputs->p, .columns = columns, .source = "memory"};
    return aml_table_from_frame(out, &row, NULL, ctx);
}

/* ---- histories: the steps that made or changed each column, "impute, scale" */

static const char *longer(const char *history, const char *step, aml_arena *keep) {
    return *history ? aml_feature_name(keep, history, ", ", step) : aml_strdup(keep, step);
}

static bool same_values(const aml_feature *f, const aml_feature *g) {
    return f->kind == g->kind && f->x == g->x && f->code == g->code && f->time == g->time &&
           f->bytes == g->bytes;
}

/* Is f named after g, as in "date.month" and "date"? */
static bool named_after(const aml_feature *f, const aml_feature *g) {
    return f->source == g->source && !strncmp(f->name, g->name, strlen(g->name));
}

/* The column of `before` that f is, or that it was made of; before->p for none. Columns keep their order, so the search
 * starts where the last one ended. */
static size_t origin_of(const aml_feature *f, const aml_table *before, size_t start) {
    for (size_t k = 0; k < before->p; k++) {
        size_t at = (start + k) % before->p;
        const aml_feature *g = &before->features[at];
        if (g->source == f->source && !strcmp(g->name, f->name)) return at;
    }
    size_t best = before->p;
    for (size_t at = 0; at < before->p; at++)
        if (named_after(f, &before->features[at]) &&
            (best == before->p ||
             strlen(before->features[at].name) > strlen(before->features[best].name)))
            best = at;
    return best;
}

static aml_status next_histories(const char ***history, const aml_table *after,
                                 const aml_table *before, const char *step, aml_ctx *ctx) {
    const char **next = AML_ARRAY(ctx->keep, after->p + 1, const char *);
    size_t at = 0;
    if (!next) return AML_ENOMEM;
    for (size_t j = 0; j < after->p; j++) {
        const aml_feature *f = &after->features[j];
        size_t origin = before->p ? origin_of(f, before, at) : 0;
        bool known = origin < before->p;
        const char *was = known ? (*history)[origin] : "";
        bool kept = known && same_values(f, &before->features[origin]);
        next[j] = kept ? was : longer(was, step, ctx->keep);
        if (!next[j]) return AML_ENOMEM;
        if (known) at = origin;
    }
    *history = next;
    return AML_OK;
}

/* ---- what is told of a feature */

/* "a, b"; "" when more than two columns have a part in it. */
static const char *inputs_of(const aml_schema *inputs, uint32_t source, const uint32_t *parents,
                             aml_arena *keep) {
    if (source < inputs->p) return inputs->columns[source].name;
    if (!parents || !parents[0] || !parents[1] || parents[0] > inputs->p || parents[1] > inputs->p)
        return "";
    return aml_feature_name(keep, inputs->columns[parents[0] - 1].name, ", ",
                            inputs->columns[parents[1] - 1].name);
}

/* Coefficients by the contributions to two rows, of zeros and of ones; NULL where there are none to tell. */
static aml_status coefficients(double **out, const aml_model *m, const aml_member *member,
                               const aml_table *t, aml_ctx *ctx) {
    enum { ROWS = 2 };
    static const uint32_t rows[ROWS] = {0, 1};
    size_t p = t->p, q = 0;
    *out = NULL;
    for (size_t k = 0; k < t->n_blocks; k++) q += t->blocks[k].n_columns;
    if (!(member->learner->can & AML_READABLE) || aml_model_outputs(m) > 1) return AML_OK;
    float *dense = AML_ARRAY(ctx->scratch, ROWS * p + 1, float);
    double *phi = AML_ARRAY(ctx->scratch, ROWS * (p + 1), double);
    const aml_csr none = {.n = ROWS, .p = q, .start = (const uint64_t[ROWS + 1]){0}};
    *out = AML_ARRAY(ctx->keep, p + 1, double);
    if (!dense || !phi || !*out) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) dense[p + j] = 1;
    const aml_design design = {.n = ROWS, .p = p, .dense = dense, .csr = &none};
    const aml_data x = {
        .x = &design, .rows = rows, .n = ROWS, .task = m->kind, .n_classes = m->n_classes};
    AML_TRY(member->learner->contributions(phi, member->fits[0].model, &x, ctx));
    for (size_t j = 0; j < p; j++) (*out)[j] = phi[p + 1 + j] - phi[j];
    return AML_OK;
}

static aml_status tell(aml_lineage *l, const aml_model *m, const aml_table *t,
                       const char *const *history, const char *sparse_steps, const double *share,
                       const double *coefficient) {
    aml_arena *keep = l->arena;
    l->at = AML_ARRAY(keep, t->p + t->n_blocks, aml_engineered);
    if (!l->at) return AML_ENOMEM;
    for (size_t j = 0; j < t->p; j++) {
        const aml_feature *f = &t->features[j];
        l->at[l->n++] =
            (aml_engineered){.size = sizeof *l->at,
                             .name = f->name,
                             .kind = aml_kind_name(f->kind),
                             .inputs = inputs_of(&m->inputs, f->source, f->parents, keep),
                             .steps = history[j],
                             .columns = 1,
                             .importance = share ? share[j] : NAN,
                             .coefficient = coefficient ? coefficient[j] : NAN};
    }
    for (size_t k = 0; k < t->n_blocks; k++) {
        const aml_block *b = &t->blocks[k];
        l->at[l->n++] = (aml_engineered){.size = sizeof *l->at,
                                         .name = aml_feature_name(keep, b->prefix, "…", ""),
                                         .kind = "sparse numbers",
                                         .inputs = inputs_of(&m->inputs, b->source, NULL, keep),
                                         .steps = sparse_steps,
                                         .columns = b->n_columns,
                                         .importance = NAN,
                                         .coefficient = NAN};
    }
    for (size_t i = 0; i < l->n; i++)
        if (!l->at[i].name || !l->at[i].inputs) return AML_ENOMEM;
    return AML_OK;
}

static aml_status follow(aml_lineage *l, const aml_model *m, const aml_member *member,
                         aml_ctx *ctx) {
    const aml_chain *chain = member->fits[0].chain;
    const char *sparse = "", **history;
    aml_table at, next;
    double *share = NULL;
    AML_TRY(empty_row(&at, &m->inputs, ctx));
    if (chain->build & AML_NO_FEATURES) at.p = 0;
    history = AML_ARRAY(ctx->keep, at.p + 1, const char *);
    if (!history) return AML_ENOMEM;
    for (size_t j = 0; j < at.p; j++) history[j] = "";
    for (size_t i = 0; i < chain->n_steps; i++) {
        const aml_step *step = chain->steps[i].step;
        next = (aml_table){0};
        AML_TRY(step->apply(&next, chain->steps[i].state, &at, ctx));
        AML_TRY(next_histories(&history, &next, &at, step->name, ctx));
        if (next.n_blocks > at.n_blocks && !(sparse = longer(sparse, step->name, ctx->keep)))
            return AML_ENOMEM;
        at = next;
    }
    if (member->learner->importance) {
        share = AML_ARRAY(ctx->keep, at.p + 1, double);
        if (!share) return AML_ENOMEM;
        AML_TRY(member->learner->importance(share, member->fits[0].model, at.p));
    }
    double *coefficient;
    AML_TRY(coefficients(&coefficient, m, member, &at, ctx));
    return tell(l, m, &at, history, sparse, share, coefficient);
}

static const aml_member *member_at(const aml_model *m, size_t part) {
    if (part < m->n_members && m->members[part].n_fits) return &m->members[part];
    aml_fail(AML_EUSAGE, "the model has no part %zu", part + 1);
    aml_help(AML_EUSAGE, NULL, "it has %zu; `automl inspect` lists them", m->n_members);
    return NULL;
}

aml_status aml_lineage_new(aml_lineage **out, const aml_model *m, size_t part) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(m);
    const aml_member *member = member_at(m, part);
    if (!member) return AML_EUSAGE;
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_lineage *l = keep ? AML_NEW(keep, aml_lineage) : NULL;
    aml_ctx ctx = {.keep = keep, .scratch = scratch, .n_threads = 1};
    aml_status status = l && scratch ? AML_OK : AML_ENOMEM;
    if (!status) {
        l->arena = keep;
        status = follow(l, m, member, &ctx);
    }
    aml_arena_free(scratch);
    if (status) aml_arena_free(keep);
    else *out = l;
    return status;
}

int aml_lineage_at(const aml_lineage *l, size_t i, aml_engineered *out) {
    AML_NEED_OR(l, 0);
    AML_NEED_OR(out, 0);
    return i < l->n && aml_call_give(out, &l->at[i], sizeof *out);
}

void aml_lineage_free(aml_lineage *l) {
    if (l) aml_arena_free(l->arena);
}

aml_status aml_put_lineage(aml_string *s, const aml_model *m, size_t part) {
    aml_lineage *l;
    AML_TRY(aml_lineage_new(&l, m, part));
    aml_string_put(s, "[");
    for (size_t i = 0; i < l->n; i++) {
        const aml_engineered *e = &l->at[i];
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "name", e->name);
        aml_json_add_string(s, "kind", e->kind);
        aml_json_add_string(s, "inputs", e->inputs);
        aml_json_add_string(s, "steps", e->steps);
        aml_json_add_number(s, "columns", (double)e->columns);
        aml_json_add_number(s, "importance", e->importance);
        aml_json_add_number(s, "coefficient", e->coefficient);
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
    aml_lineage_free(l);
    return AML_OK;
}
