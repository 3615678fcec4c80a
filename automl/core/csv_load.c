/* csv_load.c: the text of a CSV file in memory; bytes that cannot be CSV are refused as they arrive. */
#include <stdio.h>
#include <string.h>

#include "automl/core/csv_internal.h"
#include "automl/core/io.h"

enum { CHUNK = 1 << 20 };

/* Progress of the checks over the bytes read so far. */
typedef struct checks {
    size_t checked;    /* bytes known to be UTF-8 */
    size_t line_start; /* last known line start */
} checks;

static aml_status grow(csv_source *s, size_t want) {
    AML_TRY(aml_memory_charge(s->account, want - s->room));
    char *more = aml_realloc(s->buffer, want);
    if (!more) {
        aml_memory_release(s->account, want - s->room);
        return AML_ENOMEM;
    }
    s->buffer = more;
    s->room = want;
    return AML_OK;
}

void csv_unload(csv_source *s) {
    aml_memory_release(s->account, s->room);
    aml_free(s->buffer);
    s->buffer = s->text = NULL;
    s->room = 0;
}

static void place(size_t *line, size_t *column, const char *text, size_t at) {
    size_t start = 0;
    *line = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] != '\n' && (text[i] != '\r' || text[i + 1] == '\n')) continue;
        ++*line;
        start = i + 1;
    }
    *column = 1;
    for (size_t i = start; i < at; i++) *column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

typedef struct magic {
    const char *bytes;
    size_t n;
    const char *what, *help;
} magic;

static const magic foreign[] = {
    {"PK\x03\x04", 4, "a zip archive or an Excel workbook (zip, xlsx)",
     "unpack it, or export the sheet as CSV"},
    {"PAR1", 4, "a Parquet file", "export it as CSV, for example with DuckDB or pandas"},
    {"SQLite format 3", 15, "an SQLite database",
     "export a table: sqlite3 -header -csv FILE 'select * from T'"},
    {"BZh", 3, "a bzip2 file", "unpack it with `bunzip2`, or pipe it: bunzip2 -c FILE"},
    {"\xFD"
     "7zXZ",
     5, "an xz file", "unpack it with `unxz`, or pipe it: xz -dc FILE"},
    {"\x04\x22\x4D\x18", 4, "an lz4 file", "unpack it with `unlz4`"},
    {"7z\xBC\xAF", 4, "a 7z archive", "unpack it"},
    {"ARROW1", 6, "an Arrow file", "export it as CSV"},
    {"\x89HDF", 4, "an HDF5 file", "export it as CSV"},
    {"\xD0\xCF\x11\xE0", 4, "an old Excel or Office file (xls)", "export the sheet as CSV"},
    {"%PDF-", 5, "a PDF document", "export its table as CSV"},
    {"\x1F\x8B", 2, "a gzip file within a gzip file", "unpack it once with `gunzip`"}};

static aml_status fail_utf16(const csv_source *s, size_t line, size_t column, const char *message,
                             const char *encoding) {
    aml_fail_at(AML_EDATA, s->name, line, column, "%s", message);
    return aml_help(AML_EDATA, "only UTF-8 text is read",
                    "convert it: iconv -f %s -t UTF-8 FILE > NEW", encoding);
}

static aml_status check_magic(csv_source *s, size_t length) {
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (length < foreign[i].n || memcmp(s->buffer, foreign[i].bytes, foreign[i].n)) continue;
        aml_fail_at(AML_EDATA, s->name, 0, 0, "this is %s, not CSV", foreign[i].what);
        return aml_help(AML_EDATA, "only CSV text is read, plain or compressed with gzip or zstd",
                        "%s", foreign[i].help);
    }
    if (length >= 2 && (!memcmp(s->buffer, "\xFF\xFE", 2) || !memcmp(s->buffer, "\xFE\xFF", 2)))
        return fail_utf16(s, 1, 1, "this file is UTF-16", "UTF-16");
    s->bom = length >= 3 && !memcmp(s->buffer, "\xEF\xBB\xBF", 3);
    return AML_OK;
}

static aml_status fail_nul(const csv_source *s, size_t at, size_t length) {
    size_t line, column, odd = 0, even = 0;
    place(&line, &column, s->buffer, at);
    for (size_t i = 0; i < length && i < 1000; i++)
        if (!s->buffer[i]) *(i & 1 ? &odd : &even) += 1;
    size_t seen = length < 1000 ? length : 1000;
    if (odd * 10 > seen * 4 && even * 10 < seen)
        return fail_utf16(s, line, column, "NUL byte: this looks like UTF-16", "UTF-16LE");
    if (even * 10 > seen * 4 && odd * 10 < seen)
        return fail_utf16(s, line, column, "NUL byte: this looks like UTF-16", "UTF-16BE");
    aml_fail_at(AML_EDATA, s->name, line, column, "NUL byte");
    return aml_help(AML_EDATA, "text does not hold NUL bytes: the file is damaged or is not CSV",
                    "export it again, or remove them: tr -d '\\000' < FILE > NEW");
}

