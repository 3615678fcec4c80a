/* csv_scan.c: records and cells of CSV text (RFC 4180, quotes only at the beginning of a field). */
#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "automl/core/csv_internal.h"

enum { BLOCK_BYTES = 1 << 16, SAMPLE_ROWS = 101, SAMPLE_BYTES = 4 << 20 };

/* Bit i is set where p[i] is one of four characters, for 64 bytes. */
static inline uint64_t marks(const char *p, const char of[4]) {
    uint64_t mask = 0;
#ifdef __SSE2__
    __m128i a = _mm_set1_epi8(of[0]), b = _mm_set1_epi8(of[1]), c = _mm_set1_epi8(of[2]),
            d = _mm_set1_epi8(of[3]);
    for (int k = 0; k < 4; k++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, a), _mm_cmpeq_epi8(v, b)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, c), _mm_cmpeq_epi8(v, d)));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (16 * k);
    }
#else
    for (int i = 0; i < 64; i++)
        mask |= (uint64_t)(p[i] == of[0] || p[i] == of[1] || p[i] == of[2] || p[i] == of[3]) << i;
#endif
    return mask;
}

/* The quote that closes the one at `open`, or SIZE_MAX. */
static size_t closing(bool *escaped, const csv_source *s, size_t open) {
    size_t at = open + 1;
    *escaped = false;
    while (at < s->length) {
        const char *q = memchr(s->text + at, '"', s->length - at);
        if (!q) return SIZE_MAX;
        at = (size_t)(q - s->text);
        if (s->text[at + 1] != '"' || at + 1 >= s->length) return at;
        *escaped = true;
        at += 2;
    }
    return SIZE_MAX;
}

static bool ends_line(const char *text, size_t i) {
    return text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
}

static size_t count_lines(const char *text, size_t begin, size_t end) {
    size_t n = 0;
    for (size_t i = begin; i < end; i++) n += ends_line(text, i);
    return n;
}

static bool blank(const char *text, size_t begin, size_t end) {
    while (begin < end && text[begin] == ' ') begin++;
    return begin == end;
}

/* ---- index */

static aml_status add_row(csv_index *x, size_t at, size_t line) {
    csv_block *b = x->n_blocks ? &x->blocks[x->n_blocks - 1] : NULL;
    bool full = b && at - b->at >= BLOCK_BYTES &&
                (x->n_blocks > 1 || b->n_rows >= SAMPLE_ROWS || at - b->at >= SAMPLE_BYTES);
    if (!b || full) {
        if (x->n_blocks == x->room) {
            size_t room = x->room ? x->room * 2 : 64;
            csv_block *more = aml_realloc(x->blocks, room * sizeof *more);
            if (!more) return AML_ENOMEM;
            x->blocks = more;
            x->room = room;
        }
        b = &x->blocks[x->n_blocks++];
        *b = (csv_block){.at = at, .row = x->n_rows, .line = line};
    }
    b->n_rows++;
    x->n_rows++;
    return AML_OK;
}

static aml_status fail_unterminated(const csv_source *s, size_t at, size_t line, size_t start) {
    size_t column = 1;
    for (size_t i = start; i < at; i++) column += ((unsigned char)s->text[i] & 0xC0) != 0x80;
    aml_fail_at(AML_EDATA, s->name, line, column,
                "unterminated quote: the field that opens here never ends");
    return aml_help(AML_EDATA, "the file ends within a quoted field",
                    "close it, and write a quote inside a quoted field twice: \"\"");
}

static size_t line_end(csv_index *x, const csv_source *s, size_t i) {
    bool crlf = s->text[i] == '\r' && s->text[i + 1] == '\n' && i + 1 < s->length;
    if (crlf) x->n_crlf++;
    else if (s->text[i] == '\r') x->n_cr++;
    else if (i < s->length) x->n_lf++;
    return i + (crlf ? 2 : 1);
}

aml_status csv_index_build(csv_index *x, const csv_source *s, char separator, size_t max_rows) {
    const char of[4] = {'"', '\n', '\r', '\n'};
    size_t start = 0, from = 0, line = 1, line_start = 0, row_line = 1;
    *x = (csv_index){.separator = separator};
    for (size_t at = 0; at<s->length + 1; at = from> at + 64 ? from : at + 64) {
        uint64_t mask = marks(s->text + at, of);
        for (; mask; mask &= mask - 1) {
            size_t i = at + (size_t)__builtin_ctzll(mask);
            if (i < from || i > s->length) continue;
            if (s->text[i] == '"') {
                bool escaped;
                if (i != start && s->text[i - 1] != separator) continue;
                size_t end = closing(&escaped, s, i);
                if (end == SIZE_MAX) return fail_unterminated(s, i, line, line_start);
                line += count_lines(s->text, i, end);
                from = end + 1;
                continue;
            }
            if (i == s->length && start == i)
                return AML_OK; /* the last line ended with its line end */
            if (blank(s->text, start, i)) x->n_blank++;
            else AML_TRY(add_row(x, start, row_line));
            start = from = line_start = line_end(x, s, i);
            row_line = ++line;
            if (max_rows && x->n_rows == max_rows) return AML_OK;
        }
    }
    return AML_OK;
}

void csv_index_free(csv_index *x) {
    aml_free(x->blocks);
    x->blocks = NULL;
}

void csv_index_drop_first(csv_index *x, const csv_source *s) {
    csv_block *first = x->blocks;
    size_t end;
    csv_count_fields(&end, s, first->at, x->separator);
    bool crlf = s->text[end] == '\r' && s->text[end + 1] == '\n';
    first->line += count_lines(s->text, first->at, end) + 1;
    first->at = end + (crlf ? 2 : 1);
    first->n_rows--;
    x->n_rows--;
    for (size_t b = 1; b < x->n_blocks; b++) x->blocks[b].row--;
}

