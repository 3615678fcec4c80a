/* forest_lanes.h: the vector loops of forest_kernels.c, which includes it once for each instruction set with
 * LANES whole numbers a vector (4, 8 or 16), the NAME of a function, and the TARGET it is compiled for. Sums are whole
 * numbers and gains are compared by value, so the number of lanes does not show in the results. */

#define ints NAME(ints)
#define uints NAME(uints)
#define floats NAME(floats)
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t uints __attribute__((vector_size(4 * LANES)));
typedef float floats __attribute__((vector_size(4 * LANES)));

/* What all lanes know of the node. */
typedef struct NAME(node) {
    floats mean;
    ints weight, least, most;
} NAME(node);

TARGET static inline NAME(node) NAME(spread)(const aml_whole *all) {
    return (NAME(node)){.mean = (floats){0} + (float)(all->mean - (double)all->shift),
                        .weight = (ints){0} + (int32_t)all->weight,
                        .least = (ints){0} + (int32_t)all->least,
                        .most = (ints){0} + (int32_t)all->most};
}

/* Gains of cuts as bits; those too light on a side are NONE. */
TARGET static inline ints NAME(gains)(ints slope, ints weight, const NAME(node) * all) {
    floats w = __builtin_convertvector(weight, floats);
    floats other = __builtin_convertvector(all->weight - weight, floats);
    floats rest = __builtin_convertvector(slope, floats) - w * all->mean;
    ints bits = (ints)(rest * rest / (w * other));
    ints fit = ((all->least - 1 - weight) & (weight - all->most - 1)) >> 31;
    return CHOOSE(fit, bits, (ints){0} + NONE);
}

TARGET static inline ints NAME(larger)(ints a, ints b) {
    ints more = a > b;
    return CHOOSE(more, a, b);
}

TARGET static inline int32_t NAME(largest)(ints v) {
    typedef int32_t quarter __attribute__((vector_size(16)));
    quarter part[LANES / 4];
    memcpy(part, &v, sizeof part);
    for (int k = LANES / 8; k; k /= 2)
        for (int i = 0; i < k; i++) {
            quarter more = part[i] > part[i + k];
            part[i] = CHOOSE(more, part[i], part[i + k]);
        }
    int32_t a = part[0][0] > part[0][1] ? part[0][0] : part[0][1];
    int32_t b = part[0][2] > part[0][3] ? part[0][2] : part[0][3];
    return a > b ? a : b;
}

