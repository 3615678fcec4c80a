/* csv_edges.c: lines that are no rows: titles and comments above the header, totals and remarks at the end. The rules
 * are stated in csv.h. */
#include <string.h>

#include "automl/core/csv_internal.h"

enum { RECORDS = 200, HEAD = 30 };

/* What a look at the cells of one record tells. */
typedef struct record {
    size_t at, end;        /* first byte, line end */
    size_t fields, filled; /* cells, and those that are not empty */
    size_t numbers;        /* of these */
    size_t place;          /* the first filled one, */
    const char *text;      /* and what it says */
    size_t size;
    bool comment, total;
} record;

static bool is_comment(const char *s, size_t n) {
    return n && (*s == '#' || *s == '%' || (n > 1 && s[0] == '/' && s[1] == '/'));
}

bool csv_is_total(const char *s, size_t n) {
    static const char *const words[] = {"total",  "totals",  "grand total", "subtotal", "sum",
                                        "sums",   "overall", "average",     "mean",     "summe",
                                        "gesamt", "suma",    "totale",      "somme"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t k = 0, size = strlen(words[i]);
        while (k < size && k < n && (s[k] | 32) == (words[i][k] | 32)) k++;
        if (k == size && (n == size || s[size] == ':')) return true;
    }
    return false;
}

static csv_cell trimmed(const char *text, size_t begin, size_t end, char quote) {
    while (begin < end && text[begin] == ' ') begin++;
    while (begin < end && (text[end - 1] == ' ' || text[end - 1] == '\r')) end--;
    bool quoted = quote && end - begin >= 2 && text[begin] == quote && text[end - 1] == quote;
    return (csv_cell){.text = text + begin + quoted, .size = end - begin - 2 * (size_t)quoted};
}

static bool is_number(csv_cell c, char decimal) {
    double x;
    if (decimal) return csv_number(&x, c.text, c.size, decimal);
    return csv_number(&x, c.text, c.size, '.') || csv_number(&x, c.text, c.size, ',');
}

static record look_at(const char *text, size_t length, size_t at, const csv_dialect *d) {
    record r = {.at = at};
    for (;; at++) {
        size_t end = csv_field_end(text, length, at, d);
        csv_cell c = trimmed(text, at, end, d->quote);
        if (c.size && r.filled++ == 0) {
            r.place = r.fields;
            r.text = c.text;
            r.size = c.size;
        }
        r.numbers += c.size && is_number(c, d->decimal);
        r.fields++;
        r.end = at = end;
        if (at >= length || text[at] != d->separator) break;
    }
    r.comment = is_comment(r.text, r.size);
    r.total = csv_is_total(r.text, r.size);
    return r;
}

/* ---- above the header */

/* Records of the beginning, blank ones with filled 0. */
static size_t look_ahead(record out[RECORDS], const char *text, size_t length,
                         const csv_dialect *d) {
    size_t n = 0;
    for (size_t at = 0; n < RECORDS && at < length; n++) {
        out[n] = look_at(text, length, at, d);
        at = out[n].end + 1;
        if (text[out[n].end] == '\r' && at < length && text[at] == '\n') at++;
    }
    return n;
}

static bool full(const record *r, size_t width) {
    return r->fields == width && (r->filled * 2 > width || width == 1);
}

/* The most frequent number of fields. */
static size_t usual_width(const record *r, size_t n) {
    size_t best = 0, width = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++) same += r[k].filled && r[k].fields == r[i].fields;
        if (!r[i].filled || r[i].comment || same <= best) continue;
        best = same;
        width = r[i].fields;
    }
    return width;
}

static bool has_words_above_numbers(const record *r, size_t h, size_t n) {
    for (size_t i = h + 1; i < n; i++)
        if (r[i].numbers) return r[h].numbers == 0;
    return false;
}

/* "#id,name" is a header: nothing below it looks like one. */
static bool is_marked_header(const record *r, size_t h, size_t n, size_t width) {
    if (!r[h].comment) return true;
    if (width == 1 && r[h].size > 1 && r[h].text[1] != ' ') return true;
    for (size_t i = h + 1; i < n; i++)
        if (r[i].filled && !r[i].comment) return !has_words_above_numbers(r, i, n);
    return true;
}

/* The first record that may be the header, n when there is none. */
static size_t find_first(const record *r, size_t n, size_t width) {
    size_t h = 0;
    while (h < n && h <= HEAD &&
           !(r[h].filled && full(&r[h], width) && is_marked_header(r, h, n, width)))
        h++;
    return h <= HEAD ? h : n;
}

