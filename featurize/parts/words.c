/* words.c: UTF-8, words, hashing. */
#include "featurize/parts/words.h"

#include <string.h>

enum { NGRAM_MIN = 3, NGRAM_MAX = 5 };

/* One code point from s[0 … n-1], n ≥ 1; a byte that is not UTF-8 gives 0xDC00 + itself. */
static size_t decode(uint32_t *out, const unsigned char *s, size_t n) {
    unsigned first = s[0];
    size_t more = first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 0;
    *out = first;
    if (first < 0x80) return 1;
    *out = 0xDC00 + first;
    if (!more || n <= more) return 1;
    uint32_t c = first & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) return 1;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    *out = c;
    return more + 1;
}

typedef enum class { SPACE, PUNCTUATION, DIGIT, UPPER, LETTER, IDEOGRAPH } class;

static bool within(uint32_t c, uint32_t lo, uint32_t hi) { return c >= lo && c <= hi; }

static class ascii_class(uint32_t c) {
    if (c <= ' ' || c == 0x7F) return SPACE;
    if (within(c, '0', '9')) return DIGIT;
    if (within(c, 'A', 'Z')) return UPPER;
    return within(c, 'a', 'z') || c == '_' ? LETTER : PUNCTUATION;
}

static class class_of(uint32_t c) {
    if (c < 0x80) return ascii_class(c);
    if (c == 0xA0 || within(c, 0x2000, 0x200B) || within(c, 0x2028, 0x202F) || c == 0x3000 ||
        c == 0xFEFF)
        return SPACE;
    if ((within(c, 0xA1, 0xBF) && c != 0xAA && c != 0xB5 && c != 0xBA) || c == 0xD7 || c == 0xF7 ||
        within(c, 0x2010, 0x206F) || within(c, 0x3001, 0x303F) || within(c, 0xFF01, 0xFF0F) ||
        within(c, 0xFF1A, 0xFF20))
        return PUNCTUATION;
    if (within(c, 0x3040, 0x30FF) || within(c, 0x3400, 0x4DBF) || within(c, 0x4E00, 0x9FFF) ||
        within(c, 0xF900, 0xFAFF) || within(c, 0x20000, 0x2FA1F))
        return IDEOGRAPH;
    if (within(c, 0xC0, 0xDE) || within(c, 0x391, 0x3A9) || within(c, 0x400, 0x42F)) return UPPER;
    return LETTER;
}

/* Of a code point of class UPPER. */
static uint32_t lower(uint32_t c) { return within(c, 0x400, 0x40F) ? c + 0x50 : c + 0x20; }

static uint64_t stir(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9FB21C651E98DF25u;
    return h ^ h >> 32;
}

typedef struct scan {
    aml_terms *terms;
    aml_text_counts *counts;
    unsigned what;
    uint64_t word, before; /* hashes of this word and the one before it; 0 = none */
    uint32_t recent[NGRAM_MAX];
    size_t n_recent;
} scan;

static void add(aml_terms *t, uint64_t h) {
    t->hash[t->n++] = (uint32_t)(h * 0x9E3779B97F4A7C15u >> 32);
}

/* One more character of a token with its blanks: the n-grams that end in it. */
static void add_char(scan *s, uint32_t c) {
    if (!(s->what & AML_CHAR_TERMS)) return;
    memmove(s->recent, s->recent + 1, (NGRAM_MAX - 1) * sizeof *s->recent);
    s->recent[NGRAM_MAX - 1] = c;
    if (s->n_recent < NGRAM_MAX) s->n_recent++;
    uint64_t h = 2;
    for (size_t k = 1; k <= s->n_recent; k++) {
        h = stir(h, s->recent[NGRAM_MAX - k]);
        if (k >= NGRAM_MIN) add(s->terms, stir(h, k));
    }
}

/* The blank that ends a token is the first character of the next. */
static void add_blank(scan *s) {
    if (s->n_recent > 1) add_char(s, ' ');
    s->recent[NGRAM_MAX - 1] = ' ';
    s->n_recent = 1;
}

static void end_word(scan *s) {
    if (!s->word) return;
    s->counts->words++;
    if (s->what & AML_WORD_TERMS) {
        add(s->terms, s->word);
        if (s->before) add(s->terms, stir(stir(3, s->before), s->word));
    }
    s->before = s->word;
    s->word = 0;
}

aml_status aml_terms_room(aml_terms *t, size_t n) {
    t->n = 0;
    if (n <= t->room) return AML_OK;
    uint32_t *hash =
        t->arena ? aml_alloc_raw(t->arena, 2 * n, sizeof *hash) : aml_malloc(2 * n * sizeof *hash);
    if (!hash) return AML_ENOMEM;
    if (!t->arena) aml_free(t->hash);
    t->hash = hash;
    t->room = 2 * n;
    return AML_OK;
}

void aml_terms_free(aml_terms *t) {
    if (!t->arena) aml_free(t->hash);
    *t = (aml_terms){.arena = t->arena};
}

/* A token of k characters makes fewer than 3 k + 3 n-grams, a word 2 terms: at most 4 a byte. */
enum { TERMS_A_BYTE = 4 };

static bool joins(const scan *s, uint32_t c, const unsigned char *next, size_t n) {
    uint32_t after;
    if ((c != '\'' && c != 0x2019) || !s->word || !n) return false;
    decode(&after, next, n);
    return class_of(after) >= UPPER && class_of(after) != IDEOGRAPH;
}

aml_status aml_text_terms(aml_terms *t, aml_text_counts *counts, const char *text, size_t n,
                          unsigned what) {
    const unsigned char *p = (const unsigned char *)text;
    scan s = {.terms = t, .counts = counts, .what = what};
    *counts = (aml_text_counts){0};
    AML_TRY(aml_terms_room(t, TERMS_A_BYTE * n + 16));
    add_blank(&s);
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += decode(&c, p + i, n - i);
        class k = class_of(c);
        counts->chars++;
        counts->digits += k == DIGIT;
        counts->upper += k == UPPER;
        counts->punctuation += k == PUNCTUATION;
        if (k == IDEOGRAPH || (k <= PUNCTUATION && !joins(&s, c, p + i, n - i))) end_word(&s);
        if (k == UPPER) c = lower(c);
        if (k >= DIGIT) s.word = stir(s.word ? s.word : 1, c);
        if (k == IDEOGRAPH) end_word(&s);
        if (k == SPACE) add_blank(&s);
        else add_char(&s, c);
    }
    end_word(&s);
    add_blank(&s);
    return AML_OK;
}

static void insertion_sort(uint32_t *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        size_t j = i;
        for (; j && v[j - 1] > x; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

void aml_sort_terms(uint32_t *v, uint32_t *other, size_t n) {
    if (n < 32) {
        insertion_sort(v, n);
        return;
    }
    uint32_t *from = v, *to = other;
    for (unsigned shift = 0; shift < 20; shift += 10) {
        uint32_t at[1025] = {0};
        for (size_t i = 0; i < n; i++) at[(from[i] >> shift & 1023) + 1]++;
        for (size_t d = 0; d < 1024; d++) at[d + 1] += at[d];
        for (size_t i = 0; i < n; i++) to[at[from[i] >> shift & 1023]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
}
