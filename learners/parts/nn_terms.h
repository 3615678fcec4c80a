/* nn_terms.h: training of the weights of sparse features: a step knows, sums and moves those of its rows alone. */
#ifndef AML_PARTS_NN_TERMS_H
#define AML_PARTS_NN_TERMS_H

#include "learners/parts/nn_kernels.h"

/* The entries of a batch by term, and what AdamW keeps of each weight. */
typedef struct aml_nn_terms_batch {
    aml_nn *net;
    const aml_nn_data *data;
    size_t most;     /* rows of a batch */
    float *d_first;  /* rows × width, from the chunks */
    size_t n;        /* terms of the batch, upwards: */
    uint32_t *term;  /* which */
    uint32_t *begin; /* n + 1: entries begin[t] … begin[t+1]-1 of term t */
    uint32_t *place; /* by term: scratch of the sorting */
    uint32_t *row;   /* entries: row of the batch */
    float *value;    /* and value */
    float *gradient; /* n × width */
    float *m, *v;    /* all terms × width */
    float *average;  /* likewise; up to date at the term's own last step only */
    double *seen;    /* by term: `left` at that step */
    double left;     /* product of (1 - blend) over all steps but the first */
    double *block_norm;
    aml_nn_adam adam;
} aml_nn_terms_batch;

/* For batches of at most `most` rows. AML_ENOMEM. */
aml_status aml_nn_terms_open(aml_nn_terms_batch *b, aml_nn *net, const aml_nn_data *data,
                             size_t most, aml_arena *scratch);
/* The gradient of the rows (of the design) from d_first: its squared length is returned. */
double aml_nn_terms_gradient(aml_nn_terms_batch *b, const uint32_t *rows, size_t n, int n_threads);
/* A lazy step of AdamW. */
void aml_nn_terms_step(aml_nn_terms_batch *b, const aml_nn_adam *adam, bool first, int n_threads);
/* Brings the average of all terms up to date. */
void aml_nn_terms_catch_up(aml_nn_terms_batch *b);

#endif
