/* csv.c: CSV text to a frame, stage by stage. */
#include "automl/core/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_columns.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"

enum { NOTES = 32, NAMED = 5 };

aml_status csv_note(csv_reader *r, const char *format, ...) {
    char text[512];
    va_list args;
    if (!r->notes && !(r->notes = AML_ARRAY(r->keep, NOTES, const char *))) return AML_ENOMEM;
    if (r->n_notes == NOTES) return AML_OK;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *note = aml_strdup(r->keep, text);
    if (!note) return AML_ENOMEM;
    r->notes[r->n_notes++] = note;
    return AML_OK;
}

static bool has_amounts(const csv_column *c) { return c->amounts; }

aml_status csv_note_columns(csv_reader *r, csv_column_test *test, const char *before,
                            const char *after) {
    char list[400] = "", name[160];
    size_t count = 0, n = 0;
    for (size_t k = 0; k < r->n_columns; k++) {
        const csv_column *c = &r->columns[k];
        if (!test(c) || count++ >= NAMED) continue;
        aml_printable(name, sizeof name, c->name, strlen(c->name), 30);
        const char *unit = test == has_amounts ? c->texts->unit : "";
        n += (size_t)snprintf(list + n, sizeof list - n, "%s`%.60s`%s%s", n ? ", " : "", name,
                              *unit ? " in " : "", unit);
    }
    if (count == 0) return AML_OK;
    if (count > NAMED) snprintf(list + n, sizeof list - n, " and %zu more", count - NAMED);
    return csv_note(r, "%s %s %s", before, list, after);
}

/* ---- kinds */

static void judge_column(csv_reader *r, csv_column *c, int n_threads) {
    const csv_blocks *blocks = c->mixed ? &r->again : &r->blocks;
    if (c->number) c->kind = AML_NUMBER;
    else if (csv_gather(c, blocks, r->n_rows, r->n_threads, n_threads))
        csv_judge(c, r->n_rows, &r->dialect, n_threads);
    else c->verdict = CSV_SHORT_OF_MEMORY;
    if (c->verdict == CSV_GOOD) c->form = csv_find_form(c, r->n_rows);
}

/* Columns side by side; of plain ones each cell is looked at: where they are few, the threads share each. */
typedef struct judging {
    csv_reader *r;
    const bool *shared; /* by column */
} judging;

static void judge_columns(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const judging *j = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++)
        if (!j->shared[k]) judge_column(j->r, &j->r->columns[k], 1);
}

static aml_status judge_all(csv_reader *r) {
    int n_threads = r->options->n_threads;
    size_t n_plain = 0;
    bool *shared = AML_ARRAY(r->work, r->n_columns, bool);
    if (!shared) return AML_ENOMEM;
    for (size_t k = 0; k < r->n_columns; k++) n_plain += r->columns[k].plain;
    for (size_t k = 0; k < r->n_columns; k++)
        shared[k] = r->columns[k].plain && n_plain < r->n_threads;
    aml_par_for(n_threads, r->n_columns, 1, judge_columns, &(judging){r, shared});
    for (size_t k = 0; k < r->n_columns; k++)
        if (shared[k]) judge_column(r, &r->columns[k], n_threads);
    return AML_OK;
}

static bool has_bad_dates(const csv_column *c) {
    return c->kind == AML_DATETIME && c->texts->n_bad;
}
static bool has_ambiguous_dates(const csv_column *c) {
    return c->kind == AML_DATETIME && c->ambiguous_date;
}
static bool has_mostly_numbers(const csv_column *c) { return c->mostly_numbers; }
static bool has_long_integers(const csv_column *c) {
    return c->kind == AML_NUMBER && c->long_integer;
}
static bool is_made_up(const csv_column *c) { return c->unnamed; }

static aml_status note_kinds(csv_reader *r) {
    AML_TRY(csv_note_columns(r, is_made_up, "the header has no name for the columns read as",
                             "(named by their place)"));
    AML_TRY(csv_note_columns(r, has_mostly_numbers,
                             "mostly numbers, but with other text, so not read as numbers:", ""));
    AML_TRY(csv_note_columns(r, has_amounts, "amounts are read as numbers:",
                             "(--thousands none, or a kind in --schema, keeps them as text)"));
    AML_TRY(csv_note_columns(r, has_long_integers,
                             "whole numbers beyond 2^53 lose their last digits in", ""));
    AML_TRY(
        csv_note_columns(r, has_bad_dates, "cells that are no dates are read as missing in", ""));
    return csv_note_columns(r, has_ambiguous_dates,
                            "day and month could be swapped in the dates of", "");
}

