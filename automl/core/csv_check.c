/* csv_check.c: bytes that cannot be CSV text are refused, with the way out. */
#include <string.h>

#include "automl/core/csv_internal.h"

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

static aml_status fail_utf16(const char *name, size_t line, size_t column, const char *message,
                             const char *encoding) {
    aml_fail_at(AML_EDATA, name, line, column, "%s", message);
    return aml_help(AML_EDATA, "text is read as UTF-8",
                    "read it with --encoding %s, or convert it: iconv -f %s -t UTF-8 FILE > NEW",
                    encoding, encoding);
}

aml_status csv_check_magic(const char *text, size_t length, const char *name) {
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (length < foreign[i].n || memcmp(text, foreign[i].bytes, foreign[i].n)) continue;
        aml_fail_at(AML_EDATA, name, 0, 0, "this is %s, not CSV", foreign[i].what);
        return aml_help(AML_EDATA, "only CSV text is read, plain or compressed with gzip or zstd",
                        "%s", foreign[i].help);
    }
    if (length >= 2 && (!memcmp(text, "\xFF\xFE", 2) || !memcmp(text, "\xFE\xFF", 2)))
        return fail_utf16(name, 1, 1, "this file is UTF-16", "UTF-16");
    return AML_OK;
}

static aml_status fail_nul(const char *text, size_t length, size_t at, const char *name,
                           size_t first_line) {
    size_t line, column, odd = 0, even = 0, seen = length < 1000 ? length : 1000;
    csv_place(&line, &column, text, at);
    line += first_line - 1;
    for (size_t i = 0; i < seen; i++)
        if (!text[i]) *(i & 1 ? &odd : &even) += 1;
    if (odd * 10 > seen * 4 && even * 10 < seen)
        return fail_utf16(name, line, column, "NUL byte: this looks like UTF-16", "UTF-16LE");
    if (even * 10 > seen * 4 && odd * 10 < seen)
        return fail_utf16(name, line, column, "NUL byte: this looks like UTF-16", "UTF-16BE");
    aml_fail_at(AML_EDATA, name, line, column, "NUL byte");
    return aml_help(AML_EDATA, "text does not hold NUL bytes: the file is damaged or is not CSV",
                    "export it again, or remove them: tr -d '\\000' < FILE > NEW");
}

static aml_status fail_utf8(const char *text, size_t at, const char *name, size_t first_line) {
    size_t line, column;
    csv_place(&line, &column, text, at);
    aml_fail_at(AML_EDATA, name, line + first_line - 1, column, "byte 0x%02X is not UTF-8",
                (unsigned char)text[at]);
    return aml_help(AML_EDATA, "text is read as UTF-8; this may be Latin-1 (Windows) text",
                    "read it with --encoding latin1, or convert it: iconv -f LATIN1 -t UTF-8 FILE "
                    "> NEW");
}

aml_status csv_check_text(const char *text, size_t length, bool end, const char *name,
                          size_t line) {
    const char *nul = memchr(text, 0, length);
    size_t sound = nul ? (size_t)(nul - text) : length, valid = aml_utf8_valid(text, sound);
    if (valid < sound && (end || nul || sound - valid >= 4))
        return fail_utf8(text, valid, name, line);
    return nul ? fail_nul(text, length, sound, name, line) : AML_OK;
}
