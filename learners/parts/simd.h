/* simd.h: one body, two instruction sets. A function is written once as an AML_KERNEL and wrapped twice: the wrapper
 * marked AML_AVX2 lets the compiler use wider registers. Without contraction both give the same bits. */
#ifndef AML_LEARNERS_PARTS_SIMD_H
#define AML_LEARNERS_PARTS_SIMD_H

#include <stdbool.h>

#define AML_KERNEL static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define AML_AVX2 __attribute__((target("avx2")))
static inline bool aml_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
#else
#define AML_AVX2
static inline bool aml_has_avx2(void) { return false; }
#endif

#endif
