/* csv_scan.c: the structure of records (RFC 4180, quotes count only at the beginning of a field), by words of
 * masks; by a walk where quotes stand in other places. */
#include <string.h>

#include "automl/core/csv_internal.h"

bool csv_ends_line(const char *text, size_t i) {
    return text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
}

void csv_place(size_t *line, size_t *column, const char *text, size_t at) {
    size_t start = at;
    *line = 1;
    for (size_t i = 0; i < at; i++) *line += csv_ends_line(text, i);
    while (start > 0 && !csv_ends_line(text, start - 1)) start--;
    *column = 1;
    for (size_t i = start; i < at; i++) *column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

static size_t next_quote(const char *text, size_t length, size_t at, const csv_dialect *d) {
    if (!d->escape) {
        const char *q = at < length ? memchr(text + at, d->quote, length - at) : NULL;
        return q ? (size_t)(q - text) : SIZE_MAX;
    }
    for (; at < length; at++) {
        if (text[at] == d->escape) at++;
        else if (text[at] == d->quote) return at;
    }
    return SIZE_MAX;
}

size_t csv_closing_quote(const char *text, size_t length, size_t open, const csv_dialect *d) {
    for (size_t at = open + 1;; at += 2) {
        at = next_quote(text, length, at, d);
        if (at == SIZE_MAX || at + 1 >= length || text[at + 1] != d->quote) return at;
    }
}

size_t csv_field_end(const char *text, size_t length, size_t at, const csv_dialect *d) {
    if (at < length && d->quote && text[at] == d->quote) {
        size_t close = csv_closing_quote(text, length, at, d);
        if (close == SIZE_MAX) return length;
        at = close + 1;
    }
    for (; at < length; at++) {
        char c = text[at];
        if (c == d->separator || c == '\n' || c == '\r') return at;
        at += d->escape && c == d->escape;
    }
    return length;
}

size_t csv_count_fields(size_t *end, const char *text, size_t length, size_t at,
                        const csv_dialect *d) {
    size_t fields = 1;
    for (;; fields++) {
        at = csv_field_end(text, length, at, d);
        if (at >= length || text[at] != d->separator) break;
        at++;
    }
    *end = at;
    return fields;
}

/* ---- by words */

/* What one word tells the next. */
typedef struct carry {
    uint64_t inside;  /* all ones within quotes */
    uint64_t opens;   /* bit 0: a quote may open here */
    uint64_t closed;  /* bit 0: the byte before closed a quote */
    uint64_t regular; /* not zero: it was not */
} carry;

/* Bit i is the parity of the bits 0 … i. */
static uint64_t parities(uint64_t x) {
    for (int shift = 1; shift < 64; shift *= 2) x ^= x << shift;
    return x;
}

/* Separators and ends within quotes are text. Quotes are where they should be if each opens behind a separator or
 * line end (or doubles the one before), and each closes before one. */
static void leave_quotes(carry *c, uint64_t *separator, uint64_t *end, uint64_t quote,
                         uint64_t carriage) {
    uint64_t inside = parities(quote) ^ c->inside, opening = quote & inside,
             closing_ = quote & ~inside;
    *separator &= ~inside;
    *end &= ~inside;
    uint64_t between = *separator | *end;
    uint64_t may_open = (between | closing_) << 1 | c->opens, behind = closing_ << 1 | c->closed;
    c->regular |= (opening & ~may_open) | (behind & ~(between | opening | (carriage & ~inside)));
    c->opens = (between | closing_) >> 63;
    c->closed = closing_ >> 63;
    c->inside = (inside >> 63) ? ~(uint64_t)0 : 0;
}

/* Line ends: \n, and \r that is not before one. */
static void find_lines(csv_window *w) {
    const csv_marks *m = &w->marks;
    if (!m->any_carriage) {
        memcpy(w->line, m->feed, m->n_words * sizeof *w->line);
        return;
    }
    for (size_t k = 0; k < m->n_words; k++) {
        uint64_t next = k + 1 < m->n_words ? m->feed[k + 1] << 63 : 0;
        w->line[k] = m->feed[k] | (m->carriage[k] & ~(m->feed[k] >> 1 | next));
    }
    /* Whether \n follows is not known yet. */
    size_t end = w->filled - 1;
    if (!w->last && w->text[end] == '\r') w->line[end / 64] &= ~((uint64_t)1 << end % 64);
}

/* What stands behind an escape is text. */
static void leave_escaped(csv_window *w, char escape) {
    csv_marks *m = &w->marks;
    for (size_t at = 0; at < w->filled; at += 2) {
        const char *e = memchr(w->text + at, escape, w->filled - at);
        if (!e) return;
        at = (size_t)(e - w->text);
        uint64_t others = ~((uint64_t)1 << (at + 1) % 64);
        if (at + 1 >= w->filled) return;
        m->separator[(at + 1) / 64] &= others;
        m->quote[(at + 1) / 64] &= others;
        w->end[(at + 1) / 64] &= others;
    }
}

/* ---- by a walk */

static void set(uint64_t *mask, size_t i) { mask[i / 64] |= (uint64_t)1 << i % 64; }
static bool has(const uint64_t *mask, size_t i) { return mask[i / 64] >> i % 64 & 1; }

/* The place of a quote that is not closed, or SIZE_MAX. */
static size_t walk(csv_window *w, const csv_dialect *d) {
    size_t bytes = w->marks.n_words * sizeof *w->end;
    memset(w->end, 0, bytes);
    memset(w->marks.separator, 0, bytes);
    for (size_t at = 0, start = 0; at < w->filled; at++) {
        char c = w->text[at];
        if (c == d->quote && at == start) {
            at = csv_closing_quote(w->text, w->filled, start, d);
            if (at == SIZE_MAX) return start;
        } else if (d->escape && c == d->escape) {
            at++;
        } else if (c == d->separator) {
            set(w->marks.separator, at);
            start = at + 1;
        } else if (c == '\n' || c == '\r') {
            if (has(w->line, at)) set(w->end, at);
            start = at + 1;
        }
    }
    return SIZE_MAX;
}

/* The last bit but `skip`, or SIZE_MAX. */
static size_t last_bit(const uint64_t *mask, size_t n_words, size_t skip) {
    for (size_t k = n_words; k-- > 0;) {
        uint64_t bits = mask[k];
        for (; bits && skip; skip--) bits &= ~((uint64_t)1 << (63 - __builtin_clzll(bits)));
        if (bits) return 64 * k + 63 - (size_t)__builtin_clzll(bits);
    }
    return SIZE_MAX;
}

static size_t count_bits(const uint64_t *mask, size_t length) {
    size_t n = 0, k = 0;
    for (; k < length / 64; k++) n += (size_t)__builtin_popcountll(mask[k]);
    if (length % 64)
        n += (size_t)__builtin_popcountll(mask[k] & (((uint64_t)1 << length % 64) - 1));
    return n;
}

size_t csv_structure(csv_window *w, size_t *open, const csv_dialect *d, size_t skip) {
    csv_marks *m = &w->marks;
    carry c = {.opens = 1};
    *open = SIZE_MAX;
    find_lines(w);
    memcpy(w->end, w->line, m->n_words * sizeof *w->end);
    if (d->escape) leave_escaped(w, d->escape);
    for (size_t k = 0; m->any_quote && k < m->n_words; k++)
        leave_quotes(&c, &m->separator[k], &w->end[k], m->quote[k], m->carriage[k]);
    w->irregular = c.regular != 0;
    if (w->irregular || (c.inside && w->last)) *open = walk(w, d);
    return csv_whole_records(w, skip);
}

size_t csv_whole_records(csv_window *w, size_t skip) {
    size_t last = last_bit(w->end, w->marks.n_words, skip),
           length = last == SIZE_MAX ? 0 : last + 1;
    w->n_lines = count_bits(w->line, length);
    return length;
}
