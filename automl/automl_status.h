/* automl_status.h: the result of a call and the text of a failure, for automl.h and automl_score.h. */
#ifndef AUTOML_STATUS_H
#define AUTOML_STATUS_H

#include <stddef.h>

typedef enum aml_status {
    AML_OK = 0,
    AML_EUSAGE = 64,      /* the caller's arguments (command line or API) */
    AML_EDATA = 65,       /* data or model file is bad */
    AML_ENOINPUT = 66,    /* input missing or unreadable */
    AML_EINTERNAL = 70,   /* a bug of ours */
    AML_ENOMEM = 71,      /* memory (or another resource of the system) is short */
    AML_ECANTCREATE = 73, /* an output cannot be created */
    AML_EIO = 74,         /* reading or writing failed half-way */
    AML_EAGAIN = 75,      /* locked or busy: try again */
    AML_ECONFIG = 78,     /* a configuration file is wrong */
    AML_ESTOPPED = 79     /* deadline or stop flag before there was a result */
} aml_status;

/* The last failure of a thread. line and column count from 1, 0 = none. Texts may be empty. */
typedef struct aml_error {
    aml_status status;
    size_t line, column;
    char message[512];
    char file[256];
    char why[512];
    char help[512];
} aml_error;

#endif
