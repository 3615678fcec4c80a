/* csv_marks.c: bytes of CSV text to bit masks, with AVX-512, AVX2 or words of eight bytes. */
#include "automl/core/csv_marks.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* What a kernel looks for, and what it saw on its way. */
typedef struct search {
    char separator, quote;
    uint64_t quotes, carriages, high, nul; /* not zero: there are some */
} search;

typedef void kernel(search *s, csv_marks *m, const char *text, size_t n_words);

/* Bit 7 of each byte of the result: the byte of v is zero. */
static uint64_t zero_bytes(uint64_t v) {
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    return ~(((v & low) + low) | v | low);
}

/* Bits 7, 15, … of v side by side. */
static uint64_t gather_bits(uint64_t v) { return (v >> 7) * 0x0102040810204080u >> 56; }

static uint64_t equal_bytes(uint64_t v, char c) {
    return gather_bits(zero_bytes(v ^ (unsigned char)c * 0x0101010101010101u));
}

static void mark_scalar(search *s, csv_marks *m, const char *text, size_t n_words) {
    for (size_t k = 0; k < n_words; k++) {
        uint64_t separator = 0, feed = 0, carriage = 0, quote = 0;
        for (size_t i = 0; i < 64; i += 8) {
            uint64_t v;
            memcpy(&v, text + 64 * k + i, sizeof v);
            separator |= equal_bytes(v, s->separator) << i;
            feed |= equal_bytes(v, '\n') << i;
            carriage |= equal_bytes(v, '\r') << i;
            quote |= s->quote ? equal_bytes(v, s->quote) << i : 0;
            s->high |= v & 0x8080808080808080u;
            s->nul |= zero_bytes(v);
        }
        m->separator[k] = separator;
        m->feed[k] = feed;
        m->carriage[k] = carriage;
        m->quote[k] = quote;
        s->quotes |= quote;
        s->carriages |= carriage;
    }
}

#ifdef __x86_64__

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))

AVX2 static inline uint64_t equal_avx2(__m256i a, __m256i b, __m256i c) {
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, c)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, c)) << 32;
}

AVX2 static void mark_avx2(search *s, csv_marks *m, const char *text, size_t n_words) {
    const __m256i separator = _mm256_set1_epi8(s->separator), feed = _mm256_set1_epi8('\n'),
                  carriage = _mm256_set1_epi8('\r'), quote = _mm256_set1_epi8(s->quote);
    __m256i high = _mm256_setzero_si256(), least = _mm256_set1_epi8(-1);
    for (size_t k = 0; k < n_words; k++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(text + 64 * k));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 64 * k + 32));
        m->separator[k] = equal_avx2(a, b, separator);
        m->feed[k] = equal_avx2(a, b, feed);
        s->carriages |= m->carriage[k] = equal_avx2(a, b, carriage);
        s->quotes |= m->quote[k] = s->quote ? equal_avx2(a, b, quote) : 0;
        high = _mm256_or_si256(high, _mm256_or_si256(a, b));
        least = _mm256_min_epu8(least, _mm256_min_epu8(a, b));
    }
    s->high = (uint32_t)_mm256_movemask_epi8(high);
    s->nul = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256()));
}

AVX512 static void mark_avx512(search *s, csv_marks *m, const char *text, size_t n_words) {
    const __m512i separator = _mm512_set1_epi8(s->separator), feed = _mm512_set1_epi8('\n'),
                  carriage = _mm512_set1_epi8('\r'), quote = _mm512_set1_epi8(s->quote);
    const __mmask64 quoting = s->quote ? ~(__mmask64)0 : 0;
    __m512i high = _mm512_setzero_si512(), least = _mm512_set1_epi8(-1);
    for (size_t k = 0; k < n_words; k++) {
        __m512i v = _mm512_loadu_si512(text + 64 * k);
        m->separator[k] = _mm512_cmpeq_epi8_mask(v, separator);
        m->feed[k] = _mm512_cmpeq_epi8_mask(v, feed);
        s->carriages |= m->carriage[k] = _mm512_cmpeq_epi8_mask(v, carriage);
        s->quotes |= m->quote[k] = _mm512_mask_cmpeq_epi8_mask(quoting, v, quote);
        high = _mm512_or_si512(high, v);
        least = _mm512_min_epu8(least, v);
    }
    s->high = _mm512_movepi8_mask(high);
    s->nul = _mm512_cmpeq_epi8_mask(least, _mm512_setzero_si512());
}

static kernel *choose(csv_kernel which) {
    bool avx2 = __builtin_cpu_supports("avx2") != 0,
         avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    switch (which) {
    case CSV_BEST: return avx512 ? mark_avx512 : avx2 ? mark_avx2 : mark_scalar;
    case CSV_AVX512: return avx512 ? mark_avx512 : NULL;
    case CSV_AVX2: return avx2 ? mark_avx2 : NULL;
    case CSV_SCALAR: break;
    }
    return mark_scalar;
}

#else

static kernel *choose(csv_kernel which) {
    return which == CSV_BEST || which == CSV_SCALAR ? mark_scalar : NULL;
}

#endif

bool csv_mark_by(csv_kernel which, csv_marks *m, const char *text, size_t n_words, char separator,
                 char quote) {
    kernel *mark = choose(which);
    search s = {.separator = separator, .quote = quote};
    if (!mark) return false;
    mark(&s, m, text, n_words);
    m->n_words = n_words;
    m->any_quote = s.quotes != 0;
    m->any_carriage = s.carriages != 0;
    m->any_high = s.high != 0;
    m->any_nul = s.nul != 0;
    return true;
}

void csv_mark(csv_marks *m, const char *text, size_t n_words, char separator, char quote) {
    csv_mark_by(CSV_BEST, m, text, n_words, separator, quote);
}
