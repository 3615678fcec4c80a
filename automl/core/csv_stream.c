/* csv_stream.c: the text in windows of whole records, from a file, a pipe or memory. */
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"

enum { WINDOW = 1 << 18, WORD = 64 };

/* ---- room, charged to the account */

static aml_status grow(char **buffer, size_t *room, size_t want, aml_memory *account) {
    if (want <= *room) return AML_OK;
    AML_TRY(aml_memory_charge(account, want - *room));
    char *more = aml_realloc(*buffer, want);
    if (!more) {
        aml_memory_release(account, want - *room);
        return AML_ENOMEM;
    }
    *buffer = more;
    *room = want;
    return AML_OK;
}

/* Room for `want` bytes of text, padding, and masks. */
static aml_status grow_window(csv_window *w, size_t want, aml_memory *account) {
    enum { MASKS = 6 };
    if (want <= w->room) return AML_OK;
    size_t n_words = want / WORD + 2, bytes = n_words * sizeof *w->masks;
    size_t charge = MASKS * bytes + want + 2 * CSV_PADDING + WORD;
    AML_TRY(aml_memory_charge(account, charge - w->charged));
    w->charged = charge;
    char *buffer = aml_realloc(w->buffer, want + 2 * CSV_PADDING + WORD);
    if (buffer) w->buffer = buffer;
    uint64_t *masks = buffer ? aml_realloc(w->masks, MASKS * bytes) : NULL;
    if (!masks) return AML_ENOMEM;
    memset(buffer, 0, CSV_PADDING);
    w->masks = masks;
    w->text = buffer + CSV_PADDING;
    w->marks = (csv_marks){.separator = masks,
                           .feed = masks + n_words,
                           .carriage = masks + 2 * n_words,
                           .quote = masks + 3 * n_words};
    w->end = masks + 4 * n_words;
    w->line = masks + 5 * n_words;
    w->room = want;
    return AML_OK;
}

void csv_window_free(csv_window *w, aml_memory *account) {
    aml_memory_release(account, w->charged);
    aml_free(w->buffer);
    aml_free(w->masks);
    *w = (csv_window){0};
}

/* ---- bytes */

static aml_status read_raw(void *arg, char *to, size_t size, size_t *got) {
    csv_stream *s = arg;
    if (!s->input) {
        size_t left = s->memory_length - s->memory_at;
        *got = size < left ? size : left;
        if (*got) memcpy(to, s->memory + s->memory_at, *got);
        s->memory_at += *got;
        return AML_OK;
    }
    AML_TRY(aml_input_read(s->input, to, size, got));
    if (!s->keep) return AML_OK;
    if (s->kept_room < s->memory_length + *got)
        AML_TRY(
            grow(&s->kept, &s->kept_room, s->memory_length * 5 / 4 + *got + WINDOW, s->account));
    if (*got) memcpy(s->kept + s->memory_length, to, *got);
    s->memory_length += *got;
    return AML_OK;
}

static aml_status read_bytes(csv_stream *s, char *to, size_t size, size_t *got) {
    return s->decoder ? csv_decode(s->decoder, to, size, got, read_raw, s)
                      : read_raw(s, to, size, got);
}

/* The byte order mark is no text, nor are the lines to skip. */
static aml_status begin(csv_stream *s, csv_window *w) {
    AML_TRY(csv_check_magic(w->text, w->filled, s->name));
    s->bom = w->filled >= 3 && !memcmp(w->text, "\xEF\xBB\xBF", 3);
    size_t at = s->bom ? 3 : 0;
    w->text[w->filled] = 0;
    for (size_t lines = s->skip_lines; lines && at < w->filled; at++)
        lines -= csv_ends_line(w->text, at);
    s->n_lines = s->skip_lines;
    w->filled -= at;
    memmove(w->text, w->text + at, w->filled);
    return AML_OK;
}

aml_status csv_stream_fill(csv_stream *s, csv_window *w, size_t want) {
    size_t got = 1, before = w->filled;
    bool first = s->n_bytes == 0;
    size_t spare = s->decoder ? 3 : 0; /* a character is not cut */
    want += spare;
    AML_TRY(grow_window(w, want + 1, s->account));
    while (w->filled + spare < want && !s->ended) {
        AML_TRY(read_bytes(s, w->text + w->filled, want - w->filled, &got));
        w->filled += got;
        s->n_bytes += got;
        s->ended = got == 0;
    }
    w->last = s->ended;
    if (first) AML_TRY(begin(s, w));
    /* What lies behind the text is looked at, too. */
    memset(w->text + w->filled, ' ', CSV_PADDING + WORD);
    if (w->last && !w->closed && w->filled && !csv_ends_line(w->text, w->filled - 1)) {
        w->text[w->filled++] = '\n';
        w->closed = true;
    }
    return before > w->filled ? AML_EINTERNAL : AML_OK;
}