static aml_status fail_utf8(const csv_source *s, size_t at) {
    size_t line, column;
    place(&line, &column, s->buffer, at);
    aml_fail_at(AML_EDATA, s->name, line, column, "byte 0x%02X is not UTF-8",
                (unsigned char)s->buffer[at]);
    return aml_help(AML_EDATA, "only UTF-8 is read; this may be Latin-1 (Windows) text",
                    "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW");
}

/* The last bytes may be the beginning of a character whose rest is still to come. */
static aml_status check(csv_source *s, checks *c, size_t length, bool end) {
    const char *fresh = s->buffer + c->checked;
    size_t n = length - c->checked;
    const char *nul = memchr(fresh, 0, n), *last = memrchr(fresh, '\n', n);
    if (nul) return fail_nul(s, (size_t)(nul - s->buffer), length);
    if (!last) last = memrchr(fresh, '\r', n);
    if (last) c->line_start = (size_t)(last - s->buffer) + 1;
    c->checked += aml_utf8_valid(fresh, n);
    if (c->checked < length && (end || length - c->checked >= 4)) return fail_utf8(s, c->checked);
    if (length - c->line_start <= CSV_LINE_LIMIT) return AML_OK;
    size_t line, column;
    place(&line, &column, s->buffer, c->line_start);
    aml_fail_at(AML_EDATA, s->name, line, 1, "line is longer than the limit of %d MiB",
                CSV_LINE_LIMIT >> 20);
    return aml_help(AML_EDATA, "no line end was found: this may not be CSV",
                    "check the line ends of the file");
}

static aml_status finish(csv_source *s, size_t length) {
    if (length == 0) {
        aml_fail_at(AML_EDATA, s->name, 0, 0, "the file is empty");
        return aml_help(AML_EDATA, "there is no header and no row", "check how it was written");
    }
    size_t skip = s->bom ? 3 : 0, room = length + CSV_PADDING;
    char *less = room < s->room ? aml_realloc(s->buffer, room) : NULL;
    if (less) {
        s->buffer = less;
        aml_memory_release(s->account, s->room - room);
        s->room = room;
    }
    memset(s->buffer + length, 0, CSV_PADDING);
    s->buffer[length] = '\n';
    s->text = s->buffer + skip;
    s->length = length - skip;
    return AML_OK;
}

static aml_status read_all(csv_source *s, aml_input *in) {
    checks c = {0};
    size_t length = 0, got = 1;
    while (got) {
        if (s->room < length + CHUNK + CSV_PADDING)
            AML_TRY(
                grow(s, length + (length / 4 > CHUNK ? length / 4 : CHUNK) + CHUNK + CSV_PADDING));
        AML_TRY(aml_input_read(in, s->buffer + length, CHUNK, &got));
        bool first = length == 0 && got;
        while (first && length + got < 16 && got) { /* enough to know a file by its first bytes */
            length += got;
            AML_TRY(aml_input_read(in, s->buffer + length, CHUNK - length, &got));
        }
        length += got;
        if (first) AML_TRY(check_magic(s, length));
        AML_TRY(check(s, &c, length, got == 0));
    }
    return finish(s, length);
}

aml_status csv_load_file(csv_source *s, const char *path, aml_memory *account) {
    aml_input *in;
    *s = (csv_source){.name = strcmp(path, "-") ? path : "standard input", .account = account};
    AML_TRY(aml_input_open(&in, path));
    const char *kind = aml_input_compression(in);
    s->compression = !strcmp(kind, "gzip") ? "gzip" : !strcmp(kind, "zstd") ? "zstd" : "none";
    aml_status status = read_all(s, in);
    aml_input_close(in);
    return status;
}

aml_status csv_load_text(csv_source *s, const char *text, size_t length, const char *name,
                         aml_memory *account) {
    checks c = {0};
    *s = (csv_source){.name = name, .account = account, .compression = "none"};
    AML_TRY(grow(s, length + CSV_PADDING));
    if (length) memcpy(s->buffer, text, length);
    AML_TRY(check_magic(s, length));
    AML_TRY(check(s, &c, length, true));
    return finish(s, length);
}
