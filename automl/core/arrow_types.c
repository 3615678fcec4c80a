/* arrow_types.c: Arrow's format strings, and whether arrays keep to them. */
#include <stdlib.h>
#include <string.h>

#include "automl/core/arrow.h"

typedef struct known {
    const char *format; /* or its beginning */
    arrow_type type;
} known;

/* Longer beginnings first. */
static const known formats[] = {
    {"n", {ARROW_NULL, 0, 0, 0, 0}},
    {"b", {ARROW_BOOL, 0, 0, 0, 2}},
    {"c", {ARROW_INT, 1, 0, 0, 2}},
    {"s", {ARROW_INT, 2, 0, 0, 2}},
    {"i", {ARROW_INT, 4, 0, 0, 2}},
    {"l", {ARROW_INT, 8, 0, 0, 2}},
    {"C", {ARROW_UINT, 1, 0, 0, 2}},
    {"S", {ARROW_UINT, 2, 0, 0, 2}},
    {"I", {ARROW_UINT, 4, 0, 0, 2}},
    {"L", {ARROW_UINT, 8, 0, 0, 2}},
    {"e", {ARROW_FLOAT, 2, 0, 0, 2}},
    {"f", {ARROW_FLOAT, 4, 0, 0, 2}},
    {"g", {ARROW_FLOAT, 8, 0, 0, 2}},
    {"u", {ARROW_TEXT, 0, 0, 0, 3}},
    {"U", {ARROW_LARGE_TEXT, 0, 0, 0, 3}},
    {"vu", {ARROW_TEXT_VIEW, 0, 0, 0, 3}},
    {"tdD", {ARROW_DATE, 4, -86400, 0, 2}},
    {"tdm", {ARROW_DATE, 8, 1000, 0, 2}},
    {"tts", {ARROW_CLOCK, 4, 1, 0, 2}},
    {"ttm", {ARROW_CLOCK, 4, 1000, 0, 2}},
    {"ttu", {ARROW_CLOCK, 8, 1000000, 0, 2}},
    {"ttn", {ARROW_CLOCK, 8, 1000000000, 0, 2}},
    {"tDs", {ARROW_SPAN, 8, 1, 0, 2}},
    {"tDm", {ARROW_SPAN, 8, 1000, 0, 2}},
    {"tDu", {ARROW_SPAN, 8, 1000000, 0, 2}},
    {"tDn", {ARROW_SPAN, 8, 1000000000, 0, 2}},
    {"tss:", {ARROW_MOMENT, 8, 1, 0, 2}},
    {"tsm:", {ARROW_MOMENT, 8, 1000, 0, 2}},
    {"tsu:", {ARROW_MOMENT, 8, 1000000, 0, 2}},
    {"tsn:", {ARROW_MOMENT, 8, 1000000000, 0, 2}},
};

static const struct {
    const char *begin, *what;
} refused[] = {{"+l", "lists"},  {"+L", "lists"},     {"+vl", "lists"},
               {"+vL", "lists"}, {"+w", "lists"},     {"+s", "structs"},
               {"+m", "maps"},   {"+u", "unions"},    {"+r", "runs"},
               {"z", "bytes"},   {"Z", "bytes"},      {"vz", "bytes"},
               {"w:", "bytes"},  {"ti", "intervals"}, {"d:", "decimals of an unknown form"}};

/* "d:precision,scale" or "d:precision,scale,bits". */
static bool parse_decimal(arrow_type *out, const char *format) {
    char *end;
    if (strncmp(format, "d:", 2) != 0) return false;
    strtol(format + 2, &end, 10);
    if (end == format + 2 || *end != ',') return false;
    const char *from = end + 1;
    long scale = strtol(from, &end, 10), bits = 128;
    if (end == from || scale < -300 || scale > 300) return false;
    if (*end == ',') bits = strtol(end + 1, &end, 10);
    if (*end || (bits != 32 && bits != 64 && bits != 128 && bits != 256)) return false;
    *out = (arrow_type){ARROW_DECIMAL, (unsigned)bits / 8, 0, (int)scale, 2};
    return true;
}

static aml_status refuse(const char *format, const char *name) {
    char shown[280], type[120];
    const char *what = "a type that is not known";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!strncmp(format, refused[i].begin, strlen(refused[i].begin))) what = refused[i].what;
    aml_fail(AML_EDATA, "column `%s` holds %s (Arrow type `%s`)",
             aml_printable(shown, sizeof shown, name, strlen(name), 60), what,
             aml_printable(type, sizeof type, format, strlen(format), 20));
    return aml_help(AML_EDATA, "a cell is a number, a text, a date or a truth value",
                    "leave the column out, or make columns of plain values of it");
}

