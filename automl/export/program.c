/* program.c: inputs, chains, learners, weights and calibration of a model as one list of operations. */
#include "automl/export/program.h"

#include <stdio.h>
#include <string.h>

#include "automl/engine/predict.h"
#include "featurize/parts/table.h"

/* ---- what cannot be said */

static bool is_listed(const aml_string *s, const char *name) {
    return s->text && strstr(s->text, name) != NULL;
}

static void list_part(aml_string *s, const char *kind, const char *name) {
    char part[128];
    snprintf(part, sizeof part, "%s `%s`", kind, name);
    if (is_listed(s, part)) return;
    if (s->length) aml_string_put(s, ", ");
    aml_string_put(s, part);
}

static aml_status refuse_parts(const aml_model *m) {
    aml_string s = {0};
    aml_status status = AML_OK;
    for (size_t i = 0; i < m->n_members; i++) {
        const aml_member *p = &m->members[i];
        if (!p->learner->lower) list_part(&s, "learner", p->learner->name);
        for (size_t f = 0; f < p->n_fits; f++)
            for (size_t k = 0; k < p->fits[f].chain->n_steps; k++)
                if (!p->fits[f].chain->steps[k].step->lower)
                    list_part(&s, "step", p->fits[f].chain->steps[k].step->name);
    }
    if (s.failed) status = AML_ENOMEM;
    else if (s.length)
        status = aml_help(aml_fail(AML_EUSAGE, "the model cannot be exported: %s", s.text),
                          "these parts do not say what they do by operations of the exchange form",
                          "train without them");
    aml_string_free(&s);
    if (!status && !m->n_members)
        status = aml_help(aml_fail(AML_EUSAGE, "the leaderboard of a run cannot be exported"), NULL,
                          "load the model from its file");
    return status;
}

/* ---- inputs */

static aml_ir_type type_of(aml_kind kind) {
    switch (kind) {
    case AML_CATEGORY: return AML_IR_CODE;
    case AML_TEXT: return AML_IR_TEXT;
    case AML_DATETIME: return AML_IR_TIME;
    default: return AML_IR_NUMBER;
    }
}

static aml_status lower_inputs(aml_ir_table *out, const aml_schema *inputs, aml_ir *ir) {
    aml_ir_columns b = aml_ir_columns_of(ir, &(aml_ir_table){0});
    for (size_t j = 0; j < inputs->p; j++) {
        const aml_schema_column *c = &inputs->columns[j];
        if (c->kind == AML_IDENTIFIER) continue;
        aml_ir_op(ir, AML_OP_INPUT, NULL, 0);
        aml_ir_text(ir, "column", c->name);
        bool category = c->kind == AML_CATEGORY;
        if (category) aml_ir_array(ir, "levels", AML_TEXTS, c->levels, c->n_levels);
        uint32_t value = aml_ir_out(ir, type_of(c->kind), category ? c->n_levels : 1);
        if (!ir->status) ir->values[value].name = c->name;
        aml_ir_push(&b, value);
    }
    *out = b.to;
    return ir->status;
}

/* The same columns without a row: the steps say of it what they call what they make. */
static aml_status empty_table(aml_table *out, const aml_schema *inputs, aml_ctx *ctx) {
    static const uint64_t no_offset[1];
    aml_column *columns = AML_ARRAY(ctx->keep, inputs->p + 1, aml_column);
    if (!columns) return AML_ENOMEM;
    for (size_t j = 0; j < inputs->p; j++) {
        const aml_schema_column *c = &inputs->columns[j];
        columns[j] = (aml_column){.name = c->name,
                                  .kind = c->kind,
                                  .number = AML_ARRAY(ctx->keep, 1, double),
                                  .code = AML_ARRAY(ctx->keep, 1, int32_t),
                                  .levels = c->levels,
                                  .n_levels = c->n_levels,
                                  .bytes = "",
                                  .offset = no_offset};
        if (!columns[j].number || !columns[j].code) return AML_ENOMEM;
    }
    aml_frame *f = AML_NEW(ctx->keep, aml_frame);
    if (!f) return AML_ENOMEM;
    *f = (aml_frame){.p = inputs->p, .columns = columns, .source = "schema"};
    return aml_table_from_frame(out, f, NULL, ctx);
}

/* ---- chains */

/* Gives the values the names of the step's columns, and holds both to be the same columns. */
static bool name_columns(const aml_ir_table *lowered, const aml_table *made, aml_ir *ir) {
    size_t sparse = 0;
    if (lowered->n != made->p) return false;
    for (size_t j = 0; j < made->p; j++) {
        aml_ir_value *v = &ir->values[lowered->column[j]];
        const aml_feature *f = &made->features[j];
        if (v->type != type_of(f->kind)) return false;
        if (v->type == AML_IR_CODE && v->width != f->n_levels) return false;
        if (!v->name) v->name = f->name;
    }
    for (size_t k = 0; k < lowered->n_sparse; k++) {
        aml_ir_value *v = &ir->values[lowered->sparse[k]];
        sparse += v->width;
        if (!v->name && lowered->n_sparse == made->n_blocks) v->name = made->blocks[k].prefix;
    }
    return sparse == (made->csr ? made->csr->p : 0);
}

