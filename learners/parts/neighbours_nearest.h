/* neighbours_nearest.h: the k nearest of rows that come in their order; of equal distances the first. Few are kept in
 * order of distance, many among up to four times as many, of which the farther are thrown out when it is full. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_NEAREST_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_NEAREST_H

#include <stddef.h>
#include <stdint.h>

enum { AML_NEAREST_MANY = 24 };

typedef struct aml_nearest {
    float *distance, *work; /* room for aml_nearest_room(k) each */
    uint32_t *row;
    size_t k, count;
    float limit; /* rows have to be nearer than this */
} aml_nearest;

static inline size_t aml_nearest_room(size_t k) { return k < AML_NEAREST_MANY ? k : 4 * k; }

/* All of the k nearest must be nearer than limit, which may be infinite. */
void aml_nearest_start(aml_nearest *n, size_t k, float limit);
void aml_nearest_offer(aml_nearest *n, float distance, uint32_t row);
/* Brings the k nearest, of at least k that were offered, to the front, nearest first. */
void aml_nearest_finish(aml_nearest *n);

/* Brings the k largest of n ≥ k values to the front, and returns the least of them. */
float aml_nearest_select(float *value, size_t n, size_t k);

#endif