static bool is_aside(const record *r, size_t i, size_t width, bool gap, bool named) {
    if (!r[i].filled || r[i].comment) return true;
    if (r[i].size >= 4 && r[i].fields <= 2 && !memcmp(r[i].text, "sep=", 4)) return true;
    bool few = width > 1 && r[i].filled * 2 <= width;
    if (r[i].filled == 1 && width > 1 && r[i].numbers == 0) {
        if (r[i].fields == width) return width > 2 && (gap || named);
        return gap || named || memchr(r[i].text, ' ', r[i].size) != NULL;
    }
    return few && (gap || named);
}

size_t csv_find_head(size_t *n_lines, const char *text, size_t length, const csv_dialect *d,
                     int header) {
    record r[RECORDS];
    size_t n = look_ahead(r, text, length, d), width = usual_width(r, n), filled = 0, same = 0;
    size_t h = find_first(r, n, width);
    bool gap = h && h < n && r[h - 1].filled == 0, any = false;
    bool named = h < n && has_words_above_numbers(r, h, n);
    *n_lines = 0;
    for (size_t i = 0; i < h && h < n; i++) {
        if (!is_aside(r, i, width, gap, named) || (header > 0 && full(&r[i], width))) return 0;
        any |= r[i].filled > 0;
        gap &= !(r[i].filled && i + 1 == h);
    }
    for (size_t i = h; i < n; i++) {
        filled += r[i].filled > 0;
        same += r[i].filled && r[i].fields == width;
    }
    if (!any || filled < 2 || same * 5 < filled * 4) return 0;
    /* Numbers come first: there is no header, and nothing tells titles from rows but marks and gaps. */
    if (header >= 0 && r[h].numbers && !gap && !r[0].comment && r[0].fields == width) return 0;
    for (size_t i = 0; i < r[h].at; i++) *n_lines += csv_ends_line(text, i);
    return r[h].at;
}

/* ---- at the end */

/* Places of the ends of the last records, from the last one on, CSV_TAIL_LINES at most, within CSV_TAIL_BYTES. */
static size_t last_ends(size_t out[CSV_TAIL_LINES], const csv_window *w) {
    size_t n = 0, least = w->filled > CSV_TAIL_BYTES ? w->filled - CSV_TAIL_BYTES : 0;
    for (size_t k = w->marks.n_words; 64 * k > least && n < CSV_TAIL_LINES; k--)
        for (uint64_t bits = w->end[k - 1]; bits && n < CSV_TAIL_LINES;) {
            size_t at = 63 - (size_t)__builtin_clzll(bits);
            bits &= ~((uint64_t)1 << at);
            if (64 * (k - 1) + at >= least) out[n++] = 64 * (k - 1) + at;
        }
    return n;
}

size_t csv_possible_tail(const csv_window *w) {
    size_t ends[CSV_TAIL_LINES];
    return last_ends(ends, w);
}

/* What says by itself that it is no row. */
static bool is_remark(const record *r, const csv_tail *t, bool cut) {
    if (r->filled == 0 || r->place >= t->width) return false;
    bool odd = r->fields != t->width;
    if (r->comment && odd) return true;
    bool in_numbers = t->numbers[r->place];
    if (r->total && (!t->totals || in_numbers)) return odd || r->filled < r->fields || in_numbers;
    if (cut && odd) return false; /* the file may have been cut off here */
    if (r->filled != 1 || r->numbers || t->width < 2) return false;
    bool words = memchr(r->text, ' ', r->size) || memchr(r->text, ':', r->size);
    return words && (odd || in_numbers);
}

/* What is none behind a blank line. */
static bool is_short(const record *r, const csv_tail *t) {
    if (r->fields == t->width && r->filled == 1 && t->width < 3) return false;
    return t->width > 1 && r->filled * 2 <= t->width && r->numbers < r->filled;
}

size_t csv_find_tail(csv_tail *t, const csv_window *w, const csv_dialect *d) {
    size_t ends[CSV_TAIL_LINES], n = last_ends(ends, w), skip = 0;
    bool remarks = true, filled = false;
    t->found = 0;
    if (!t->width) return 0;
    for (size_t k = 0; k + 1 < n; k++) { /* what comes before all of them is left in peace */
        record r = look_at(w->text, ends[k], ends[k + 1] + 1, d);
        if (r.filled == 0) {
            if (filled) skip = k;
            continue;
        }
        bool remark = is_remark(&r, t, w->closed && k == 0);
        if (!remark && !is_short(&r, t)) break;
        remarks &= remark;
        if (remarks) skip = k + 1;
        filled = true;
    }
    if (skip) {
        record r = look_at(w->text, ends[skip - 1], ends[skip] + 1, d);
        aml_printable(t->text, sizeof t->text, r.text, r.size, 30);
    }
    return t->found = skip;
}
