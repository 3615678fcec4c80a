/* csv.c: CSV text to a frame, stage by stage. */
#include "automl/core/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"
#include "automl/core/par.h"

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

aml_status csv_note_columns(csv_reader *r, csv_column_test *test, const char *before,
                            const char *after) {
    char list[400] = "", name[160];
    size_t count = 0, n = 0;
    for (size_t k = 0; k < r->n_columns; k++) {
        const csv_column *c = &r->columns[k];
        if (!test(c) || count++ >= NAMED) continue;
        aml_printable(name, sizeof name, c->name, strlen(c->name), 30);
        n += (size_t)snprintf(list + n, sizeof list - n, "%s`%.60s`", n ? ", " : "", name);
    }
    if (count == 0) return AML_OK;
    if (count > NAMED) snprintf(list + n, sizeof list - n, " and %zu more", count - NAMED);
    return csv_note(r, "%s %s %s", before, list, after);
}

/* ---- dialect */

static aml_status fail_no_header(const csv_reader *r) {
    aml_fail_at(AML_EDATA, r->source.name, 1, 0, "no header: the file has only blank lines");
    return aml_help(AML_EDATA, "the first line names the columns",
                    "check how the file was written");
}

static const char *separator_name(char separator) {
    return separator == ';'    ? "semicolons"
           : separator == '\t' ? "tabs"
           : separator == '|'  ? "bars"
                               : "commas";
}

static aml_status read_sample(csv_reader *r) {
    size_t end;
    csv_flaw flaw;
    const csv_block *first = r->index.blocks;
    r->width = csv_count_fields(&end, &r->source, first->at, r->index.separator);
    r->n_sample = first->n_rows;
    r->sample = aml_alloc_raw(r->work, r->n_sample * r->width, sizeof *r->sample);
    if (!r->sample) return AML_ENOMEM;
    csv_tokens(r->sample, NULL, &flaw, &r->source, &r->index, first, r->width);
    if (flaw.kind && flaw.at <= end && flaw.kind != CSV_WIDTH)
        return csv_explain_flaw(r, &flaw, flaw.count);
    return AML_OK;
}

static void limit_rows(csv_reader *r) {
    size_t most = r->options->max_rows;
    if (!most || r->index.n_rows <= most) return;
    r->index.blocks[r->index.n_blocks - 1].n_rows--; /* the index has one more for the header */
    r->index.n_rows--;
}

static aml_status find_dialect(csv_reader *r) {
    const aml_csv_options *o = r->options;
    char separator = o->separator ? o->separator : csv_find_separator(&r->source);
    AML_TRY(csv_index_build(&r->index, &r->source, separator, o->max_rows ? o->max_rows + 1 : 0));
    if (r->index.n_rows == 0) return fail_no_header(r);
    AML_TRY(read_sample(r));
    size_t cells = r->n_sample * r->width;
    r->decimal =
        o->decimal ? o->decimal : csv_find_decimal(&r->source, r->sample, cells, separator);
    r->header = o->header > 0 || (o->header == 0 && o->schema);
    if (o->header == 0 && !o->schema)
        r->header = csv_find_header(&r->source, r->sample, r->n_sample, r->width, r->decimal);
    if (r->header) csv_index_drop_first(&r->index, &r->source);
    limit_rows(r);
    if (!o->separator && (separator != ',' || r->decimal != '.'))
        return csv_note(r, "fields are separated by %s%s", separator_name(separator),
                        r->decimal == ',' ? ", numbers have a decimal comma" : "");
    return AML_OK;
}

/* ---- kinds */

static void judge_columns(void *arg, size_t block, size_t begin, size_t end, int thread) {
    csv_reader *r = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++) {
        csv_column *c = &r->columns[k];
        if (c->ref) {
            csv_judge(c, r->source.text, r->index.n_rows, r->decimal);
        } else {
            c->kind = AML_NUMBER;
            csv_judge_numbers(c, r->index.n_rows);
        }
    }
}

static bool has_bad_dates(const csv_column *c) { return c->kind == AML_DATETIME && c->n_bad; }
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
    if (last->n_missing < r->index.n_rows) return AML_OK;
    r->n_columns--;
    return csv_note(
        r, "every line ends with a separator: the empty column %zu without a name was dropped",
        last->field + 1);
}

