/* io_internal.h: what the reading and the writing side of io.h share. */
#ifndef AML_CORE_IO_INTERNAL_H
#define AML_CORE_IO_INTERNAL_H

#include "automl/core/io.h"

/* A path as messages show it. */
typedef struct aml_shown {
    char text[1040];
} aml_shown;
const char *aml_show_path(aml_shown *s, const char *path);

#endif
