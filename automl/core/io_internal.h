/* io_internal.h: what the reading and the writing side of io.h share. */
#ifndef AML_CORE_IO_INTERNAL_H
#define AML_CORE_IO_INTERNAL_H

#include "automl/core/io.h"

/* A path as messages show it. */
typedef struct aml_shown {
    char text[1040];
} aml_shown;
const char *aml_show_path(aml_shown *s, const char *path);

/* What errno says, in English whatever the locale; never NULL. */
const char *aml_errno_text(int code);

/* "cannot <what> <path>: <errno text>". Too few descriptors or memory gives AML_ENOMEM. */
aml_status aml_fail_errno(aml_status status, int code, const char *what, const char *path);

#endif
