/* expression.h: constraints on the parameters of a search space.
 *
 *     rule    = or
 *     or      = and { ("or" | "||") and }
 *     and     = not { ("and" | "&&") not }
 *     not     = ("not" | "!") not | compare
 *     compare = sum [ ("<=" | "<" | ">=" | ">" | "==" | "!=") sum ]
 *     sum     = product { ("+" | "-") product }
 *     product = power { ("*" | "/" | "%") power }
 *     power   = unary [ ("^" | "**") power ]
 *     unary   = "-" unary | number | text | name | function "(" sum { "," sum } ")" | "(" or ")"
 *
 * Functions: min max abs floor ceil round sqrt exp log log2 log10. A name is a parameter: the number that it has; for
 * values that are not numbers compare with a text, booster == "dart". A rule in which a parameter is not there holds. */
#ifndef AML_TUNE_EXPRESSION_H
#define AML_TUNE_EXPRESSION_H

#include "automl/core/param.h"

typedef struct aml_rule {
    const char *text;
    const char *file;
    size_t line, column; /* of the first character */
} aml_rule;

/* Sets space->allows to "all rules hold"; what it needs is in `keep`. AML_ECONFIG with line and column. */
aml_status aml_rules_set(aml_space *space, const aml_rule *rules, size_t n, aml_arena *keep);

#endif