/* A separator at the end of every line makes an empty column without a name. */
static aml_status drop_trailing(csv_reader *r) {
    const csv_column *last = r->n_columns ? &r->columns[r->n_columns - 1] : NULL;
    if (!last || r->options->schema || r->n_columns < 2 || !last->unnamed) return AML_OK;
    if (last->n_missing < r->n_rows) return AML_OK;
    csv_column_free(&r->columns[--r->n_columns], r->n_threads);
    return csv_note(
        r, "every line ends with a separator: the empty column %zu without a name was dropped",
        last->field + 1);
}

static aml_status find_kinds(csv_reader *r) {
    AML_TRY(judge_all(r));
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        size_t line = 0, column = 0;
        if (c->verdict == CSV_GOOD) continue;
        if (c->verdict != CSV_SHORT_OF_MEMORY)
            csv_locate(&line, &column, r, c->texts->bad_row, c->field);
        return csv_explain_column(c, r->n_rows, r->stream.name, line, column);
    }
    AML_TRY(drop_trailing(r));
    return note_kinds(r);
}

/* ---- frame and report */

/* Row i is on line i + that of the first. */
static bool lines_count_up(const csv_reader *r) {
    for (size_t b = 0; b < r->blocks.n; b++)
        if (!r->blocks.at[b].plain ||
            r->blocks.at[b].line != r->blocks.at[0].line + r->blocks.at[b].row)
            return false;
    return true;
}

static void number_lines(uint64_t *line, const csv_reader *r) {
    for (size_t b = 0; b < r->blocks.n; b++) {
        const csv_block *block = &r->blocks.at[b];
        for (size_t i = 0; i < block->n_rows; i++)
            line[block->row + i] = block->line + (block->plain ? i : block->lines[i]);
    }
}

static aml_status make_frame(aml_frame **out, csv_reader *r) {
    aml_frame *f = AML_NEW(r->keep, aml_frame);
    aml_column *columns = AML_ARRAY(r->keep, r->n_columns, aml_column);
    char *source = aml_strdup(r->keep, r->stream.name);
    if (!f || !columns || !source) return AML_ENOMEM;
    size_t first_line = r->blocks.n ? r->blocks.at[0].line : 0;
    uint64_t *line = NULL;
    if (!lines_count_up(r)) {
        line = aml_alloc_raw(r->keep, r->n_rows, sizeof *line);
        if (!line) return AML_ENOMEM;
        number_lines(line, r);
    }
    bool schema = r->options->schema != NULL;
    if (schema && !(r->unseen = AML_ARRAY(r->keep, r->n_columns, aml_csv_unseen)))
        return AML_ENOMEM;
    for (size_t k = 0; k < r->n_columns; k++) {
        if (schema) AML_TRY(csv_find_unseen(&r->unseen[k], &r->columns[k], r->n_threads, r->keep));
        AML_TRY(csv_finish(&columns[k], &r->columns[k], r->n_rows, r->keep));
        csv_column_free(&r->columns[k], r->n_threads);
    }
    *f = (aml_frame){.n = r->n_rows,
                     .p = r->n_columns,
                     .columns = columns,
                     .line = line,
                     .first_line = first_line,
                     .source = source,
                     .no_header = !r->header,
                     .arena = r->keep};
    *out = f;
    return AML_OK;
}

static const char *line_end(const csv_reader *r) {
    int kinds = (r->n_feed > 0) + (r->n_pair > 0) + (r->n_carriage > 0);
    if (kinds > 1) return "mixed";
    return r->n_pair ? "CRLF" : r->n_carriage ? "CR" : "LF";
}

static aml_status note_tail(csv_reader *r) {
    const csv_tail *t = &r->stream.tail;
    if (!t->found) return AML_OK;
    return csv_note(r, "%zu line%s at the end %s left out (`%s`; --skip-footer 0 reads %s)",
                    t->found, t->found == 1 ? "" : "s", t->found == 1 ? "is" : "are", t->text,
                    t->found == 1 ? "it" : "them");
}

static aml_status note_lines(csv_reader *r) {
    AML_TRY(note_tail(r));
    if (r->n_blank == 1) AML_TRY(csv_note(r, "1 blank line was skipped"));
    if (r->n_blank > 1) AML_TRY(csv_note(r, "%zu blank lines were skipped", r->n_blank));
    if (r->n_ragged)
        AML_TRY(
            csv_note(r, "%zu row%s not as many fields as the header: %s", r->n_ragged,
                     r->n_ragged == 1 ? " has" : "s have",
                     r->options->ragged == CSV_RAGGED_SKIP ? "left out" : "filled up or cut off"));
    if (strcmp(line_end(r), "mixed")) return AML_OK;
    return csv_note(r, "line ends are mixed: %zu LF, %zu CRLF, %zu CR", r->n_feed, r->n_pair,
                    r->n_carriage);
}

