/* regex_size.c: regular expressions with their repetitions written out. */
#include "automl/tune/regex_size.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { MOST_DEPTH = 100 };

/* Behind the set that begins before s. */
static const char *end_of_set(const char *s) {
    if (*s == '^') s++;
    if (*s == ']') s++;
    while (*s && *s != ']') {
        char kind = s[1];
        bool named = *s == '[' && kind && strchr(":.=", kind);
        if (!named) {
            s++;
            continue;
        }
        for (s += 2; *s && !(*s == kind && s[1] == ']');) s++;
        if (*s) s += 2;
    }
    return *s ? s + 1 : s;
}

static double number(const char **s) {
    double x = 0;
    for (; **s >= '0' && **s <= '9'; ++*s) x = 10 * x + (**s - '0');
    return x;
}

/* How many copies a repetition at *s makes of what it repeats, and behind it; 0: there is none. */
static double copies(const char **s) {
    const char *at = *s;
    if (*at == '*' || *at == '?') return ++*s, 1;
    if (*at == '+') return ++*s, 2;
    if (*at++ != '{') return 0;
    double least = number(&at), most = least;
    if (*at == ',') {
        const char *digits = ++at;
        most = number(&at);
        if (at == digits) most = least + 1;
    }
    if (*at != '}') return 0;
    *s = at + 1;
    return fmax(most, 1);
}

double aml_regex_size(const char *s) {
    /* of the groups around, of this one, of what may be repeated */
    double outer[MOST_DEPTH] = {0}, size = 0, last = 0;
    size_t depth = 0;
    while (*s) {
        double n = last > 0 ? copies(&s) : 0;
        if (n > 0) {
            size += (n - 1) * last;
            last *= n;
            continue;
        }
        char c = *s++;
        if (c == '(') {
            if (depth == MOST_DEPTH) return INFINITY;
            outer[depth++] = size;
            size = last = 0;
        } else if (c == ')' && depth) {
            last = size + 1;
            size = outer[--depth] + last;
        } else {
            if (c == '[') s = end_of_set(s);
            if (c == '\\' && *s) s++;
            last = c != '|';
            size++;
        }
    }
    while (depth) size += outer[--depth];
    return size;
}
