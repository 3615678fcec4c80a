/* table.h: aligned tables, and texts made fit for a terminal. */
#ifndef AML_CLI_TABLE_H
#define AML_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Copies a UTF-8 text with control and bidi characters escaped, cut where `out` is full. Returns
 * out. */
char *cli_clean(char *out, size_t size, const char *text);
void cli_put_word(FILE *out, const char *word); /* as the shell reads it back */

/* Terminal columns of a text: wide characters 2, combining ones 0. */
size_t cli_text_width(const char *text);

/* Bytes of the longest beginning of a text that fits in `columns`. */
size_t cli_text_cut(const char *text, size_t columns);

/* Prints a text from column `at` on, wrapped at blanks, further lines indented, and a line end. */
void cli_wrap(FILE *out, const char *text, size_t at, size_t indent, size_t width);

/* Texts for people; out has 32 bytes and is returned. NAN gives "". */
enum { CLI_NUMBER = 32 };
char *cli_number(char *out, double x); /* 5 significant digits */
char *cli_rough(char *out, double x);  /* 2 significant digits */
char *cli_fixed(char *out, double x, int decimals);
char *cli_brief(char *out, double x);     /* "<0.001" "0.012" "1.23" "12.3" "123" */
char *cli_bytes(char *out, double bytes); /* "12.3 KiB" */
char *cli_count(char *out, size_t n);     /* "12345", "" for 0 */

/* A table that is filled cell by cell, row by row. Columns without any text are not printed. */
typedef struct cli_column {
    const char *heading;
    bool right;
} cli_column;
typedef struct cli_table cli_table;

cli_table *cli_table_new(const cli_column *columns, size_t n); /* NULL when memory is short */
void cli_table_put(cli_table *t, const char *cell); /* copied; NULL is fine, for t as well */
/* Lines no wider than `width` where cutting the last column is enough (down to 20). Frees the
 * table. False when memory was short. */
bool cli_table_print(cli_table *t, FILE *out, size_t width, bool colour);

#endif