/* ---- windows */

static aml_status fail_open_quote(const csv_stream *s, const csv_window *w, size_t open,
                                  size_t line_of_window) {
    size_t line, column;
    csv_place(&line, &column, w->text, open);
    line += line_of_window - 1;
    aml_fail_at(AML_EDATA, s->name, line, column,
                "unterminated quote: the field that opens here never ends");
    return aml_help(AML_EDATA, "the file ends within a quoted field",
                    "close it, and write a quote inside a quoted field twice: \"\"");
}

/* The text ends with a line end that an escape made text, or that was put behind an escape: no record ends there. */
static bool ends_in_escape(const csv_window *w, char escape) {
    size_t escapes = 0;
    if (!escape || !w->filled || !csv_ends_line(w->text, w->filled - 1)) return false;
    while (escapes + 1 < w->filled && w->text[w->filled - 2 - escapes] == escape) escapes++;
    return escapes % 2 == 1;
}

static aml_status fail_escape(const csv_stream *s, const csv_window *w, size_t line_of_window) {
    size_t line, column;
    csv_place(&line, &column, w->text, w->filled - 2);
    aml_fail_at(AML_EDATA, s->name, line + line_of_window - 1, column,
                "the file ends behind an escape character");
    return aml_help(AML_EDATA, "what follows it would be text, and the last row would have no end",
                    "complete the last line; where `%c` is no escape, use --escape none",
                    s->dialect.escape);
}

static aml_status fail_long_line(const csv_stream *s, size_t line) {
    aml_fail_at(AML_EDATA, s->name, line, 1, "line is longer than the limit of %d MiB",
                CSV_LINE_LIMIT >> 20);
    return aml_help(AML_EDATA, "no line end was found: this may not be CSV",
                    "check the line ends and the quotes of the file");
}

/* Where the field begins that the text ends in, when it has no quote that is open. */
static size_t last_field(const csv_window *w) {
    const csv_marks *m = &w->marks;
    for (size_t i = (w->filled + WORD - 1) / WORD; i-- > 0;) {
        uint64_t ends = m->separator[i] | m->feed[i] | m->carriage[i];
        if (ends) return i * WORD + WORD - (size_t)__builtin_clzll(ends);
    }
    return 0;
}

/* A field may be as long as memory; that it is too long is said before. */
static aml_status check_last_field(const csv_stream *s, const csv_window *w) {
    size_t line, column, begin = last_field(w);
    if (w->filled <= begin + CSV_FIELD_LIMIT) return AML_OK;
    csv_place(&line, &column, w->text, begin);
    return csv_fail_long_field(s->name, line + s->n_lines, column);
}

/* Keeps what does not belong to whole records for the next window. */
static aml_status carry_rest(csv_stream *s, csv_window *w) {
    size_t rest = w->filled - w->length;
    s->carry_size = 0;
    if (rest == 0 || w->last) return AML_OK;
    AML_TRY(grow(&s->carry, &s->carry_room, rest, s->account));
    memcpy(s->carry, w->text + w->length, rest);
    s->carry_size = rest;
    return AML_OK;
}

/* The first window must have the header, or the first row. */
static bool is_blank(const csv_window *w) {
    size_t i = 0;
    while (i < w->length && (w->text[i] == ' ' || w->text[i] == '\n' || w->text[i] == '\r')) i++;
    return i == w->length;
}

aml_status csv_stream_cut(csv_stream *s, csv_window *w) {
    for (;;) {
        size_t open, n_words = (w->filled + WORD - 1) / WORD;
        csv_mark(&w->marks, w->text, n_words, s->dialect.separator, s->dialect.quote);
        w->length = csv_structure(w, &open, &s->dialect, s->skip_footer);
        if (s->find_tail)
            w->length = csv_whole_records(w, w->last ? csv_find_tail(&s->tail, w, &s->dialect)
                                                     : csv_possible_tail(w));
        if (w->last && open != SIZE_MAX) return fail_open_quote(s, w, open, s->n_lines + 1);
        if (w->last && ends_in_escape(w, s->dialect.escape))
            return fail_escape(s, w, s->n_lines + 1);
        if ((w->length && (s->n_windows || !is_blank(w))) || w->last) break;
        if (w->marks.any_nul)
            return csv_check_text(w->text, w->filled, false, s->name, s->n_lines + 1);
        if (open == SIZE_MAX) AML_TRY(check_last_field(s, w));
        if (w->filled > CSV_LINE_LIMIT)
            return open == SIZE_MAX ? fail_long_line(s, s->n_lines + 1)
                                    : fail_open_quote(s, w, open, s->n_lines + 1);
        if (s->window_bytes < 2 * w->filled) s->window_bytes = 2 * w->filled;
        AML_TRY(csv_stream_fill(s, w, s->window_bytes));
    }
    if (!s->first_bytes) s->first_bytes = s->n_bytes;
    w->number = s->n_windows++;
    w->lines_before = s->n_lines;
    s->n_lines += w->n_lines;
    return carry_rest(s, w);
}