static aml_status lower_design(uint32_t *out, const aml_ir_table *t, aml_ir *ir) {
    uint32_t *in = AML_ARRAY(ir->keep, t->n + t->n_sparse + 1, uint32_t), sparse = 0;
    if (!in) return AML_ENOMEM;
    if (t->n) memcpy(in, t->column, t->n * sizeof *in);
    for (size_t k = 0; k < t->n_sparse; k++) {
        in[t->n + k] = t->sparse[k];
        sparse += ir->values[t->sparse[k]].width;
    }
    aml_ir_op(ir, AML_OP_DESIGN, in, t->n + t->n_sparse);
    *out = aml_ir_out(ir, AML_IR_DESIGN, t->n);
    if (!ir->status) ir->values[*out].sparse = sparse;
    return ir->status;
}

static aml_status lower_chain(uint32_t *out, const aml_chain *c, const aml_ir_table *inputs,
                              const aml_table *empty, aml_ir *ir, aml_ctx *ctx) {
    aml_ir_table at = *inputs;
    aml_table made = *empty;
    if (c->build & AML_NO_FEATURES) at.n = 0, made.p = 0;
    for (size_t i = 0; i < c->n_steps; i++) {
        const aml_fitted_step *s = &c->steps[i];
        aml_ir_table next = {0};
        aml_table made_next = {0};
        AML_TRY(s->step->lower(&next, s->state, &at, ir));
        AML_TRY(s->step->apply(&made_next, s->state, &made, ctx));
        if (!name_columns(&next, &made_next, ir))
            return aml_fail(AML_EINTERNAL, "step `%s` says it makes other columns than it does",
                            s->step->name);
        at = next;
        made = made_next;
    }
    return lower_design(out, &at, ir);
}

/* ---- the whole */

typedef struct lowered_chain {
    const aml_chain *chain;
    uint32_t design;
} lowered_chain;

/* A fit that says other sizes than its task or its chain has could not predict; nor is it exported. */
static aml_status check_sizes(const aml_model *m, const aml_table *empty, aml_ctx *ctx) {
    aml_batch no_rows;
    double nothing;
    AML_TRY(aml_batch_init(&no_rows, m, empty, ctx));
    return aml_batch_predict(&nothing, &no_rows, NULL);
}

static aml_status lower_members(uint32_t *out, const aml_model *m, aml_ir *ir, aml_ctx *ctx) {
    size_t n = 0, n_chains = 0, room = 1;
    for (size_t i = 0; i < m->n_members; i++) room += m->members[i].n_fits;
    lowered_chain *chains = AML_ARRAY(ctx->scratch, room, lowered_chain);
    uint32_t *z = AML_ARRAY(ctx->scratch, room, uint32_t);
    double *weight = AML_ARRAY(ctx->keep, room, double);
    aml_ir_table inputs;
    aml_table empty;
    if (!chains || !z || !weight) return AML_ENOMEM;
    AML_TRY(lower_inputs(&inputs, &m->inputs, ir));
    AML_TRY(empty_table(&empty, &m->inputs, ctx));
    AML_TRY(check_sizes(m, &empty, ctx));
    for (size_t i = 0; i < m->n_members; i++) {
        const aml_member *p = &m->members[i];
        for (size_t f = 0; f < p->n_fits; f++, n++) {
            size_t k = 0;
            while (k < n_chains && chains[k].chain != p->fits[f].chain) k++;
            if (k == n_chains) {
                chains[n_chains++].chain = p->fits[f].chain;
                AML_TRY(lower_chain(&chains[k].design, p->fits[f].chain, &inputs, &empty, ir, ctx));
            }
            AML_TRY(p->learner->lower(&z[n], p->fits[f].model, chains[k].design, ir));
            weight[n] = p->weight / (double)p->n_fits;
        }
    }
    aml_ir_op(ir, AML_OP_MEAN, z, n);
    aml_ir_array(ir, "weight", AML_F64, weight, n);
    *out = aml_ir_out(ir, AML_IR_VECTOR, aml_model_outputs(m));
    return ir->status;
}

static uint32_t lower_calibrator(uint32_t z, const aml_calibrator *c, size_t k, aml_ir *ir) {
    static const aml_op_kind ops[] = {[AML_TEMPERATURE] = AML_OP_TEMPERATURE,
                                      [AML_SIGMOID] = AML_OP_PLATT,
                                      [AML_ISOTONIC] = AML_OP_ISOTONIC};
    if (c->kind == AML_AS_IT_IS) return z;
    aml_ir_op1(ir, ops[c->kind], z);
    if (c->kind != AML_ISOTONIC) aml_ir_f64(ir, "slope", c->slope);
    if (c->kind == AML_SIGMOID) aml_ir_f64(ir, "offset", c->offset);
    if (c->kind == AML_ISOTONIC) {
        aml_ir_array(ir, "from", AML_F64, c->from, c->n);
        aml_ir_array(ir, "to", AML_F64, c->to, c->n);
    }
    return aml_ir_out(ir, AML_IR_VECTOR, k);
}

aml_status aml_program_make(aml_program *out, const aml_model *m, aml_arena *keep) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep, .scratch = scratch, .n_threads = 1};
    uint32_t z = 0;
    if (!scratch) return AML_ENOMEM;
    *out = (aml_program){.model = m};
    aml_ir_start(&out->ir, keep);
    aml_status status = refuse_parts(m);
    if (!status) status = lower_members(&z, m, &out->ir, &ctx);
    out->result = lower_calibrator(z, &m->calibrator, aml_model_outputs(m), &out->ir);
    aml_arena_free(scratch);
    return status ? status : out->ir.status;
}