static aml_status find_kinds(csv_reader *r) {
    aml_par_for(r->options->n_threads, r->n_columns, 1, judge_columns, r);
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        size_t line = 0, column = 0;
        if (c->verdict == CSV_GOOD) continue;
        csv_place(&line, &column, &r->source, &r->index, csv_ref_at(c->bad));
        return csv_explain_column(c, r->source.text, r->index.n_rows, r->source.name, line, column);
    }
    AML_TRY(drop_trailing(r));
    return note_kinds(r);
}

/* ---- frame and report */

static aml_status make_frame(aml_frame **out, csv_reader *r) {
    aml_frame *f = AML_NEW(r->keep, aml_frame);
    aml_column *columns = AML_ARRAY(r->keep, r->n_columns, aml_column);
    char *source = aml_strdup(r->keep, r->source.name);
    if (!f || !columns || !source) return AML_ENOMEM;
    for (size_t k = 0; k < r->n_columns; k++) {
        AML_TRY(csv_finish(&columns[k], &r->columns[k], r->source.text, r->index.n_rows, r->keep));
        csv_column_free(&r->columns[k]);
    }
    *f = (aml_frame){.n = r->index.n_rows,
                     .p = r->n_columns,
                     .columns = columns,
                     .line = r->line,
                     .source = source,
                     .no_header = !r->header,
                     .arena = r->keep};
    *out = f;
    return AML_OK;
}

static const char *line_end(const csv_index *x) {
    int kinds = (x->n_lf > 0) + (x->n_crlf > 0) + (x->n_cr > 0);
    if (kinds > 1) return "mixed";
    return x->n_crlf ? "CRLF" : x->n_cr ? "CR" : "LF";
}

static aml_status note_lines(csv_reader *r) {
    const csv_index *x = &r->index;
    if (x->n_blank == 1) AML_TRY(csv_note(r, "1 blank line was skipped"));
    if (x->n_blank > 1) AML_TRY(csv_note(r, "%zu blank lines were skipped", x->n_blank));
    if (strcmp(line_end(x), "mixed")) return AML_OK;
    return csv_note(r, "line ends are mixed: %zu LF, %zu CRLF, %zu CR", x->n_lf, x->n_crlf,
                    x->n_cr);
}

static void fill_report(aml_csv_report *report, const csv_reader *r) {
    *report = (aml_csv_report){.separator = r->index.separator,
                               .decimal = r->decimal,
                               .header = r->header,
                               .bom = r->source.bom,
                               .compression = r->source.compression,
                               .line_end = line_end(&r->index),
                               .n_bytes = r->source.length + (r->source.bom ? 3 : 0),
                               .n_blank_lines = r->index.n_blank,
                               .n_ignored = r->n_ignored,
                               .ignored = r->ignored,
                               .notes = r->notes,
                               .n_notes = r->n_notes};
}

static aml_status run(aml_frame **out, csv_reader *r) {
    AML_TRY(find_dialect(r));
    AML_TRY(csv_name_fields(r));
    AML_TRY(csv_choose_columns(r));
    AML_TRY(csv_fill(r));
    AML_TRY(find_kinds(r));
    AML_TRY(note_lines(r));
    return make_frame(out, r);
}

static aml_status read_loaded(aml_frame **out, aml_csv_report *report, csv_reader *r) {
    r->keep = aml_arena_new(r->options->account);
    r->work = aml_arena_new(r->options->account);
    aml_status status = r->keep && r->work ? run(out, r) : AML_ENOMEM;
    if (!status && report) fill_report(report, r);
    for (size_t k = 0; k < r->n_columns; k++) csv_column_free(&r->columns[k]);
    csv_index_free(&r->index);
    aml_arena_free(r->work);
    if (status) aml_arena_free(r->keep);
    return status;
}

static const aml_csv_options defaults = {0};

static aml_status read_source(aml_frame **out, aml_csv_report *report, csv_reader *r,
                              aml_status loaded) {
    aml_status status = loaded ? loaded : read_loaded(out, report, r);
    csv_unload(&r->source);
    return status;
}

aml_status aml_csv_read(aml_frame **out, aml_csv_report *report, const char *path,
                        const aml_csv_options *options) {
    csv_reader r = {.options = options ? options : &defaults};
    *out = NULL;
    return read_source(out, report, &r, csv_load_file(&r.source, path, r.options->account));
}

aml_status aml_csv_parse(aml_frame **out, aml_csv_report *report, const char *text, size_t length,
                         const char *source, const aml_csv_options *options) {
    csv_reader r = {.options = options ? options : &defaults};
    *out = NULL;
    return read_source(out, report, &r,
                       csv_load_text(&r.source, text, length, source, r.options->account));
}