static void fill_report(aml_csv_report *report, const csv_reader *r) {
    *report = (aml_csv_report){.separator = r->dialect.separator,
                               .decimal = r->dialect.decimal,
                               .escape = r->dialect.escape,
                               .skip_lines = r->stream.skip_lines,
                               .skip_footer = r->stream.find_tail ? r->stream.tail.found
                                                                  : r->stream.skip_footer,
                               .header = r->header,
                               .bom = r->stream.bom,
                               .compression = r->stream.compression,
                               .line_end = line_end(r),
                               .n_bytes = r->stream.n_bytes,
                               .n_blank_lines = r->n_blank,
                               .n_ignored = r->n_ignored,
                               .ignored = r->ignored,
                               .notes = r->notes,
                               .n_notes = r->n_notes,
                               .unseen = r->unseen};
}

static int by_field(const void *a, const void *b, void *arg) {
    const csv_column *x = *(csv_column *const *)a, *y = *(csv_column *const *)b;
    (void)arg;
    return (x->field > y->field) - (x->field < y->field);
}

static aml_status order_columns(csv_reader *r) {
    r->by_field = AML_ARRAY(r->work, r->n_columns, csv_column *);
    if (!r->by_field) return AML_ENOMEM;
    for (size_t k = 0; k < r->n_columns; k++) r->by_field[k] = &r->columns[k];
    return aml_sort(r->by_field, r->n_columns, sizeof *r->by_field, by_field, NULL);
}

static aml_status run(aml_frame **out, csv_reader *r) {
    AML_TRY(csv_begin(r));
    AML_TRY(csv_name_fields(r));
    AML_TRY(csv_choose_columns(r));
    AML_TRY(order_columns(r));
    AML_TRY(csv_fill(r));
    AML_TRY(find_kinds(r));
    AML_TRY(note_lines(r));
    return make_frame(out, r);
}

static void free_blocks(csv_blocks *blocks) {
    for (size_t b = 0; b < blocks->n; b++) aml_free(blocks->at[b].lines);
    aml_free(blocks->at);
}

static void free_reader(csv_reader *r) {
    for (size_t k = 0; k < r->n_columns; k++) csv_column_free(&r->columns[k], r->n_threads);
    free_blocks(&r->blocks);
    free_blocks(&r->again);
    csv_window_free(&r->first, r->options->account);
    csv_rows_free(&r->first_rows, r->options->account);
    csv_rows_free(&r->sample.rows, r->options->account);
    csv_stream_close(&r->stream);
    aml_arena_free(r->work);
}

static aml_status read_stream(aml_frame **out, aml_csv_report *report, csv_reader *r) {
    int threads = r->options->n_threads;
    r->n_threads = threads > 1 ? (size_t)threads : 1;
    if (csv_stream_size(&r->stream) && csv_stream_size(&r->stream) < CSV_SAMPLE_BYTES)
        r->n_threads = 1;
    r->keep = aml_arena_new(r->options->account);
    r->work = aml_arena_new(r->options->account);
    aml_status status = r->keep && r->work ? run(out, r) : AML_ENOMEM;
    if (!status && report) fill_report(report, r);
    free_reader(r);
    if (status) {
        aml_arena_free(r->keep);
        *out = NULL;
    }
    return status;
}

static const aml_csv_options defaults = {0};

static aml_status read_opened(aml_frame **out, aml_csv_report *report, csv_reader *r,
                              aml_status opened) {
    if (!opened) return read_stream(out, report, r);
    csv_stream_close(&r->stream);
    return opened;
}

aml_status aml_csv_read(aml_frame **out, aml_csv_report *report, const char *path,
                        const aml_csv_options *options) {
    csv_reader r = {.options = options ? options : &defaults};
    *out = NULL;
    return read_opened(out, report, &r, csv_stream_open(&r.stream, path, r.options));
}

aml_status aml_csv_parse(aml_frame **out, aml_csv_report *report, const char *text, size_t length,
                         const char *source, const aml_csv_options *options) {
    csv_reader r = {.options = options ? options : &defaults};
    *out = NULL;
    return read_opened(out, report, &r,
                       csv_stream_open_text(&r.stream, text, length, source, r.options));
}
