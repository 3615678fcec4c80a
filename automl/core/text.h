/* text.h: numbers and words as text, without the locale. */
#ifndef AML_CORE_TEXT_H
#define AML_CORE_TEXT_H

#include <stdint.h>

#include "automl/core/arena.h"

/* Parses a decimal number that fills the whole of s[0 … n-1]: [+-]digits[.digits][(e|E)[+-]digits], where
 * the digits on one side of the point may be missing (".5", "5."), rounded as strtod in the C locale, bit for bit. No blanks, no hex, no inf or nan. Returns false if
 * the text is not of that form. A literal beyond the double range gives ±HUGE_VAL. */
bool aml_parse_double(double *out, const char *s, size_t n);
bool aml_parse_int64(int64_t *out, const char *s, size_t n); /* [+-]digits within range */

/* The shortest text that reads back to the same double ("0.1", "1e+300", "nan", "inf", "-inf");
 * `out` has room for 32 bytes. Returns the length. */
size_t aml_format_double(char *out, double x);

/* "2G", "512M", "64k", "123" to bytes; "60s", "5m", "1h30m", "250ms", "50us", "90" to seconds. */
bool aml_parse_bytes(size_t *out, const char *s);
bool aml_parse_seconds(double *out, const char *s);

/* A growing text on the heap; after a failed append `failed` stays true and the text is kept. */
typedef struct aml_string {
    char *text; /* NUL-terminated once anything was added */
    size_t length, room;
    bool failed;
} aml_string;
void aml_string_add(aml_string *s, const char *text, size_t length);
void aml_string_put(aml_string *s, const char *text);
void aml_string_printf(aml_string *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void aml_string_double(aml_string *s, double x); /* shortest round-trip form */
void aml_string_free(aml_string *s);

/* Damerau-Levenshtein distance without case (restricted: adjacent swaps count 1). Of longer texts the first
 * 255 bytes are compared. */
size_t aml_edit_distance(const char *a, const char *b);

/* The name nearest to `word` within distance max(2, length/4), else the first that has it in itself, or NULL. Ties: the first. */
const char *aml_nearest(const char *word, const char *const *names, size_t n);

/* Length of the valid UTF-8 prefix of s[0 … n-1]; n when all is valid. */
size_t aml_utf8_valid(const char *s, size_t n);

/* The next item of a list such as "a|b", "[1, 2]" or "red; blue", without blanks, quotes and brackets around it, from
 * byte *at on (0 first). False: there is none. Empty items are passed over. */
bool aml_next_item(const char **item, size_t *size, size_t *at, const char *s, size_t n,
                   char separator);

/* FNV-1a, 64 bits: names and dictionary keys. */
uint64_t aml_hash(const void *data, size_t n, uint64_t seed);

/* Terminal columns that n bytes of UTF-8 take (wide East Asian and emoji count 2, marks 0). */
size_t aml_text_width(const char *s, size_t n);

#endif
