/* expression_run.c: what the operations of a rule do. */
#include <math.h>
#include <string.h>

#include "automl/tune/expression_internal.h"

/* ---- functions ---- */

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

const function aml_rule_functions[N_FUNCTIONS] = {
    {"min", NULL, least}, {"max", NULL, most},    {"abs", fabs, NULL},   {"floor", floor, NULL},
    {"ceil", ceil, NULL}, {"round", round, NULL}, {"sqrt", sqrt, NULL},  {"exp", exp, NULL},
    {"log", log, NULL},   {"log2", log2, NULL},   {"log10", log10, NULL}};

/* ---- running ---- */

typedef struct value {
    double x;
    const char *text; /* of a choice or a text, else NULL */
} value;

static value name_value(const aml_space *s, const op *o, const double *config) {
    for (size_t i = o->dim; i < s->n; i++) {
        const aml_param *p = s->dims[i].param;
        double x = config[i];
        if (isnan(x) || strcmp(s->dims[i].name, o->text) != 0) continue;
        if (p->kind != AML_CHOICE) return (value){x, NULL};
        const char *text = p->choices[(size_t)x];
        if (!aml_parse_double(&x, text, strlen(text)))
            x = !strcmp(text, "true") ? 1 : !strcmp(text, "false") ? 0 : NAN;
        return (value){x, text};
    }
    return (value){NAN, NULL};
}

static bool is_there(const aml_space *s, const op *o, const double *config) {
    for (size_t i = o->dim; i < s->n; i++)
        if (!isnan(config[i]) && !strcmp(s->dims[i].name, o->text)) return true;
    return false;
}

static bool same(value a, value b) {
    if (a.text && b.text && (isnan(a.x) || isnan(b.x))) return !strcmp(a.text, b.text);
    return a.x == b.x;
}

static double two(const op *o, value a, value b) {
    switch (o->kind) {
    case OP_OR: return a.x != 0 || b.x != 0;
    case OP_AND: return a.x != 0 && b.x != 0;
    case OP_LESS: return a.x < b.x;
    case OP_LESS_EQUAL: return a.x <= b.x;
    case OP_EQUAL: return same(a, b);
    case OP_NOT_EQUAL: return !same(a, b);
    case OP_ADD: return a.x + b.x;
    case OP_SUBTRACT: return a.x - b.x;
    case OP_MULTIPLY: return a.x * b.x;
    case OP_DIVIDE: return a.x / b.x;
    case OP_REMAINDER: return a.x - b.x * floor(a.x / b.x);
    case OP_POWER: return pow(a.x, b.x);
    default: return aml_rule_functions[o->kind - OP_CALL].two(a.x, b.x);
    }
}

bool aml_rule_holds(const program *p, const aml_space *s, const double *config) {
    value stack[MOST_DEEP + 1];
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->ops[i].kind == OP_NAME && !is_there(s, &p->ops[i], config)) return true;
    for (size_t i = 0; i < p->n; i++) {
        const op *o = &p->ops[i];
        if (o->kind == OP_NUMBER) stack[n++] = (value){o->number, NULL};
        else if (o->kind == OP_TEXT) stack[n++] = (value){NAN, o->text};
        else if (o->kind == OP_NAME) stack[n++] = name_value(s, o, config);
        else if (o->kind == OP_NOT) stack[n - 1] = (value){stack[n - 1].x == 0, NULL};
        else if (o->kind == OP_NEGATE) stack[n - 1] = (value){-stack[n - 1].x, NULL};
        else if (o->kind == OP_SWAP) {
            value t = stack[n - 1];
            stack[n - 1] = stack[n - 2];
            stack[n - 2] = t;
        } else if (o->kind >= OP_CALL && aml_rule_functions[o->kind - OP_CALL].one) {
            stack[n - 1] = (value){aml_rule_functions[o->kind - OP_CALL].one(stack[n - 1].x), NULL};
        } else {
            n--;
            stack[n - 1] = (value){two(o, stack[n - 1], stack[n]), NULL};
        }
    }
    return stack[0].x != 0 && !isnan(stack[0].x);
}

/* ---- what is text ---- */

static bool choice_is_number(const char *text) {
    double x;
    return aml_parse_double(&x, text, strlen(text)) || !strcmp(text, "true") ||
           !strcmp(text, "false");
}

/* A parameter is text when it is never a number. */
static bool is_text(const aml_space *s, const op *o) {
    if (o->kind == OP_TEXT) return true;
    for (size_t i = o->dim; i < s->n; i++) {
        const aml_param *param = s->dims[i].param;
        if (strcmp(s->dims[i].name, o->text) != 0) continue;
        if (param->kind != AML_CHOICE) return false;
        for (size_t k = 0; param->choices[k]; k++)
            if (choice_is_number(param->choices[k])) return false;
    }
    return true;
}

const op *aml_rule_misused_text(const program *p, const aml_space *s) {
    const op *stack[MOST_DEEP + 1], *none = NULL;
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const op *o = &p->ops[i];
        bool one = o->kind == OP_NOT || o->kind == OP_NEGATE ||
                   (o->kind >= OP_CALL && aml_rule_functions[o->kind - OP_CALL].one);
        if (o->kind <= OP_NAME) {
            stack[n++] = o->kind != OP_NUMBER && is_text(s, o) ? o : none;
        } else if (o->kind == OP_SWAP) {
            const op *t = stack[n - 1];
            stack[n - 1] = stack[n - 2];
            stack[n - 2] = t;
        } else {
            bool equal = o->kind == OP_EQUAL || o->kind == OP_NOT_EQUAL;
            if (!one) n--;
            if (!one && !equal && stack[n]) return stack[n];
            if (!equal && stack[n - 1]) return stack[n - 1];
            stack[n - 1] = none;
        }
    }
    return n ? stack[0] : NULL;
}
