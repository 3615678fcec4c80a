/* words.h: text to words, and words to hashed terms. */
#ifndef AML_FEATURIZE_WORDS_H
#define AML_FEATURIZE_WORDS_H

#include <stdint.h>

#include "automl/core/arena.h"

/* What the terms of a text are. */
enum {
    AML_WORD_TERMS = 1, /* words and pairs of neighbouring words */
    AML_CHAR_TERMS = 2  /* 3 to 5 characters inside a token with a blank on each side */
};

/* A growing list of term hashes, in the arena or, where that is NULL, on the heap. */
typedef struct aml_terms {
    uint32_t *hash;
    size_t n, room;
    aml_arena *arena;
} aml_terms;
/* Room for n hashes; what was there goes. AML_ENOMEM. */
aml_status aml_terms_room(aml_terms *t, size_t n);
void aml_terms_free(aml_terms *t);

/* Counts of a text's code points. */
typedef struct aml_text_counts {
    size_t chars, words, digits, upper, punctuation;
} aml_text_counts;

/* Puts the terms of s[0 … n-1] into `t` (emptied first) and counts. A word is a longest run of
 * letters, digits, marks and underscores; other code points part words, except that an apostrophe
 * between letters belongs to the word; a Chinese or Japanese character is a word by itself. A token is
 * what stands between white space: its punctuation counts.
 * Capital letters (ASCII, Latin-1, Greek, Cyrillic) count as small ones in terms. Bytes that are
 * not UTF-8 count as letters. AML_ENOMEM. */
aml_status aml_text_terms(aml_terms *t, aml_text_counts *counts, const char *s, size_t n,
                          unsigned what);

/* Sorts n numbers below 2^20 upwards; `other` is room for n more. */
void aml_sort_terms(uint32_t *v, uint32_t *other, size_t n);

#endif
