/* text_utf8.c: is it UTF-8, and how wide is it on a terminal. */
#include <string.h>

#include "automl/core/text.h"

/* Length of the valid sequence at s, or 0. */
static size_t sequence(const unsigned char *s, size_t left) {
    unsigned char a = s[0], low = 0x80, high = 0xBF;
    if (a < 0x80) return 1;
    size_t n = a >= 0xC2 && a <= 0xDF   ? 2
               : a >= 0xE0 && a <= 0xEF ? 3
               : a >= 0xF0 && a <= 0xF4 ? 4
                                        : 0;
    if (n == 0 || left < n) return 0;
    if (a == 0xE0) low = 0xA0;  /* overlong */
    if (a == 0xED) high = 0x9F; /* surrogates */
    if (a == 0xF0) low = 0x90;  /* overlong */
    if (a == 0xF4) high = 0x8F; /* beyond U+10FFFF */
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    return n;
}

size_t aml_utf8_valid(const char *text, size_t n) {
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        while (n - i >= sizeof word &&
               (memcpy(&word, s + i, sizeof word), !(word & 0x8080808080808080u)))
            i += sizeof word;
        if (i == n) break;
        size_t step = sequence(s + i, n - i);
        if (!step) break;
        i += step;
    }
    return i;
}

typedef struct range {
    uint32_t first, last;
} range;

/* Combining marks, joiners and variation selectors (Unicode 15, main blocks). */
static const range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},   {0x064B, 0x065F},
    {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x0E31, 0x0E31},   {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},   {0x202A, 0x202E},
    {0x2060, 0x2064}, {0x2066, 0x2069}, {0x20D0, 0x20FF}, {0x302A, 0x302D},   {0x3099, 0x309A},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF}};

/* East Asian Wide and Fullwidth, and emoji shown as pictures. */
static const range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},
    {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
    {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},
    {0x2E80, 0x3029},   {0x302E, 0x303E},   {0x3041, 0x3098},   {0x309B, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F3FA}, {0x1F400, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB},
    {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

static bool within(const range *table, size_t n, uint32_t c) {
    for (size_t i = 0; i < n && table[i].first <= c; i++)
        if (c <= table[i].last) return true;
    return false;
}

static size_t width_of(uint32_t c) {
    if (c < 0x20 || c == 0x7F) return 0;
    if (c < 0x300) return 1;
    if (within(zero_width, sizeof zero_width / sizeof *zero_width, c)) return 0;
    return within(double_width, sizeof double_width / sizeof *double_width, c) ? 2 : 1;
}

size_t aml_text_width(const char *text, size_t n) {
    const unsigned char *s = (const unsigned char *)text;
    size_t width = 0;
    for (size_t i = 0; i < n;) {
        size_t step = sequence(s + i, n - i);
        if (step <= 1) { /* ASCII, or a broken byte that a terminal shows as one mark */
            width += step == 0 ? 1 : width_of(s[i]);
            i++;
            continue;
        }
        uint32_t c = s[i] & (0xFFu >> (step + 1));
        for (size_t k = 1; k < step; k++) c = c << 6 | (s[i + k] & 0x3Fu);
        width += width_of(c);
        i += step;
    }
    return width;
}
