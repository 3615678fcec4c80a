/* csv_marks.h: where the separators, line ends and quotes of a text are, as bits: bit i of word k is byte 64 k + i.
 *
 * The structure of CSV is found by word operations on these masks (Langdale and Lemire, Parsing gigabytes of JSON
 * per second, VLDB Journal 2019, has the idea for JSON). */
#ifndef AML_CORE_CSV_MARKS_H
#define AML_CORE_CSV_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct csv_marks {
    uint64_t *separator, *feed, *carriage, *quote; /* n_words each: separators, \n, \r, quotes */
    size_t n_words;
    bool any_quote, any_carriage, any_high, any_nul; /* high: bytes from 128 */
} csv_marks;

/* Marks `n_words` times 64 bytes of text, all readable. `quote` 0 marks no quotes. */
void csv_mark(csv_marks *m, const char *text, size_t n_words, char separator, char quote);

typedef enum csv_kernel { CSV_BEST, CSV_SCALAR, CSV_AVX2, CSV_AVX512 } csv_kernel;
/* The same by a kernel that a test names; false when this processor has it not. */
bool csv_mark_by(csv_kernel kernel, csv_marks *m, const char *text, size_t n_words, char separator,
                 char quote);

#endif
