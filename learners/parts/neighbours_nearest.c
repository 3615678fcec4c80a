/* neighbours_nearest.c: keeping the k nearest rows. */
#include "learners/parts/neighbours_nearest.h"

#include <stdbool.h>
#include <string.h>

static void swap(float *a, float *b) {
    float t = *a;
    *a = *b, *b = t;
}

static float middle_of(float a, float b, float c) {
    float lo = a < b ? a : b, hi = a < b ? b : a;
    return c < lo ? lo : c > hi ? hi : c;
}

/* Hoare's selection, downwards. */
float aml_nearest_select(float *value, size_t n, size_t k) {
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        float pivot = middle_of(value[lo], value[lo + (hi - lo) / 2], value[hi]);
        size_t i = lo, j = hi;
        for (;; i++, j--) {
            while (value[i] > pivot) i++;
            while (value[j] < pivot) j--;
            if (i >= j) break;
            swap(value + i, value + j);
        }
        if (j >= k) hi = j; /* behind j none is above the pivot */
        else lo = j + 1;
    }
    float least = value[0];
    for (size_t i = 1; i < k; i++) least = value[i] < least ? value[i] : least;
    return least;
}

void aml_nearest_start(aml_nearest *n, size_t k, float limit) {
    n->k = k, n->count = 0, n->limit = limit;
}

/* Behind those that are as near, among the first `count`, which go upwards. */
static void insert(float *distance, uint32_t *row, size_t count, float d, uint32_t r) {
    size_t at = 0;
    for (size_t n = count; n;) {
        size_t half = n / 2;
        bool behind = distance[at + half] <= d;
        at = behind ? at + half + 1 : at;
        n = behind ? n - half - 1 : half;
    }
    memmove(distance + at + 1, distance + at, (count - at) * sizeof *distance);
    memmove(row + at + 1, row + at, (count - at) * sizeof *row);
    distance[at] = d;
    row[at] = r;
}

/* The k-th smallest distance. */
static float farthest(const aml_nearest *n) {
    for (size_t i = 0; i < n->count; i++) n->work[i] = -n->distance[i];
    return -aml_nearest_select(n->work, n->count, n->k);
}

/* Throws out all but the k nearest; the others keep their order. */
static void thin(aml_nearest *n) {
    float last = farthest(n);
    size_t equal = n->k, kept = 0;
    for (size_t i = 0; i < n->count; i++) equal -= n->distance[i] < last;
    for (size_t i = 0; i < n->count; i++) {
        float d = n->distance[i];
        if (d > last || (d == last && !equal)) continue; /* NOLINT: the same number */
        equal -= d == last;                              /* NOLINT */
        n->distance[kept] = d;
        n->row[kept++] = n->row[i];
    }
    n->count = kept;
    n->limit = last;
}

void aml_nearest_offer(aml_nearest *n, float distance, uint32_t row) {
    if (!(distance < n->limit)) return;
    if (n->k < AML_NEAREST_MANY) {
        size_t last = n->count < n->k ? n->count++ : n->k - 1;
        insert(n->distance, n->row, last, distance, row);
        if (n->count == n->k) n->limit = n->distance[n->k - 1];
        return;
    }
    n->distance[n->count] = distance;
    n->row[n->count++] = row;
    if (n->count == aml_nearest_room(n->k)) thin(n);
}

void aml_nearest_finish(aml_nearest *n) {
    if (n->count > n->k) thin(n);
    for (size_t i = 1; n->k >= AML_NEAREST_MANY && i < n->count; i++)
        insert(n->distance, n->row, i, n->distance[i], n->row[i]);
}
