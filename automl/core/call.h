/* call.h: what the functions of automl.h check of what they are called with. */
#ifndef AML_CORE_CALL_H
#define AML_CORE_CALL_H

#include "automl/core/status.h"

/* Arguments that may not be NULL: the first lines of a public function. The message has the function and the argument's
 * name, which is that of the header. */
#define AML_NEED(pointer)                                          \
    do {                                                           \
        if (!(pointer)) return aml_call_lacks(__func__, #pointer); \
    } while (0)
/* The same for functions that give a value: this one then. */
#define AML_NEED_OR(pointer, value)             \
    do {                                        \
        if (!(pointer)) {                       \
            aml_call_lacks(__func__, #pointer); \
            return value;                       \
        }                                       \
    } while (0)
aml_status aml_call_lacks(const char *function, const char *argument);

/* Structs of the interface begin with their size, by which a caller says which of their members it knows.
 *
 * Copies options to `to`, which has `size` bytes; members that an older caller does not know become 0. AML_EUSAGE, naming
 * the struct, when there is no size, or a newer caller sets members that are not known here. */
aml_status aml_call_options(void *to, size_t size, const void *given, const char *name);
/* Copies a result to the caller's struct, no more of it than that has room for: its size, where 0 stands for all.
 * Returns 1. */
int aml_call_give(void *out, const void *result, size_t size);

#endif
