/* json.h: the one door to cJSON. Reading is strict (with comments allowed where asked), every
 * error has line and column; numbers keep their text, so that doubles round-trip exactly. Writing
 * goes through aml_string with aml_json_* helpers. */
#ifndef AML_CORE_JSON_H
#define AML_CORE_JSON_H

#include "automl/core/text.h"

typedef enum aml_json_type {
    AML_JSON_NULL,
    AML_JSON_FALSE,
    AML_JSON_TRUE,
    AML_JSON_NUMBER,
    AML_JSON_STRING,
    AML_JSON_ARRAY,
    AML_JSON_OBJECT
} aml_json_type;

/* A parsed value; children are a list. Lives in the arena it was parsed into. */
typedef struct aml_json {
    aml_json_type type;
    const char *name;   /* key within an object, else NULL */
    const char *string; /* STRING: UTF-8 text without NUL; NUMBER: its literal as written */
    double number;
    struct aml_json *child, *next;
    size_t size;                 /* number of children */
    size_t line, column;         /* of the value in the source */
    size_t key_line, key_column; /* of its key; 0 without one */
    const char *file;            /* the source: a path, or what else it is */
    bool
        untyped; /* a STRING from outside the document, which may stand for a number or a flag (json_edit.h) */
} aml_json;

enum { AML_JSON_COMMENTS = 1 /* allow // and block comments */ };

/* Parses a whole document. `file` only names the source in errors. Rejected with `status` (AML_EDATA or
 * AML_ECONFIG): invalid JSON or UTF-8, NUL or lone surrogates, duplicate keys, depth over 128, trailing
 * text, numbers beyond double. A byte order mark is skipped. */
aml_status aml_json_parse(aml_json **out, aml_arena *keep, const char *text, size_t length,
                          const char *file, unsigned flags, aml_status status);

const aml_json *aml_json_find(const aml_json *object, const char *name); /* NULL when absent */
const aml_json *aml_json_at(const aml_json *array, size_t i);
/* Typed access with a fallback when the member is absent or of another type. */
double aml_json_number(const aml_json *object, const char *name, double fallback);
/* A whole number from 0 to 2^53. */
size_t aml_json_count(const aml_json *object, const char *name, size_t fallback);
const char *aml_json_string(const aml_json *object, const char *name, const char *fallback);
bool aml_json_bool(const aml_json *object, const char *name, bool fallback);

/* Writers: append a value. Non-finite numbers are written as null. */
void aml_json_put_string(aml_string *s, const char *text); /* quoted and escaped; NULL gives null */
void aml_json_put_number(aml_string *s, double x);
/* Appends `"name":` preceded by a comma unless it follows '{' or '['. */
void aml_json_key(aml_string *s, const char *name);
/* The key and its value. */
void aml_json_add_string(aml_string *s, const char *name, const char *text);
void aml_json_add_number(aml_string *s, const char *name, double x);
void aml_json_add(aml_string *s, const char *name, const aml_json *x); /* NULL: nothing */
void aml_json_comma(aml_string *s);

/* A parsed value as it was, without blanks and comments. */
void aml_json_put(aml_string *out, const aml_json *x);
/* The same, where texts are put as the caller says. */
void aml_json_put_by(aml_string *out, const aml_json *x,
                     void (*put_text)(aml_string *out, const char *text));

/* Re-indents compact JSON made by the writers above by two spaces. */
void aml_json_pretty(aml_string *out, const char *compact, size_t length);
/* A whole text: indented, with a line end, the caller's (aml_free); the compact one is freed. NULL when memory was short. */
char *aml_json_finish(aml_string *compact);

#endif