/* ---- tokens */

/* Where a walk through the cells of a block is. */
typedef struct walk {
    const csv_source *s;
    csv_ref *cells;
    csv_flaw *flaw;
    size_t width;
    size_t start;        /* of the field */
    size_t field;        /* number in the row */
    size_t closed;       /* behind the closing quote of a quoted field, or 0 */
    csv_ref quoted;      /* its text */
    csv_flaw_kind wrong; /* with the row so far */
    size_t wrong_at;
} walk;

static void spot(walk *w, csv_flaw_kind kind, size_t at) {
    if (w->wrong) return;
    w->wrong = kind;
    w->wrong_at = at;
}

/* The field ends before `end`. Blanks around an unquoted field are no part of it. */
static inline void put_field(walk *w, size_t end) {
    const char *text = w->s->text;
    size_t begin = w->start;
    csv_ref ref = w->quoted;
    if (w->closed) {
        if (!blank(text, w->closed, end)) spot(w, CSV_AFTER_QUOTE, w->closed);
        w->closed = 0;
    } else {
        while (begin < end && text[begin] == ' ') begin++;
        while (begin < end && text[end - 1] == ' ') end--;
        if (end - begin > CSV_FIELD_LIMIT) {
            spot(w, CSV_LONG_FIELD, begin);
            end = begin;
        }
        ref = csv_ref_make(begin, end - begin, false);
    }
    if (w->field < w->width) w->cells[w->field] = ref;
    else if (w->field == w->width) spot(w, CSV_WIDTH, w->start);
    w->field++;
}

static void open_quote(walk *w, size_t at) {
    bool escaped;
    size_t end = closing(&escaped, w->s, at), size = end - at - 1;
    if (size > CSV_FIELD_LIMIT) {
        spot(w, CSV_LONG_FIELD, at);
        size = 0;
        escaped = false;
    }
    w->quoted = csv_ref_make(at + 1, size, escaped);
    w->closed = end + 1;
}

static void end_row(walk *w, size_t end) {
    if (w->field < w->width) spot(w, CSV_WIDTH, end);
    if (w->wrong && w->flaw->count++ == 0) {
        w->flaw->kind = w->wrong;
        w->flaw->at = w->wrong_at;
        w->flaw->fields = w->field;
    }
    for (; w->field < w->width; w->field++) w->cells[w->field] = csv_ref_make(end, 0, false);
    w->cells += w->width;
    w->field = 0;
    w->wrong = CSV_FINE;
}

void csv_tokens(csv_ref *cells, uint64_t *line, csv_flaw *flaw, const csv_source *s,
                const csv_index *x, const csv_block *block, size_t width) {
    const char of[4] = {'"', '\n', '\r', x->separator};
    walk w = {.s = s, .cells = cells, .flaw = flaw, .width = width, .start = block->at};
    size_t from = block->at, row = 0, at_line = block->line, row_line = at_line;
    *flaw = (csv_flaw){0};
    for (size_t at = from; row<block->n_rows; at = from> at + 64 ? from : at + 64) {
        uint64_t mask = marks(s->text + at, of);
        for (; mask && row < block->n_rows; mask &= mask - 1) {
            size_t i = at + (size_t)__builtin_ctzll(mask);
            if (i < from) continue;
            char c = s->text[i];
            if (c == x->separator) {
                put_field(&w, i);
                w.start = from = i + 1;
            } else if (c == '"') {
                if (i != w.start) continue;
                open_quote(&w, i);
                at_line += count_lines(s->text, i, w.closed);
                from = w.closed;
            } else {
                if (w.field || w.closed || !blank(s->text, w.start, i)) {
                    put_field(&w, i);
                    end_row(&w, i);
                    if (line) line[row] = row_line;
                    row++;
                }
                w.start = from = i + (c == '\r' && s->text[i + 1] == '\n' ? 2 : 1);
                row_line = ++at_line;
            }
        }
    }
}

size_t csv_count_fields(size_t *end, const csv_source *s, size_t at, char separator) {
    size_t fields = 1, start = at;
    for (; at < s->length; at++) {
        char c = s->text[at];
        bool escaped;
        if (c == '"' && at == start) {
            size_t close = closing(&escaped, s, at);
            at = close == SIZE_MAX ? s->length - 1 : close;
        } else if (c == separator) {
            fields++;
            start = at + 1;
        } else if (c == '\n' || c == '\r') {
            break;
        }
    }
    *end = at;
    return fields;
}

void csv_place(size_t *line, size_t *column, const csv_source *s, const csv_index *x, size_t at) {
    size_t low = 0, high = x->n_blocks;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (x->blocks[middle].at <= at) low = middle;
        else high = middle;
    }
    size_t begin = x->n_blocks ? x->blocks[low].at : 0, start = at;
    *line = (x->n_blocks ? x->blocks[low].line : 1) + count_lines(s->text, begin, at);
    while (start > begin && !ends_line(s->text, start - 1)) start--;
    *column = 1;
    for (size_t i = start; i < at; i++) *column += ((unsigned char)s->text[i] & 0xC0) != 0x80;
}

/* What is left over is filled with quotes, so that line ends can still be counted. */
csv_ref csv_unescape(char *text, csv_ref r) {
    if (!csv_ref_escaped(r)) return r;
    size_t begin = csv_ref_at(r), end = begin + csv_ref_size(r), to = begin;
    for (size_t i = begin; i < end; i++) {
        text[to++] = text[i];
        if (text[i] == '"') i++;
    }
    memset(text + to, '"', end - to);
    return csv_ref_make(begin, to - begin, false);
}
