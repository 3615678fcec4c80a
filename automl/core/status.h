/* status.h: every call's result, and the text that goes with a failure.
 *
 * A status is also the exit code of the program (sysexits where they fit). The text of the last
 * failure lives in a fixed buffer of the calling thread: it is written where the failure is seen
 * and passed up unchanged. */
#ifndef AML_CORE_STATUS_H
#define AML_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "automl/core/export.h"

#define AML_EINVAL AML_EUSAGE

/* A member of a plug-in that only training needs. The scoring library is compiled from the same sources with AML_SCORE:
 * there it is NULL, so that the linker leaves out the function and all that only it calls. */
#ifdef AML_SCORE
#define AML_FIT(member) (0 ? (member) : NULL)
#else
#define AML_FIT(member) (member)
#endif

/* Records a failure and returns `status`, so that `return aml_fail(...)` is one line. */
AML_PLUGIN aml_status aml_fail(aml_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with the place in a file; line or column 0 = unknown. */
aml_status aml_fail_at(aml_status status, const char *file, size_t line, size_t column,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds the reason and the way out to the failure just recorded; returns `status`.
 * `why` may be NULL. */
AML_PLUGIN aml_status aml_help(aml_status status, const char *why, const char *help_format, ...)
    __attribute__((format(printf, 3, 4), nonnull(3)));

void aml_clear_error(void);
void aml_set_error(const aml_error *error); /* carries a failure from one thread to another */

/* Copies at most `max` characters of untrusted text into `out` (size ≥ 4 * max + 4), with control
 * and bidi characters escaped and "…" where it was cut. Returns `out`. */
char *aml_printable(char *out, size_t size, const char *text, size_t length, size_t max);

/* Passes a failure up. */
#define AML_TRY(call)                                \
    do {                                             \
        aml_status aml_try_status_ = (call);         \
        if (aml_try_status_) return aml_try_status_; \
    } while (0)

#endif
