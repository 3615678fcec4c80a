/* bytes.h: values to bytes and back, little-endian. The writer grows; the reader never trusts a length. */
#ifndef AML_CORE_BYTES_H
#define AML_CORE_BYTES_H

#include "automl/core/arena.h"

/* After a failed put `status` stays set and further puts do nothing: check once at the end. */
typedef struct aml_writer {
    unsigned char *data; /* heap */
    size_t size, room;
    aml_status status;
    bool counts; /* only the size is wanted: nothing is kept */
} aml_writer;
void aml_writer_free(aml_writer *w);
AML_PLUGIN void aml_put_u8(aml_writer *w, uint8_t x);
AML_PLUGIN void aml_put_u32(aml_writer *w, uint32_t x);
AML_PLUGIN void aml_put_u64(aml_writer *w, uint64_t x);
AML_PLUGIN void aml_put_f32(aml_writer *w, float x);
AML_PLUGIN void aml_put_f64(aml_writer *w, double x);
AML_PLUGIN void aml_put_string(aml_writer *w, const char *text);
AML_PLUGIN void aml_put_bytes(aml_writer *w, const void *data,
                              size_t size); /* no length is written */
/* Arrays are written as a u64 count, then the items. */
AML_PLUGIN void aml_put_f32s(aml_writer *w, const float *v, size_t n);
AML_PLUGIN void aml_put_f64s(aml_writer *w, const double *v, size_t n);
AML_PLUGIN void aml_put_u8s(aml_writer *w, const uint8_t *v, size_t n);
AML_PLUGIN void aml_put_u32s(aml_writer *w, const uint32_t *v, size_t n);

/* After a failed get `status` stays set (AML_EDATA when the bytes end, AML_ENOMEM) and gets return 0. */
typedef struct aml_reader {
    const unsigned char *data;
    size_t size, at;
    aml_status status;
    const char *file; /* named in errors */
} aml_reader;
AML_PLUGIN uint8_t aml_get_u8(aml_reader *r);
AML_PLUGIN uint32_t aml_get_u32(aml_reader *r);
AML_PLUGIN uint64_t aml_get_u64(aml_reader *r);
AML_PLUGIN float aml_get_f32(aml_reader *r);
AML_PLUGIN double aml_get_f64(aml_reader *r);
AML_PLUGIN char *aml_get_string(aml_reader *r, aml_arena *keep);
/* Arrays into the arena; the count must be `expected` (pass SIZE_MAX for any) and is stored in *n when
 * n is not NULL. NULL on failure. */
AML_PLUGIN float *aml_get_f32s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n);
AML_PLUGIN double *aml_get_f64s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n);
AML_PLUGIN uint8_t *aml_get_u8s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n);
AML_PLUGIN uint32_t *aml_get_u32s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n);
/* Sets status to AML_EDATA with "damaged model: …"; returns it. For checks of meaning. */
AML_PLUGIN aml_status aml_reader_fail(aml_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
