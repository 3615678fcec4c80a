/* nn_file.c: a network to bytes and back. */
#include <math.h>
#include <string.h>

#include "learners/parts/nn.h"

/* The last of the sizes. Networks of dense features alone are as they were before there were others. */
enum { RESIDUAL = 1, HAS_TERMS = 2 };

void aml_nn_save(const aml_nn *net, aml_writer *w) {
    const size_t sizes[] = {net->p,
                            net->plain,
                            net->ramps,
                            net->waves,
                            net->layers,
                            net->width,
                            net->members,
                            net->outputs,
                            (size_t)net->activation,
                            (size_t)net->link,
                            net->residual | (net->terms.q ? HAS_TERMS : 0u)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) aml_put_u32(w, (uint32_t)sizes[i]);
    aml_put_u32s(w, net->source, net->inputs);
    aml_put_f32s(w, net->origin, net->ramps);
    aml_put_f32s(w, net->slope, net->ramps);
    aml_put_f32s(w, net->low, net->ramps);
    aml_put_f32s(w, net->high, net->ramps);
    aml_put_f32s(w, net->theta, net->n_theta);
    if (!net->terms.q) return;
    aml_put_u32(w, (uint32_t)net->terms.q);
    aml_put_u32(w, (uint32_t)net->terms.n);
    aml_put_f32(w, net->terms.factor);
    aml_put_u32s(w, net->terms.feature, net->terms.n);
    aml_put_f32s(w, net->terms.weight, net->terms.n * net->width);
}

static bool finite_all(const float *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i])) return false;
    return true;
}

/* Ramps read features, waves read ramps; limits keep every later number finite. */
static bool columns_make_sense(const aml_nn *net) {
    for (size_t i = 0; i < net->inputs; i++)
        if (net->source[i] >= (i < net->ramps ? net->p : net->ramps)) return false;
    for (size_t i = 0; i < net->ramps; i++)
        if (!(fabsf(net->low[i]) <= 1e6f) || !(fabsf(net->high[i]) <= 1e6f)) return false;
    return finite_all(net->origin, net->ramps) && finite_all(net->slope, net->ramps) &&
           finite_all(net->theta, net->n_theta);
}

static bool terms_make_sense(const aml_nn *net) {
    const aml_nn_terms *t = &net->terms;
    for (size_t i = 0; i < t->n; i++)
        if (t->feature[i] >= (i + 1 < t->n ? t->feature[i + 1] : t->q)) return false;
    return isfinite(t->factor);
}

static aml_status load_terms(aml_nn *net, aml_reader *r, aml_arena *keep) {
    aml_nn_terms *t = &net->terms;
    *t = (aml_nn_terms){.q = aml_get_u32(r)};
    t->n = aml_get_u32(r);
    if (r->status) return r->status;
    if (t->n > t->q || t->q > AML_NN_MOST_SPARSE)
        return aml_reader_fail(r, "sparse features of the network");
    if (!t->q) return aml_reader_fail(r, "sparse features of the network");
    t->factor = aml_get_f32(r);
    t->feature = aml_get_u32s(r, keep, t->n, NULL);
    const float *weight = aml_get_f32s(r, keep, t->n * net->width, NULL);
    if (r->status) return r->status;
    if (!terms_make_sense(net) || !finite_all(weight, t->n * net->width))
        return aml_reader_fail(r, "sparse features of the network");
    if (!aml_nn_terms_room(t, net->width, keep)) return AML_ENOMEM;
    memcpy(t->weight, weight, t->n * net->width * sizeof *weight);
    return AML_OK;
}

aml_status aml_nn_load(aml_nn *net, aml_reader *r, aml_arena *keep) {
    size_t sizes[11];
    for (size_t i = 0; i < 11; i++) sizes[i] = aml_get_u32(r);
    if (r->status) return r->status;
    if (sizes[8] > AML_NN_SELU || sizes[9] > AML_NN_SOFTMAX || sizes[10] > (RESIDUAL | HAS_TERMS))
        return aml_reader_fail(r, "unknown kind of network");
    *net = (aml_nn){.p = sizes[0],
                    .plain = sizes[1],
                    .ramps = sizes[2],
                    .waves = sizes[3],
                    .layers = sizes[4],
                    .width = sizes[5],
                    .members = sizes[6],
                    .outputs = sizes[7],
                    .activation = (aml_nn_activation)sizes[8],
                    .link = (aml_nn_link)sizes[9],
                    .residual = (sizes[10] & RESIDUAL) != 0,
                    .terms = {.factor = 1},
                    .inputs = sizes[2] + sizes[3]};
    if (!aml_nn_layout(net)) return aml_reader_fail(r, "sizes of the network");
    net->source = aml_get_u32s(r, keep, net->inputs, NULL);
    net->origin = aml_get_f32s(r, keep, net->ramps, NULL);
    net->slope = aml_get_f32s(r, keep, net->ramps, NULL);
    net->low = aml_get_f32s(r, keep, net->ramps, NULL);
    net->high = aml_get_f32s(r, keep, net->ramps, NULL);
    net->theta = aml_get_f32s(r, keep, net->n_theta, NULL);
    if (r->status) return r->status;
    if (!columns_make_sense(net)) return aml_reader_fail(r, "numbers of the network out of range");
    return sizes[10] & HAS_TERMS ? load_terms(net, r, keep) : AML_OK;
}
