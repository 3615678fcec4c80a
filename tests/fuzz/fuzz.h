/* fuzz.h: what the fuzz targets share. Each fuzz_NAME.c is one target: libFuzzer or AFL++ drives it, or replay.c, which takes
 * every file of tests/corpus/NAME in turn.
 *
 *   ./setup.sh fuzz SECONDS NAME
 *
 * builds and runs it with libFuzzer. New inputs stay in build-fuzz/NAME/new; build-fuzz/fuzz_NAME -merge=1 makes the smallest corpus of
 * several. */
#ifndef AML_TESTS_FUZZ_H
#define AML_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that the library did not keep. */
#define PROMISE(truth)                                                            \
    do {                                                                          \
        if (!(truth)) {                                                           \
            fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #truth); \
            abort();                                                              \
        }                                                                         \
    } while (0)

/* The bytes as text with an end, in a block of just its size: reading past it is seen. free() it. */
static inline char *as_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    text[size] = 0;
    return text;
}

/* A file of these bytes, always the same one of this process. */
static inline const char *as_file(const uint8_t *data, size_t size) {
    static char path[64];
    snprintf(path, sizeof path, "%s/automl_fuzz_%ld",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
    return path;
}

#endif