TARGET static inline ints NAME(load)(const int32_t *from) {
    ints v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* ---- few rows: each is a cut, and is compared with all; no order is needed */

/* The codes as whole numbers, the missing ones where they belong; true when there are several. */
TARGET static inline bool NAME(widen)(int32_t *code, const uint8_t *byte, size_t n,
                                      int32_t of_missing) {
    ints differ = {0};
    for (size_t c = 0; c < n; c += LANES) {
        int32_t wide[LANES]; /* a loop: compilers widen bytes better in it than in a vector */
        for (size_t i = 0; i < LANES; i++) wide[i] = byte[c + i];
        ints own = NAME(load)(wide), missing = own == 0;
        differ |= own ^ (int32_t)byte[0];
        own |= missing & of_missing;
        memcpy(code + c, &own, sizeof own);
    }
    differ = differ != 0;
    return NAME(largest)(-differ) > 0;
}

/* Which lanes of `own` are not below a number; and those get x more. */
#if LANES == 16
typedef __mmask16 NAME(lanes);
#define REACHES(own, number) _mm512_cmpge_epi32_mask((__m512i)(own), _mm512_set1_epi32(number))
#define ADD_WHERE(sum, where, x) \
    (ints) _mm512_mask_add_epi32((__m512i)(sum), where, (__m512i)(sum), _mm512_set1_epi32(x))
#else
typedef ints NAME(lanes);
#define REACHES(own, number) ((own) >= (number))
#define ADD_WHERE(sum, where, x) ((sum) + ((where) & (x)))
#endif

/* The sums of the cuts behind the rows of `sets` vectors from c on, which share the loads. */
TARGET static inline __attribute__((always_inline)) void NAME(sum_left)(
    int32_t *slopes, int32_t *weights, const aml_few *rows, const int32_t *code, size_t n, size_t c,
    int sets) {
    ints own[4], slope[4] = {{0}}, weight[4] = {{0}};
    memcpy(own, code + c, (size_t)sets * sizeof *own);
    for (size_t j = 0; j < n; j++)
        for (int k = 0; k < sets; k++) {
            NAME(lanes) left = REACHES(own[k], code[j]);
            slope[k] = ADD_WHERE(slope[k], left, rows->slope[j]);
            weight[k] = ADD_WHERE(weight[k], left, rows->weight[j]);
        }
    memcpy(slopes + c, slope, (size_t)sets * sizeof *slope);
    memcpy(weights + c, weight, (size_t)sets * sizeof *weight);
}

/* The same where both sums of a row lie in one number. */
TARGET static inline __attribute__((always_inline)) void NAME(sum_packed)(
    int32_t *slopes, int32_t *weights, const aml_few *rows, const int32_t *code, size_t n, size_t c,
    int sets) {
    ints own[4], sum[4] = {{0}};
    memcpy(own, code + c, (size_t)sets * sizeof *own);
    for (size_t j = 0; j < n; j++)
        for (int k = 0; k < sets; k++) {
            sum[k] = ADD_WHERE(sum[k], REACHES(own[k], code[j]), rows->packed[j]);
        }
    for (int k = 0; k < sets; k++, c += LANES) {
        ints weight = sum[k] & 0xffff, slope = sum[k] >> 16;
        memcpy(weights + c, &weight, sizeof weight);
        memcpy(slopes + c, &slope, sizeof slope);
    }
}

TARGET static void NAME(few)(aml_few_cuts *cuts, const aml_few *rows, const uint8_t *byte, size_t n,
                             bool missing_right, const aml_whole *all) {
    int32_t slopes[AML_FEW];
    size_t c = 0;
    ints top = (ints){0} + NONE;
    cuts->varies = NAME(widen)(cuts->code, byte, n, missing_right ? NO_CODE : 0);
    if (!cuts->varies) return;
    if (rows->narrow) {
        for (; c + 3 * LANES < n; c += 4 * LANES)
            NAME(sum_packed)(slopes, cuts->weight, rows, cuts->code, n, c, 4);
        for (; c + LANES < n; c += 2 * LANES)
            NAME(sum_packed)(slopes, cuts->weight, rows, cuts->code, n, c, 2);
        if (c < n) NAME(sum_packed)(slopes, cuts->weight, rows, cuts->code, n, c, 1);
    } else {
        for (; c + 3 * LANES < n; c += 4 * LANES)
            NAME(sum_left)(slopes, cuts->weight, rows, cuts->code, n, c, 4);
        for (; c + LANES < n; c += 2 * LANES)
            NAME(sum_left)(slopes, cuts->weight, rows, cuts->code, n, c, 2);
        if (c < n) NAME(sum_left)(slopes, cuts->weight, rows, cuts->code, n, c, 1);
    }
    NAME(node) node = NAME(spread)(all);
    for (c = 0; c < n; c += LANES) {
        ints bits = NAME(gains)(NAME(load)(slopes + c), NAME(load)(cuts->weight + c), &node);
        top = NAME(larger)(bits, top);
        memcpy(cuts->gain + c, &bits, sizeof bits);
    }
    cuts->most = NAME(largest)(top);
}

TARGET static aml_scan NAME(few_best)(const aml_few_cuts *cuts, size_t n) {
    ints at = (ints){0} - (NO_CODE << 8),
         upper = (ints){0} - NO_CODE; /* the largest of what is negative */
    ints place;
    for (int i = 0; i < LANES; i++) place[i] = i;
    for (size_t c = 0; c < n; c += LANES, place += LANES) {
        ints other = NAME(load)(cuts->gain + c) != cuts->most;
        ints own = (NAME(load)(cuts->code + c) | (other & NO_CODE)) << 8 | place;
        at = NAME(larger)(at, -own);
    }
    int32_t lowest = -NAME(largest)(at), code = lowest >> 8;
    for (size_t c = 0; c < n; c += LANES) {
        ints own = NAME(load)(cuts->code + c);
        ints lower = own <= code;
        upper = NAME(larger)(upper, -(own | (lower & NO_CODE)));
    }
    return (aml_scan){.gain = aml_few_gain(cuts->most),
                      .code = (uint32_t)code,
                      .upper = (uint32_t)-NAME(largest)(upper),
                      .weight = (uint32_t)cuts->weight[lowest & 255]};
}

/* ---- many rows: sums by code */

/* Weights, and slopes less `shift` weights, of what is left of the cuts behind the codes begin … last. */
#if LANES == 4
TARGET static inline void NAME(add_up)(int32_t *slope, int32_t *weight, const uint64_t *by_code,
                                       unsigned begin, unsigned last, uint64_t sum, int32_t shift) {
    for (unsigned c = begin; c <= (last | (AML_LANES - 1)); c++) {
        sum += by_code[c];
        weight[c] = (int32_t)(uint32_t)sum;
        slope[c] = (int32_t)((uint32_t)(sum >> 32) - (uint32_t)sum * (uint32_t)shift);
    }
}
#else
TARGET static inline void NAME(add_up)(int32_t *slope, int32_t *weight, const uint64_t *by_code,
                                       unsigned begin, unsigned last, uint64_t sum, int32_t shift) {
    typedef uint64_t words __attribute__((vector_size(4 * LANES)));
    const words none = {0};
    words before = none + sum, half[2];
    for (unsigned c = begin; c <= last; c += LANES) {
        memcpy(half, by_code + c, sizeof half);
        for (int k = 0; k < 2; k++) {
#if LANES == 8
            half[k] += __builtin_shufflevector(half[k], none, 4, 0, 1, 2);
            half[k] += __builtin_shufflevector(half[k], none, 4, 4, 0, 1);
            half[k] += before;
            before = __builtin_shufflevector(half[k], none, 3, 3, 3, 3);
#else
            half[k] += __builtin_shufflevector(half[k], none, 8, 0, 1, 2, 3, 4, 5, 6);
            half[k] += __builtin_shufflevector(half[k], none, 8, 8, 0, 1, 2, 3, 4, 5);
            half[k] += __builtin_shufflevector(half[k], none, 8, 8, 8, 8, 0, 1, 2, 3);
            half[k] += before;
            before = __builtin_shufflevector(half[k], none, 7, 7, 7, 7, 7, 7, 7, 7);
#endif
        }
        ints a = (ints)half[0], b = (ints)half[1];
#if LANES == 8
        uints w = (uints)__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
        uints s = (uints)__builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
        uints w = (uints)__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22,
                                                 24, 26, 28, 30);
        uints s = (uints)__builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23,
                                                 25, 27, 29, 31);
#endif
        s -= w * (uint32_t)shift;
        memcpy(weight + c, &w, sizeof w);
        memcpy(slope + c, &s, sizeof s);
    }
}
#endif

