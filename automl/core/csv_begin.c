/* csv_begin.c: the first window: what the text is like, where rows begin, and whether names stand above them. */
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"

enum { FEW_ROWS = 101, SAMPLE_ROWS = 2000, TAIL_ROWS = 200, TAIL_COLUMNS = 1000 };

static aml_status fail_no_header(const csv_reader *r) {
    aml_fail_at(AML_EDATA, r->stream.name, 1, 0, "no header: the file has only blank lines");
    return aml_help(AML_EDATA, "the first line names the columns",
                    "check how the file was written");
}

static aml_status fail_empty(const csv_reader *r) {
    aml_fail_at(AML_EDATA, r->stream.name, 0, 0, "the file is empty");
    return aml_help(AML_EDATA, "there is no header and no row", "check how it was written");
}

static const char *separator_name(char separator) {
    return separator == ';'    ? "semicolons"
           : separator == '\t' ? "tabs"
           : separator == '|'  ? "bars"
           : separator == ','  ? "commas"
                               : "what its first line says";
}

static size_t count_feeds(const char *text, size_t length) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) n += text[i] == '\n' || text[i] == '\r';
    return n;
}

/* Separator, quote and escape. */
static void find_marks(csv_dialect *d, const char *text, size_t length, const aml_csv_options *o) {
    char named = o->separator ? 0 : csv_named_separator(text, length);
    d->quote = o->quote == '\1' ? 0 : o->quote ? o->quote : '"';
    d->escape = o->escape == '\1' ? 0 : o->escape;
    d->thousands = o->thousands;
    d->separator = o->separator ? o->separator : named;
    if (!d->separator) d->separator = csv_find_separator(text, length, d->quote, d->escape);
    if (o->escape || !(d->escape = csv_find_escape(text, length, d))) return;
    if (!o->separator && !named)
        d->separator = csv_find_separator(text, length, d->quote, d->escape);
}

static void skip_head(csv_reader *r) {
    csv_window *w = &r->first;
    size_t lines, shown, bytes;
    if (r->options->skip_lines || !w->filled) return;
    bytes = csv_find_head(&lines, w->text, w->filled, &r->dialect, r->options->header);
    if (!bytes) return;
    for (shown = 0; shown < bytes && csv_ends_line(w->text, shown); shown++) {}
    size_t size = strcspn(w->text + shown, "\r\n");
    aml_printable(r->head_text, sizeof r->head_text, w->text + shown, size, 30);
    r->found_head = true;
    csv_stream_skip(&r->stream, w, bytes, lines);
}

/* The first window: enough rows to judge by. */
static aml_status read_first(csv_reader *r) {
    csv_stream *s = &r->stream;
    csv_window *w = &r->first;
    const aml_csv_options *o = r->options;
    size_t want =
        s->window_bytes > CSV_SAMPLE_BYTES || o->window_bytes ? s->window_bytes : CSV_SAMPLE_BYTES;
    if (csv_stream_size(s) && csv_stream_size(s) < want) want = csv_stream_size(s) + 1;
    AML_TRY(csv_stream_fill(s, w, want));
    if (count_feeds(w->text, w->filled) < FEW_ROWS && !w->last)
        AML_TRY(csv_stream_fill(s, w, 4 * want));
    if (w->filled == 0 && !s->bom) return fail_empty(r);
    AML_TRY(csv_check_text(w->text, w->filled, w->last, s->name, s->n_lines + 1));
    find_marks(&r->dialect, w->text, w->filled, o);
    skip_head(r);
    s->dialect = r->dialect;
    if (w->filled) AML_TRY(csv_stream_cut(s, w));
    /* A record that is longer than what was looked at has been read on. */
    if (!w->marks.any_high && !w->marks.any_nul) return AML_OK;
    return csv_check_text(w->text, w->length, true, s->name, w->lines_before + 1);
}

static aml_status take_sample(csv_reader *r) {
    csv_sample *s = &r->sample;
    AML_TRY(
        csv_rows_find(&s->rows, &r->first, &r->dialect, 0, CSV_RAGGED_ERROR, r->options->account));
    if (s->rows.n == 0) return fail_no_header(r);
    s->window = &r->first;
    s->dialect = &r->dialect;
    s->n_rows = s->rows.n < SAMPLE_ROWS ? s->rows.n : SAMPLE_ROWS;
    s->width = r->width = s->rows.next[0] - s->rows.first[0];
    return AML_OK;
}

static bool is_number_or_date(csv_cell c, char decimal) {
    double x;
    return csv_number(&x, c.text, c.size, decimal) ||
           csv_datetime(&x, c.text, c.size, false, false) ||
           csv_datetime(&x, c.text, c.size, true, false);
}

