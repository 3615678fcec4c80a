/* bytes.c: little-endian put and get. */
#include "automl/core/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void aml_writer_free(aml_writer *w) {
    aml_free(w->data);
    *w = (aml_writer){0};
}

static unsigned char *grow(aml_writer *w, size_t size) {
    if (w->status) return NULL;
    if (w->counts) {
        w->size += size;
        return NULL;
    }
    if (w->room - w->size < size) {
        size_t room = w->room * 2 + size + 256;
        unsigned char *data = aml_realloc(w->data, room);
        if (!data) {
            w->status = AML_ENOMEM;
            return NULL;
        }
        w->data = data;
        w->room = room;
    }
    w->size += size;
    return w->data + w->size - size;
}

static void put_number(aml_writer *w, uint64_t x, size_t size) {
    unsigned char *p = grow(w, size);
    for (size_t i = 0; p && i < size; i++) p[i] = (unsigned char)(x >> 8 * i);
}

static uint32_t bits32(float x) {
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static uint64_t bits64(double x) {
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

void aml_put_u8(aml_writer *w, uint8_t x) { put_number(w, x, 1); }
void aml_put_u32(aml_writer *w, uint32_t x) { put_number(w, x, 4); }
void aml_put_u64(aml_writer *w, uint64_t x) { put_number(w, x, 8); }
void aml_put_f32(aml_writer *w, float x) { put_number(w, bits32(x), 4); }
void aml_put_f64(aml_writer *w, double x) { put_number(w, bits64(x), 8); }

void aml_put_bytes(aml_writer *w, const void *data, size_t size) {
    unsigned char *p = grow(w, size);
    if (p && size) memcpy(p, data, size);
}

void aml_put_string(aml_writer *w, const char *text) {
    size_t n = strlen(text);
    aml_put_u64(w, n);
    aml_put_bytes(w, text, n);
}

void aml_put_u8s(aml_writer *w, const uint8_t *v, size_t n) {
    aml_put_u64(w, n);
    aml_put_bytes(w, v, n);
}

void aml_put_f32s(aml_writer *w, const float *v, size_t n) {
    aml_put_u64(w, n);
    for (size_t i = 0; i < n; i++) aml_put_f32(w, v[i]);
}

void aml_put_f64s(aml_writer *w, const double *v, size_t n) {
    aml_put_u64(w, n);
    for (size_t i = 0; i < n; i++) aml_put_f64(w, v[i]);
}

void aml_put_u32s(aml_writer *w, const uint32_t *v, size_t n) {
    aml_put_u64(w, n);
    for (size_t i = 0; i < n; i++) aml_put_u32(w, v[i]);
}

aml_status aml_reader_fail(aml_reader *r, const char *format, ...) {
    char text[300];
    va_list args;
    if (r->status) return r->status;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->status = aml_fail_at(AML_EDATA, r->file, 0, 0, "damaged model: %s", text);
    return aml_help(AML_EDATA, "a model file is read only when every part of it is valid",
                    "restore the file from a copy, or train the model again");
}

static const unsigned char *take(aml_reader *r, size_t size) {
    if (r->status) return NULL;
    if (r->size - r->at < size) {
        aml_reader_fail(r, "the data end at byte %zu", r->size);
        return NULL;
    }
    r->at += size;
    return r->data + r->at - size;
}

static uint64_t load(const unsigned char *p, size_t size) {
    uint64_t x = 0;
    for (size_t i = 0; i < size; i++) x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static uint64_t get_number(aml_reader *r, size_t size) {
    const unsigned char *p = take(r, size);
    return p ? load(p, size) : 0;
}

static float float_of(uint32_t b) {
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static double double_of(uint64_t b) {
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

uint8_t aml_get_u8(aml_reader *r) { return (uint8_t)get_number(r, 1); }
uint32_t aml_get_u32(aml_reader *r) { return (uint32_t)get_number(r, 4); }
uint64_t aml_get_u64(aml_reader *r) { return get_number(r, 8); }
float aml_get_f32(aml_reader *r) { return float_of(aml_get_u32(r)); }
double aml_get_f64(aml_reader *r) { return double_of(aml_get_u64(r)); }

char *aml_get_string(aml_reader *r, aml_arena *keep) {
    uint64_t n = aml_get_u64(r);
    const unsigned char *p = r->status || n > r->size ? take(r, SIZE_MAX) : take(r, (size_t)n);
    if (!p) return NULL;
    if (memchr(p, 0, (size_t)n)) {
        aml_reader_fail(r, "a text holds a NUL byte");
        return NULL;
    }
    char *text = aml_strndup(keep, (const char *)p, (size_t)n);
    if (!text) r->status = AML_ENOMEM;
    return text;
}

/* The count, checked against what is left and what is expected, and room for the items. */
static const unsigned char *array(aml_reader *r, aml_arena *keep, size_t expected, size_t size,
                                  size_t *n, void **out) {
    uint64_t count = aml_get_u64(r);
    if (r->status) return NULL;
    if (count > (r->size - r->at) / size || (expected != SIZE_MAX && count != expected)) {
        aml_reader_fail(r, "an array of wrong length at byte %zu", r->at);
        return NULL;
    }
    *out = aml_alloc_raw(keep, (size_t)count, size);
    if (!*out) {
        r->status = AML_ENOMEM;
        return NULL;
    }
    if (n) *n = (size_t)count;
    return take(r, (size_t)count * size);
}

uint8_t *aml_get_u8s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n) {
    void *out;
    size_t count;
    const unsigned char *p = array(r, keep, expected, 1, &count, &out);
    if (!p) return NULL;
    memcpy(out, p, count);
    if (n) *n = count;
    return out;
}

float *aml_get_f32s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n) {
    void *out;
    size_t count;
    const unsigned char *p = array(r, keep, expected, 4, &count, &out);
    for (size_t i = 0; p && i < count; i++)
        ((float *)out)[i] = float_of((uint32_t)load(p + 4 * i, 4));
    if (p && n) *n = count;
    return p ? out : NULL;
}

double *aml_get_f64s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n) {
    void *out;
    size_t count;
    const unsigned char *p = array(r, keep, expected, 8, &count, &out);
    for (size_t i = 0; p && i < count; i++) ((double *)out)[i] = double_of(load(p + 8 * i, 8));
    if (p && n) *n = count;
    return p ? out : NULL;
}

uint32_t *aml_get_u32s(aml_reader *r, aml_arena *keep, size_t expected, size_t *n) {
    void *out;
    size_t count;
    const unsigned char *p = array(r, keep, expected, 4, &count, &out);
    for (size_t i = 0; p && i < count; i++) ((uint32_t *)out)[i] = (uint32_t)load(p + 4 * i, 4);
    if (p && n) *n = count;
    return p ? out : NULL;
}