TARGET static aml_scan NAME(many)(const uint64_t *by_code, unsigned first, unsigned last,
                                  uint64_t before, const aml_whole *all, double above) {
    int32_t slope[256], weight[256], gain[256];
    unsigned begin = first & ~(AML_LANES - 1u), c = begin;
    ints top = (ints){0} + NONE;
    NAME(node) node = NAME(spread)(all);
    NAME(add_up)(slope, weight, by_code, begin, last, before, all->shift);
    for (c = begin; c <= last; c += LANES) {
        ints bits = NAME(gains)(NAME(load)(slope + c), NAME(load)(weight + c), &node);
        top = NAME(larger)(bits, top);
        memcpy(gain + c, &bits, sizeof bits);
    }
    int32_t most = NAME(largest)(top);
    aml_scan s = {.gain = -INFINITY};
    if (most == NONE || !(aml_few_gain(most) > above)) return s;
    for (c = begin; gain[c] != most;) c++;
    s = (aml_scan){.gain = aml_few_gain(most), .code = c, .weight = (uint32_t)weight[c]};
    for (c++; c <= last && !by_code[c];) c++;
    s.upper = c <= last ? c : NO_CODE;
    return s;
}

/* ---- the sum of one side */

TARGET static uint64_t NAME(side)(const uint64_t *value, const uint8_t *code, size_t n,
                                  unsigned from, unsigned to) {
    return side_body(value, code, n, from, to);
}

TARGET static uint64_t NAME(few_side)(const aml_few *rows, const uint8_t *code, size_t n,
                                      unsigned from, unsigned to) {
    int32_t slope = 0, weight = 0;
    for (size_t c = 0; c < n; c += AML_LANES)
        for (size_t i = c; i < c + AML_LANES; i++) {
            int32_t left = (uint32_t)code[i] - from <= to - from ? -1 : 0;
            slope += left & rows->slope[i];
            weight += left & rows->weight[i];
        }
    return aml_pack(slope, weight);
}

TARGET static size_t NAME(below)(const float *v, size_t n, float x) { return below_body(v, n, x); }

static const aml_forest_kernels NAME(kernels) = {
    NAME(few), NAME(few_best), NAME(many), NAME(side), NAME(few_side), range, NAME(below)};

#undef REACHES
#undef ADD_WHERE
#undef ints
#undef uints
#undef floats
#undef LANES
#undef NAME
#undef TARGET
