/* c_text.c: numbers, texts, names and tables as C99. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/export/c.h"

static void put_number(aml_string *s, double x, const char *suffix) {
    char text[32];
    if (isnan(x)) {
        aml_string_put(s, "NAN");
        return;
    }
    if (isinf(x)) {
        aml_string_put(s, x > 0 ? "INFINITY" : "-INFINITY");
        return;
    }
    size_t n = aml_format_double(text, x);
    aml_string_add(s, text, n);
    if (!strpbrk(text, ".e")) aml_string_put(s, ".0");
    aml_string_put(s, suffix);
}

void aml_c_double(aml_string *s, double x) { put_number(s, x, ""); }
void aml_c_float(aml_string *s, float x) { put_number(s, (double)x, "f"); }

void aml_c_string(aml_string *s, const char *text) {
    aml_string_put(s, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = c >= ' ' && c < 0x7F && c != '"' && c != '\\' && c != '?';
        if (plain) aml_string_add(s, text, 1);
        else aml_string_printf(s, "\\%03o", c);
    }
    aml_string_put(s, "\"");
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void aml_c_comment(aml_string *s, const char *text) {
    for (; *text; text++)
        aml_string_add(s, is_word(*text) || strchr(" -.,:;()%$#+=<>", *text) ? text : ".", 1);
}

/* ---- identifiers */

static bool is_keyword(const char *name) {
    static const char *const words[] = {
        "auto",      "break",     "case",      "char",     "const",    "continue", "default",
        "do",        "double",    "else",      "enum",     "extern",   "float",    "for",
        "goto",      "if",        "inline",    "int",      "long",     "return",   "short",
        "register",  "restrict",  "signed",    "sizeof",   "static",   "struct",   "switch",
        "typedef",   "union",     "unsigned",  "void",     "volatile", "while",    "asm",
        "typeof",    "bool",      "true",      "false",    "class",    "new",      "delete",
        "this",      "public",    "private",   "template", "operator", "try",      "catch",
        "throw",     "friend",    "using",     "virtual",  "export",   "and",      "or",
        "not",       "xor",       "errno",     "NAN",      "NULL",     "stdin",    "stdout",
        "stderr",    "protected", "namespace", "typename", "explicit", "mutable",  "nullptr",
        "constexpr", "linux",     "unix"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], name)) return true;
    return false;
}

char *aml_export_identifier(const char *name, aml_arena *keep) {
    enum { LONGEST = 40 };
    size_t n = strlen(name) < LONGEST ? strlen(name) : LONGEST;
    bool front = !n || !is_word(name[0]) || (name[0] >= '0' && name[0] <= '9') || name[0] == '_';
    char *out = aml_printf(keep, "%s%.*s", front ? "x_" : "", (int)n, name);
    for (char *c = out; out && *c; c++)
        if (!is_word(*c)) *c = '_';
    return out && is_keyword(out) ? aml_printf(keep, "%s_", out) : out;
}

static bool is_taken(const char **made, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(made[i], name)) return true;
    return false;
}

const char **aml_c_identifiers(const char *const *names, size_t n, aml_arena *keep) {
    const char **made = AML_ARRAY(keep, n + 1, const char *);
    for (size_t i = 0; made && i < n; i++) {
        const char *base = aml_export_identifier(names[i], keep), *name = base;
        for (unsigned k = 2; name && is_taken(made, i, name); k++)
            name = aml_printf(keep, "%s_%u", base, k);
        if (!name) return NULL;
        made[i] = name;
    }
    return made;
}

