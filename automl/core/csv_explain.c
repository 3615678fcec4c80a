/* csv_explain.c: what is wrong with a file, in words: what, where, why, and what to do. */
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"

enum { SHOWN = 60 };

static const char *quantity(char out[48], size_t n, const char *what) {
    snprintf(out, 48, "%zu %s%s", n, what, n == 1 ? "" : "s");
    return out;
}

/* Rows agree with each other, only the line above them does not. */
static bool is_title(const csv_reader *r, const csv_flaw *f) {
    return r->header && r->width == 1 && f->fields > 1 && f->count == r->n_rows;
}

static aml_status explain_title(const csv_reader *r, const csv_flaw *f) {
    aml_fail_at(AML_EDATA, r->stream.name, 1, 1, "line 1 has 1 field, the lines below it have %zu",
                f->fields);
    return aml_help(AML_EDATA,
                    "the first line must be the header; this looks like a title or a comment",
                    "leave it out with --skip-lines 1, or remove the lines above the header");
}

static aml_status explain_width(const csv_reader *r, const csv_flaw *f, size_t line, size_t column,
                                size_t more) {
    char found[48], others[80] = "";
    bool longer = f->fields > r->width;
    quantity(found, f->fields, "field");
    aml_fail_at(AML_EDATA, r->stream.name, line, column, "row has %s, %s has %zu", found,
                r->header ? "the header" : "the first line", r->width);
    if (more)
        snprintf(others, sizeof others, "; %zu more %s this problem", more,
                 more == 1 ? "row has" : "rows have");
    if (longer && r->dialect.separator == ',')
        return aml_help(AML_EDATA, "a row must have as many fields as the header",
                        "quote a field that holds a comma; numbers with a decimal comma need "
                        "another separator%s",
                        others);
    return aml_help(AML_EDATA, "a row must have as many fields as the header", "%s%s",
                    longer ? "quote a field that holds the separator"
                           : "complete the row or remove it",
                    others);
}

aml_status csv_fail_long_field(const char *source, size_t line, size_t column) {
    aml_fail_at(AML_EDATA, source, line, column, "field is longer than the limit of %d MiB",
                CSV_FIELD_LIMIT >> 20);
    return aml_help(AML_EDATA, "a quote or a line end may be missing", "check this line");
}

aml_status csv_explain_flaw(const csv_reader *r, const csv_flaw *f) {
    size_t line = f->line, column = f->column;
    if (f->kind == CSV_WIDTH)
        return is_title(r, f) ? explain_title(r, f)
                              : explain_width(r, f, line, column, f->count - 1);
    if (f->kind == CSV_LONG_FIELD) return csv_fail_long_field(r->stream.name, line, column);
    aml_fail_at(AML_EDATA, r->stream.name, line, column, "text after closing quote");
    return aml_help(AML_EDATA, "a quoted field ends with its quote",
                    "write a quote inside a quoted field twice (\"\"), or quote the whole field; "
                    "where backslashes stand before quotes, use --escape '\\'");
}

static aml_status explain_stray(const csv_column *c, const char *name, const char *shown,
                                bool header, size_t n, const char *source, size_t line,
                                size_t column) {
    char why[160];
    snprintf(why, sizeof why, "all but %zu of its %zu cells are numbers or missing",
             c->texts->n_bad, n);
    if (header) {
        aml_fail_at(AML_EDATA, source, line, column,
                    "the header comes again here: `%s` in a column of numbers", shown);
        return aml_help(AML_EDATA, why,
                        "remove the line; files are joined without their header lines");
    }
    aml_fail_at(AML_EDATA, source, line, column, "text `%s` in the column of numbers `%s`", shown,
                name);
    return aml_help(AML_EDATA, why, "correct the cell, empty it (missing), or remove the line");
}

aml_status csv_explain_column(const csv_column *c, size_t n, const char *source, size_t line,
                              size_t column) {
    char shown[4 * SHOWN + 8], name[4 * SHOWN + 8];
    const char *bad = c->texts->bad ? c->texts->bad : "";
    size_t size = c->texts->bad_size;
    aml_printable(shown, sizeof shown, bad, size, SHOWN);
    aml_printable(name, sizeof name, c->name, strlen(c->name), SHOWN);
    switch (c->verdict) {
    case CSV_GOOD: return AML_OK;
    case CSV_SHORT_OF_MEMORY:
        return aml_fail(AML_ENOMEM, "out of memory for the column `%s` of %s", name, source);
    case CSV_INFINITE_CELL:
        aml_fail_at(AML_EDATA, source, line, column, "`%s` in the column of numbers `%s`", shown,
                    name);
        return aml_help(AML_EDATA, "numbers must be finite",
                        "empty the cell (missing), or write a finite number");
    case CSV_OVERFLOW_CELL:
        aml_fail_at(AML_EDATA, source, line, column, "overflow: `%s` in the column `%s`", shown,
                    name);
        return aml_help(AML_EDATA, "it is beyond the range of double precision, about 1.8e308",
                        "correct the number");
    case CSV_THOUSANDS_CELL:
        aml_fail_at(AML_EDATA, source, line, column,
                    "thousands separator: `%s` in the column of numbers `%s`", shown, name);
        return aml_help(
            AML_EDATA, "only a few numbers of the column are written so",
            "write it as digits: 1234567, or say that all such numbers are meant: --thousands ,");
    case CSV_OTHER_UNIT:
        aml_fail_at(AML_EDATA, source, line, column,
                    "`%s` in the column `%s`, which is known in %s", shown, name,
                    c->schema->unit ? c->schema->unit : "plain numbers");
        return aml_help(AML_EDATA, "numbers in another unit would be taken for the known one",
                        "convert the column, or write its numbers without units");
    case CSV_BAD_DATES:
        aml_fail_at(AML_EDATA, source, line, column, "`%s` in the column of dates `%s`", shown,
                    name);
        return aml_help(AML_EDATA, "most of its cells are no dates",
                        "write dates as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss");
    case CSV_STRAY_TEXT: break;
    }
    bool header = strlen(c->name) == size && !memcmp(c->name, bad, size);
    return explain_stray(c, name, shown, header, n, source, line, column);
}
