/* chance.c: arguments by chance, misuse included. */
#include <limits.h>
#include <math.h>

#include "stress.h"

static uint64_t state;
static char long_text[20000];

void chance_start(uint64_t seed) {
    state = seed;
    memset(long_text, 'a', sizeof long_text - 1);
}

uint64_t next(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
size_t below(size_t n) { return (size_t)(next() % n); }
bool one_in(size_t n) { return !below(n); }

const char *text(void) {
    static const char *const odd[] = {"",
                                      "x",
                                      "\xff\xfe\x80",
                                      "%s%n%d",
                                      "a\nb\x1b[31m",
                                      "nothing",
                                      "last",
                                      "-",
                                      "null",
                                      "{}",
                                      "\"x\"",
                                      "[1,2",
                                      "1e999",
                                      "\xf0\x9f\x8c\xb3",
                                      "cv5",
                                      "auto",
                                      "y",
                                      long_text};
    return one_in(12) ? NULL : PICK(odd);
}
const char *name(void) {
    static const char *const names[] = {"x", "y", "c", "t", "k", "nothing"};
    return one_in(6) ? text() : PICK(names);
}
const char *path(void) {
    static const char *const paths[] = {
        "t.csv", "m.automl", "cut.automl", "e.json",     "t.jsonl", "s.db",   "out.1",    "out.2",
        ".",     "none/out", "s.json",     "broken.csv", "none",    "f.json", "/dev/null"};
    const char *p = one_in(20) ? text() : PICK(paths);
    return p && !strcmp(p, "-") ? "none" : p;
}
const char *output(void) {
    static const char *const paths[] = {"out.1", "out.2", "none/out", ".", "/dev/full", "-"};
    return one_in(12) ? NULL : PICK(paths);
}
size_t number(void) {
    static const size_t odd[] = {0, 1, 2, 3, 7, 29, 30, 1000, SIZE_MAX, SIZE_MAX / 2, 1u << 31};
    return PICK(odd);
}
double real(void) {
    static const double odd[] = {0, 0.5, 1, -1, 2, 1e-300, 1e300, -1e300, (double)INFINITY, NAN};
    return PICK(odd);
}
int threads(void) {
    static const int odd[] = {0, 1, 2, -7, INT_MIN};
    return one_in(400) ? INT_MAX : PICK(odd);
}
const char *const *names(void) {
    static const char *list[4];
    size_t n = below(4);
    for (size_t i = 0; i < n; i++) list[i] = name();
    list[n] = NULL;
    return one_in(2) ? NULL : list;
}
size_t size_of(size_t right) {
    static const size_t wrong[] = {0, 1, 7, 8, 9, 24, 4096, 4097, SIZE_MAX};
    return one_in(25) ? PICK(wrong) : right;
}
