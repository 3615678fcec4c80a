/* text_items.c: the items of a list that is written in one cell. */
#include <string.h>

#include "automl/core/text.h"

static bool among(char c, const char *set) { return c && strchr(set, c) != NULL; }

static void trim(const char **s, size_t *n, const char *set) {
    while (*n && among(**s, set)) ++*s, --*n;
    while (*n && among((*s)[*n - 1], set)) --*n;
}

bool aml_next_item(const char **item, size_t *size, size_t *at, const char *s, size_t n,
                   char separator) {
    while (*at < n) {
        const char *begin = s + *at, *end = memchr(begin, separator, n - *at);
        size_t whole = end ? (size_t)(end - begin) : n - *at;
        *item = begin;
        *size = whole;
        *at += whole + 1;
        trim(item, size, " []{}()'\"");
        if (*size) return true;
    }
    return false;
}