char *aml_c_upper(const char *name, aml_arena *keep) {
    char *out = aml_strdup(keep, name);
    for (char *c = out; out && *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    return out;
}

/* ---- sorting */

/* A merge sort: stable, and without a comparison function that would need more than the texts. */
static void merge(uint32_t *to, const uint32_t *from, size_t middle, size_t n,
                  const char *const *texts) {
    size_t a = 0, b = middle;
    for (size_t i = 0; i < n; i++) {
        bool left = b == n || (a < middle && strcmp(texts[from[a]], texts[from[b]]) <= 0);
        to[i] = from[left ? a++ : b++];
    }
}

bool aml_c_sort_texts(const char **sorted, uint32_t *place, const char *const *texts, size_t n,
                      aml_arena *scratch) {
    uint32_t *other = AML_ARRAY(scratch, n + 1, uint32_t);
    if (!other) return false;
    for (size_t i = 0; i < n; i++) place[i] = (uint32_t)i;
    for (size_t step = 1; step < n; step *= 2) {
        for (size_t i = 0; i < n; i += 2 * step) {
            size_t left = n - i;
            size_t size = left < 2 * step ? left : 2 * step, middle = step < size ? step : size;
            merge(other + i, place + i, middle, size, texts);
        }
        memcpy(place, other, n * sizeof *place);
    }
    for (size_t i = 0; i < n; i++) sorted[i] = texts[place[i]];
    return true;
}

/* ---- tables */

static uint32_t begin(aml_c_text *w, const char *type, size_t n) {
    aml_string_printf(&w->tables, "static const %s t%u[%zu] = {", type, ++w->n_tables, n ? n : 1);
    return w->n_tables;
}

/* Before item i. */
static void part(aml_string *s, size_t i, size_t a_line) {
    aml_string_put(s, i % a_line ? ", " : i ? ",\n    " : "\n    ");
}

static uint32_t end(aml_c_text *w, size_t n) {
    aml_string_put(&w->tables, n ? "};\n" : "0};\n");
    return w->n_tables;
}

uint32_t aml_c_table_f32(aml_c_text *w, const float *v, size_t n) {
    begin(w, "float", n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 6);
        aml_c_float(&w->tables, v[i]);
    }
    return end(w, n);
}

static uint32_t table_f64(aml_c_text *w, const double *v, size_t n) {
    begin(w, "double", n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 4);
        aml_c_double(&w->tables, v[i]);
    }
    return end(w, n);
}

uint32_t aml_c_table_typed(aml_c_text *w, const char *type, const uint32_t *v, size_t n) {
    begin(w, type, n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 12);
        aml_string_printf(&w->tables, "%u", v[i]);
    }
    return end(w, n);
}

uint32_t aml_c_table_u32(aml_c_text *w, const uint32_t *v, size_t n) {
    return aml_c_table_typed(w, "uint32_t", v, n);
}

static uint32_t table_signed(aml_c_text *w, const char *type, const int32_t *v, size_t n) {
    begin(w, type, n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 12);
        aml_string_printf(&w->tables, "%d", v[i]);
    }
    return end(w, n);
}

uint32_t aml_c_table_i32(aml_c_text *w, const int32_t *v, size_t n) {
    return table_signed(w, "int32_t", v, n);
}

static uint32_t table_small(aml_c_text *w, const int32_t *v, size_t n) {
    int32_t low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    bool byte = low >= INT8_MIN && high <= INT8_MAX, word = low >= INT16_MIN && high <= INT16_MAX;
    return table_signed(w, byte ? "int8_t" : word ? "int16_t" : "int32_t", v, n);
}

static uint32_t table_u8(aml_c_text *w, const uint8_t *v, size_t n) {
    begin(w, "uint8_t", n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 20);
        aml_string_printf(&w->tables, "%u", v[i]);
    }
    return end(w, n);
}

uint32_t aml_c_table_texts(aml_c_text *w, const char *const *v, size_t n) {
    begin(w, "char *const", n);
    for (size_t i = 0; i < n; i++) {
        part(&w->tables, i, 4);
        aml_c_string(&w->tables, v[i]);
    }
    return end(w, n);
}

uint32_t aml_c_table(aml_c_text *w, const aml_attr *a, bool small) {
    switch (a->type) {
    case AML_F32: return aml_c_table_f32(w, a->v.f32, a->n);
    case AML_F64: return table_f64(w, a->v.f64, a->n);
    case AML_I32:
        return small ? table_small(w, a->v.i32, a->n) : aml_c_table_i32(w, a->v.i32, a->n);
    case AML_U32: return aml_c_table_u32(w, a->v.u32, a->n);
    case AML_U8: return table_u8(w, a->v.u8, a->n);
    default: return aml_c_table_texts(w, a->v.texts, a->n);
    }
}
