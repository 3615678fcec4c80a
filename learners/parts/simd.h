/* simd.h: one body, two instruction sets. A function is written once as an AML_KERNEL and wrapped twice: the wrapper
 * marked AML_AVX2 lets the compiler use wider registers. Without contraction both give the same bits. Bodies
 * of intrinsics for AML_AVX512 stand in #ifdef AML_AVX512, beside a plain one. */
#ifndef AML_LEARNERS_PARTS_SIMD_H
#define AML_LEARNERS_PARTS_SIMD_H

#include <stdbool.h>

#define AML_KERNEL static inline __attribute__((always_inline))

#ifdef AML_SIMD_LIMIT
extern int AML_SIMD_LIMIT; /* of a test that compiles kernels once more: 0 = plain, 1 = AVX2 */
#else
enum { AML_SIMD_LIMIT = 2 };
#endif

#if defined(__x86_64__)
#define AML_AVX2 __attribute__((target("avx2")))
#define AML_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
static inline bool aml_has_avx2(void) {
    return AML_SIMD_LIMIT >= 1 && __builtin_cpu_supports("avx2") != 0;
}
static inline bool aml_has_avx512(void) {
    return AML_SIMD_LIMIT >= 2 && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#else
#define AML_AVX2
static inline bool aml_has_avx2(void) { return false; }
#endif

/* From the AML_KERNEL `name`, which returns nothing: name_plain, name_avx2, and name_best, which takes
 * the one for this processor. */
#define AML_BEST(name, parameters, arguments)                       \
    static void name##_plain parameters { name arguments; }         \
    AML_AVX2 static void name##_avx2 parameters { name arguments; } \
    static inline void name##_best parameters {                     \
        (aml_has_avx2() ? name##_avx2 : name##_plain) arguments;    \
    }

#endif
