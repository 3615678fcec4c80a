/* c.h: a program as C99: what the writers of its parts share. */
#ifndef AML_EXPORT_C_H
#define AML_EXPORT_C_H

#include "automl/export/program.h"

/* Where values live in the function that predicts: numbers in v[], codes in c[], times in t[], texts in s[], others under
 * their own numbers: s12, x12, z12. */
typedef struct aml_c_text {
    aml_string tables, body; /* static tables; the statements */
    const aml_program *p;
    aml_arena *scratch;
    uint32_t *slot; /* by value */
    bool *live;     /* by value: is it needed? */
    uint32_t n_slots[4];
    size_t most_entries; /* of a sparse row, for those that gather some */
    bool *needs;         /* pieces of the runtime */
    size_t n_pieces;
    /* the largest of their kind */
    size_t terms, near_features, near_most, net_inputs, net_width, net_units, net_outputs;
    size_t tree_features, tree_nodes;
    uint32_t n_tables;
    const char **fields; /* of the inputs' struct, by op of kind input */
} aml_c_text;

/* ---- c_text.c */
void aml_c_double(aml_string *s, double x);
void aml_c_float(aml_string *s, float x);
void aml_c_string(aml_string *s, const char *text);  /* quoted */
void aml_c_comment(aml_string *s, const char *text); /* what may stand in a comment */
/* Identifiers of n names, each its own; NULL when memory is short. */
const char **aml_c_identifiers(const char *const *names, size_t n, aml_arena *keep);
char *aml_c_upper(const char *name, aml_arena *keep);

/* The texts bytewise upwards, and where each stood. False when memory is short. */
bool aml_c_sort_texts(const char **sorted, uint32_t *place, const char *const *texts, size_t n,
                      aml_arena *scratch);

/* Table number k (from 1) with the attribute's items, "t3"; whole numbers as uint32_t, or where `small` as the smallest
 * type that holds them. Empty ones have one item. */
uint32_t aml_c_table(aml_c_text *w, const aml_attr *a, bool small);
uint32_t aml_c_table_u32(aml_c_text *w, const uint32_t *v, size_t n);
uint32_t aml_c_table_i32(aml_c_text *w, const int32_t *v, size_t n);
uint32_t aml_c_table_texts(aml_c_text *w, const char *const *v, size_t n);
uint32_t aml_c_table_f32(aml_c_text *w, const float *v, size_t n);
/* With a type of the file's own. */
uint32_t aml_c_table_typed(aml_c_text *w, const char *type, const uint32_t *v, size_t n);

/* ---- c_runtime.c: the functions that statements call */
void aml_c_need(aml_c_text *w, const char *piece); /* and what it needs itself */
aml_status aml_c_runtime(aml_string *out, const aml_c_text *w);
size_t aml_c_pieces(void);
const char *aml_c_main(size_t *size);

/* ---- c_ops.c, c_learners.c: statements for an operation */
void aml_c_op(aml_c_text *w, const aml_op *op);
void aml_c_learner(aml_c_text *w, const aml_op *op);
void aml_c_vector(aml_c_text *w, const aml_op *op);

/* The place of number, code, time or text `value` in its array. */
static inline uint32_t aml_c_at(const aml_c_text *w, uint32_t value) { return w->slot[value]; }
static inline const aml_ir_value *aml_c_value(const aml_c_text *w, uint32_t value) {
    return &w->p->ir.values[value];
}

#endif