/* Rows but the first and the last few of a whole file; a few words among numbers may be remarks. */
static bool has_numbers(const csv_sample *s, size_t column, char decimal) {
    size_t numbers = 0, words = 0;
    for (size_t i = 1; i < s->n_rows && i < TAIL_ROWS; i++) {
        csv_cell c = csv_sample_cell(s, i, column);
        if (aml_is_missing_text(c.text, c.size) || csv_missing_number(c.text, c.size)) continue;
        *(is_number_or_date(c, decimal) ? &numbers : &words) += 1;
    }
    return numbers > words;
}

/* Not in the last rows, which may be totals. */
static bool has_totals(const csv_sample *s) {
    for (size_t i = 1; i + CSV_TAIL_LINES < s->n_rows && i < TAIL_ROWS; i++) {
        csv_cell c = {0};
        for (size_t j = 0; j < s->width && !c.size; j++) c = csv_sample_cell(s, i, j);
        if (csv_is_total(c.text, c.size)) return true;
    }
    return false;
}

/* What the last lines are is judged when they are there; that may be now. */
static aml_status find_tail(csv_reader *r) {
    csv_tail *t = &r->stream.tail;
    bool *numbers = AML_ARRAY(r->work, r->width, bool);
    if (!numbers) return AML_ENOMEM;
    for (size_t j = 0; j < r->width; j++)
        numbers[j] = has_numbers(&r->sample, j, r->dialect.decimal);
    t->numbers = numbers;
    t->totals = has_totals(&r->sample);
    t->width = r->width;
    if (!r->first.last) return AML_OK;
    csv_stream_trim(&r->stream, &r->first);
    return t->found ? take_sample(r) : AML_OK;
}

static aml_status check_header(csv_reader *r) {
    const csv_rows *rows = &r->sample.rows;
    csv_flaw f = rows->flaw;
    if (f.kind == CSV_FINE || f.kind == CSV_WIDTH || rows->n == 0) return AML_OK;
    if (f.at >= rows->start[0] && rows->n > 1 && f.at >= rows->start[1]) return AML_OK;
    csv_place(&f.line, &f.column, r->first.text, f.at);
    f.line += r->first.lines_before;
    return csv_explain_flaw(r, &f);
}

/* What was guessed, in one line. */
static aml_status note_dialect(csv_reader *r) {
    const aml_csv_options *o = r->options;
    const csv_dialect *d = &r->dialect;
    char text[300];
    int n = 0;
    const int room = sizeof text;
    if (!o->separator && d->separator != ',')
        n += snprintf(text + n, (size_t)(room - n), ", fields are separated by %s",
                      separator_name(d->separator));
    if (!o->decimal && d->decimal == ',')
        n += snprintf(text + n, (size_t)(room - n), ", numbers have a decimal comma");
    if (!o->escape && d->escape)
        n += snprintf(text + n, (size_t)(room - n), ", quotes are escaped by a backslash");
    if (r->found_head)
        n += snprintf(text + n, (size_t)(room - n),
                      ", %zu line%s above the header %s left out (`%s`; --skip-lines 0 reads %s)",
                      r->stream.skip_lines, r->stream.skip_lines == 1 ? "" : "s",
                      r->stream.skip_lines == 1 ? "is" : "are", r->head_text,
                      r->stream.skip_lines == 1 ? "it" : "them");
    return n ? csv_note(r, "%s", text + 2) : AML_OK;
}

aml_status csv_begin(csv_reader *r) {
    const aml_csv_options *o = r->options;
    AML_TRY(read_first(r));
    if (r->first.length == 0) return fail_no_header(r);
    AML_TRY(take_sample(r));
    AML_TRY(check_header(r));
    bool commas = r->dialect.separator != ',' || r->first.marks.any_quote || r->dialect.escape;
    r->dialect.decimal = o->decimal ? o->decimal
                         : commas   ? csv_find_decimal(&r->sample, &r->dialect)
                                    : '.';
    r->stream.dialect = r->dialect;
    if (r->width > TAIL_COLUMNS) r->stream.find_tail = false;
    if (r->stream.find_tail) AML_TRY(find_tail(r));
    r->header = o->header > 0 || (o->header == 0 && o->schema);
    if (o->header == 0 && !o->schema) r->header = csv_find_header(&r->sample, r->dialect.decimal);
    AML_TRY(csv_rows_find(&r->first_rows, &r->first, &r->dialect, r->width, o->ragged, o->account));
    if (r->header) csv_rows_drop_first(&r->first_rows);
    return note_dialect(r);
}
