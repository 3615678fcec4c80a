/* nn_lower.c: a network in the intermediate form. */
#include "learners/parts/nn.h"

static void sizes(const aml_nn *net, aml_ir *ir) {
    static const char *const activations[] = {"relu", "silu", "selu"};
    static const char *const links[] = {"value", "logistic", "softmax"};
    aml_ir_u32(ir, "plain", net->plain);
    aml_ir_u32(ir, "ramps", net->ramps);
    aml_ir_u32(ir, "waves", net->waves);
    aml_ir_u32(ir, "layers", net->layers);
    aml_ir_u32(ir, "width", net->width);
    aml_ir_u32(ir, "members", net->members);
    aml_ir_u32(ir, "outputs", net->outputs);
    aml_ir_text(ir, "activation", activations[net->activation]);
    aml_ir_text(ir, "link", links[net->link]);
    aml_ir_u32(ir, "residual", net->residual);
}

/* Those of all layers, one behind the other. */
static void of_layers(const aml_nn *net, aml_ir *ir) {
    size_t units = net->members * net->width, first = net->inputs * net->width,
           next = net->width * net->width;
    aml_ir_array(ir, "weight", AML_F32, net->theta + net->layer[0].weight,
                 first + (net->layers - 1) * next);
    float *scale = aml_ir_new(ir, "scale", AML_F32, net->layers * units);
    float *bias = aml_ir_new(ir, "bias", AML_F32, net->layers * units);
    for (size_t l = 0; scale && bias && l < net->layers; l++)
        for (size_t u = 0; u < units; u++) {
            scale[l * units + u] = net->theta[net->layer[l].scale + u];
            bias[l * units + u] = net->theta[net->layer[l].bias + u];
        }
}

uint32_t aml_nn_lower(uint32_t x, const aml_nn *net, aml_ir *ir) {
    aml_ir_op1(ir, AML_OP_NETWORK, x);
    sizes(net, ir);
    aml_ir_array(ir, "source", AML_U32, net->source, net->inputs);
    aml_ir_array(ir, "origin", AML_F32, net->origin, net->ramps);
    aml_ir_array(ir, "slope", AML_F32, net->slope, net->ramps);
    aml_ir_array(ir, "low", AML_F32, net->low, net->ramps);
    aml_ir_array(ir, "high", AML_F32, net->high, net->ramps);
    aml_ir_array(ir, "frequency", AML_F32, net->theta + net->frequency, net->waves);
    aml_ir_array(ir, "phase", AML_F32, net->theta + net->phase, net->waves);
    of_layers(net, ir);
    aml_ir_array(ir, "term", AML_U32, net->terms.feature, net->terms.n);
    aml_ir_f32(ir, "term_factor", (double)net->terms.factor);
    aml_ir_array(ir, "term_weight", AML_F32, net->terms.weight, net->terms.n * net->width);
    aml_ir_array(ir, "head", AML_F32, net->theta + net->head,
                 net->members * net->width * net->outputs);
    aml_ir_array(ir, "head_bias", AML_F32, net->theta + net->head_bias,
                 net->members * net->outputs);
    return aml_ir_out(ir, AML_IR_VECTOR, net->outputs);
}