void csv_stream_skip(csv_stream *s, csv_window *w, size_t bytes, size_t lines) {
    s->skip_lines += lines;
    s->n_lines += lines;
    w->filled -= bytes;
    memmove(w->text, w->text + bytes, w->filled + CSV_PADDING);
}

void csv_stream_trim(csv_stream *s, csv_window *w) {
    size_t lines = w->n_lines;
    w->length = csv_whole_records(w, csv_find_tail(&s->tail, w, &s->dialect));
    s->n_lines -= lines - w->n_lines;
}

aml_status csv_stream_next(csv_stream *s, csv_window *w) {
    size_t want = s->window_bytes > 2 * s->carry_size ? s->window_bytes : 2 * s->carry_size;
    if (s->n_windows == 0 && want < s->first_bytes) want = s->first_bytes;
    AML_TRY(grow_window(w, want + 1, s->account));
    w->filled = s->carry_size;
    w->length = 0;
    w->closed = false;
    if (s->carry_size) memcpy(w->text, s->carry, s->carry_size);
    s->carry_size = 0;
    AML_TRY(csv_stream_fill(s, w, want));
    return w->filled ? csv_stream_cut(s, w) : AML_OK;
}

/* ---- opening and closing */

static void start(csv_stream *s, size_t size) {
    size_t window = s->least_window ? s->least_window : WINDOW;
    s->window_bytes = size && size < window ? size + WORD : window;
}

size_t csv_stream_size(const csv_stream *s) {
    if (!s->input) return s->memory_length;
    return aml_input_size(s->input);
}

static aml_status prepare(csv_stream *s, const char *name, const aml_csv_options *o) {
    *s = (csv_stream){.name = name,
                      .account = o->account,
                      .least_window = o->window_bytes,
                      .skip_lines = o->skip_lines == CSV_NO_LINES ? 0 : o->skip_lines,
                      .skip_footer = o->skip_footer == CSV_NO_LINES ? 0 : o->skip_footer,
                      .find_tail = o->skip_footer == 0,
                      .compression = "none"};
    return csv_decoder_new(&s->decoder, o->encoding);
}

aml_status csv_stream_open(csv_stream *s, const char *path, const aml_csv_options *o) {
    AML_TRY(prepare(s, strcmp(path, "-") ? path : "standard input", o));
    AML_TRY(aml_input_open(&s->input, path));
    const char *kind = aml_input_compression(s->input);
    s->compression = !strcmp(kind, "gzip") ? "gzip" : !strcmp(kind, "zstd") ? "zstd" : "none";
    s->keep = !aml_input_can_rewind(s->input);
    start(s, csv_stream_size(s));
    return AML_OK;
}

aml_status csv_stream_open_text(csv_stream *s, const char *text, size_t length, const char *name,
                                const aml_csv_options *o) {
    AML_TRY(prepare(s, name, o));
    s->memory = text;
    s->memory_length = length;
    start(s, length);
    return AML_OK;
}

aml_status csv_stream_rewind(csv_stream *s) {
    s->carry_size = s->n_windows = s->n_bytes = s->n_lines = s->memory_at = 0;
    s->ended = false;
    if (s->decoder) csv_decoder_rewind(s->decoder);
    start(s, csv_stream_size(s));
    if (s->keep && s->input) {
        aml_input_close(s->input);
        s->input = NULL;
        s->memory = s->kept;
    }
    return s->input ? aml_input_rewind(s->input) : AML_OK;
}

void csv_stream_close(csv_stream *s) {
    aml_input_close(s->input);
    aml_memory_release(s->account, s->kept_room + s->carry_room);
    aml_free(s->kept);
    aml_free(s->carry);
    aml_free(s->decoder);
    s->decoder = NULL;
    s->input = NULL;
    s->kept = s->carry = NULL;
    s->kept_room = s->carry_room = 0;
}
