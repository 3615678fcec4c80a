/* expression_internal.h: a rule as a list of operations on a stack: expression.c makes it, expression_run.c runs it. */
#ifndef AML_TUNE_EXPRESSION_INTERNAL_H
#define AML_TUNE_EXPRESSION_INTERNAL_H

#include "automl/tune/expression.h"

enum { MOST_OPS = 512, MOST_DEEP = 64 };

typedef enum op_kind {
    OP_NUMBER,
    OP_TEXT,
    OP_NAME,
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_REMAINDER,
    OP_POWER,
    OP_NEGATE,
    OP_SWAP, /* a > b is b < a */
    OP_CALL  /* + function number */
} op_kind;

typedef struct op {
    int kind;
    double number;
    const char *text; /* TEXT, and NAME: of the parameter */
    size_t dim;       /* NAME: the first dimension of that name */
    size_t at;        /* TEXT, NAME: where it stands */
} op;

typedef struct program {
    size_t n;
    op *ops;
} program;

typedef struct function {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
} function;
enum { N_FUNCTIONS = 11 };
extern const function aml_rule_functions[N_FUNCTIONS];

/* Does the rule hold for these values of the space's dimensions? */
bool aml_rule_holds(const program *p, const aml_space *s, const double *config);
/* The first operand that is text where a number is needed: nothing would keep to that. NULL: none. */
const op *aml_rule_misused_text(const program *p, const aml_space *s);

#endif