aml_status arrow_type_of(arrow_type *out, const struct ArrowSchema *schema, const char *name) {
    const char *format = schema->format ? schema->format : "";
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const char *begin = formats[i].format;
        bool zone = strchr(begin, ':') != NULL;
        if (zone ? strncmp(format, begin, strlen(begin)) : strcmp(format, begin)) continue;
        *out = formats[i].type;
        return AML_OK;
    }
    return parse_decimal(out, format) ? AML_OK : refuse(format, name);
}

/* ---- arrays */

static aml_status broken(const arrow_column *c, const char *what) {
    char shown[280];
    aml_fail(AML_EDATA, "the Arrow array of column `%s` %s",
             aml_printable(shown, sizeof shown, c->name, strlen(c->name), 60), what);
    return aml_help(AML_EDATA, NULL, "this is an error of the program that made it");
}

static bool offsets_rise(const arrow_type *type, const void *buffer, size_t first, size_t n) {
    int64_t before = 0;
    for (size_t i = first; i <= first + n; i++) {
        int64_t at =
            type->class == ARROW_TEXT ? ((const int32_t *)buffer)[i] : ((const int64_t *)buffer)[i];
        if (at < before) return false;
        before = at;
    }
    return true;
}

static bool views_fit(const struct ArrowArray *a, const uint8_t *valid, size_t first, size_t n) {
    const char(*views)[16] = a->buffers[1];
    int64_t n_data = a->n_buffers - 3;
    const int64_t *sizes = n_data > 0 ? a->buffers[a->n_buffers - 1] : NULL;
    for (size_t i = first; i < first + n; i++) {
        int32_t size, buffer, offset;
        if (!arrow_bit(valid, i)) continue;
        memcpy(&size, views[i], 4);
        memcpy(&buffer, views[i] + 8, 4);
        memcpy(&offset, views[i] + 12, 4);
        if (size < 0) return false;
        if (size <= 12) continue;
        if (!sizes || buffer < 0 || buffer >= n_data || offset < 0) return false;
        if ((int64_t)offset + size > sizes[buffer]) return false;
    }
    return true;
}

/* n values from `first` on, of which `valid` tells the bits. */
static aml_status check_values(const arrow_column *c, const arrow_type *type,
                               const struct ArrowArray *a, size_t first, size_t n) {
    if (a->n_buffers < type->buffers || (type->buffers && !a->buffers))
        return broken(c, "has too few buffers");
    if (!n || !type->buffers) return AML_OK;
    if (!a->buffers[1]) return broken(c, "has no values");
    bool text = type->class == ARROW_TEXT || type->class == ARROW_LARGE_TEXT;
    if (text && !offsets_rise(type, a->buffers[1], first, n))
        return broken(c, "has offsets that fall");
    if (text && !a->buffers[2]) {
        const int32_t *small = a->buffers[1];
        const int64_t *large = a->buffers[1];
        bool empty = type->class == ARROW_TEXT ? small[first + n] == 0 : large[first + n] == 0;
        if (!empty) return broken(c, "has no text");
    }
    if (type->class == ARROW_TEXT_VIEW && !views_fit(a, a->buffers[0], first, n))
        return broken(c, "has views that lead nowhere");
    return AML_OK;
}

static bool numbers_fit(const arrow_column *c, const arrow_piece *p, size_t length) {
    for (size_t i = 0; i < p->n; i++) {
        if (!arrow_is_there(p, i)) continue;
        double k = arrow_number(&c->type, p->array->buffers[1], p->first + i);
        if (!(k >= 0 && k < (double)length)) return false;
    }
    return true;
}

aml_status arrow_check_piece(const arrow_column *c, const arrow_piece *p) {
    AML_TRY(check_values(c, &c->type, p->array, p->first, p->n));
    const struct ArrowArray *d = p->array->dictionary;
    if (!c->has_dictionary) return AML_OK;
    if (!d || d->length < 0 || d->offset < 0) return broken(c, "has no dictionary");
    AML_TRY(check_values(c, &c->dictionary, d, (size_t)d->offset, (size_t)d->length));
    return numbers_fit(c, p, (size_t)d->length) ? AML_OK
                                                : broken(c, "has numbers beyond its dictionary");
}
