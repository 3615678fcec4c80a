/* process_output.h: what one stream of a command prints: lines as they come, the last bytes, and a file of bounded
 * size that holds the beginning and the end. */
#ifndef AML_PROCESS_PROCESS_OUTPUT_H
#define AML_PROCESS_PROCESS_OUTPUT_H

#include "automl/process/process.h"

typedef struct aml_output_tap {
    int fd;     /* of the file, -1 = none */
    int stream; /* 1 or 2 */
    size_t total, half;
    char *
        ring; /* the last bytes that are not in the file yet: `room` of them, *at* the next place */
    size_t room, kept;
    char *line; /* AML_PROCESS_LINE bytes */
    size_t length;
    char tail[AML_PROCESS_TAIL + 1]; /* set by _finish */
    size_t n_tail;
} aml_output_tap;

/* `log` may be NULL. AML_ENOMEM, AML_ECANTCREATE. */
aml_status aml_output_tap_open(aml_output_tap *t, int stream, const char *log, size_t log_bytes);
void aml_output_tap_put(aml_output_tap *t, const char *data, size_t size, aml_process_line on_line,
                        void *arg);
/* The line that has no end, the rest of the file, and the tail. */
void aml_output_tap_finish(aml_output_tap *t, aml_process_line on_line, void *arg);
void aml_output_tap_close(aml_output_tap *t);

#endif
