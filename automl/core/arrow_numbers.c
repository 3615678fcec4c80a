/* arrow_numbers.c: Arrow's numbers, dates and times as doubles. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/arrow.h"

/* ---- single values */

/* IEEE 754 binary16. */
static double half(uint16_t bits) {
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
    if (exponent == 31) return fraction != 0 ? NAN : sign * HUGE_VAL;
    return sign * (exponent ? ldexp(fraction + 1024, exponent - 25) : ldexp(fraction, -24));
}

/* |v| as decimal digits, by division of its 32-bit limbs (the lowest first). */
static size_t digits_of(char *out, uint32_t *limb, size_t n) {
    char reversed[80];
    size_t size = 0;
    while (n) {
        uint64_t rest = 0;
        for (size_t i = n; i-- > 0;) {
            rest = rest << 32 | limb[i];
            limb[i] = (uint32_t)(rest / 10);
            rest %= 10;
        }
        reversed[size++] = (char)('0' + rest);
        while (n && !limb[n - 1]) n--;
    }
    for (size_t i = 0; i < size; i++) out[i] = reversed[size - 1 - i];
    return size;
}

/* By way of its text: the double nearest to it. */
static double long_decimal(const char *bytes, unsigned width, int scale) {
    uint32_t limb[8];
    size_t n = width / 4;
    char text[128] = "-";
    double x = NAN;
    memcpy(limb, bytes, width);
    bool negative = limb[n - 1] >> 31;
    uint64_t carry = 1;
    for (size_t i = 0; negative && i < n; i++) {
        carry += (uint32_t)~limb[i];
        limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    size_t size = negative + digits_of(text + negative, limb, n);
    size += (size_t)snprintf(text + size, sizeof text - size, "e%d", -scale);
    aml_parse_double(&x, text, size);
    return x;
}

static double decimal(const char *bytes, unsigned width, int scale) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t low = 0, high;
    memcpy(&low, bytes, width < 8 ? width : 8);
    if (width == 4) low = (int32_t)low;
    bool small = low > -(INT64_C(1) << 53) && low < INT64_C(1) << 53;
    for (unsigned at = 8; at < width; at += 8) {
        memcpy(&high, bytes + at, 8);
        small &= high == (low < 0 ? -1 : 0);
    }
    /* both exact, so that the quotient is the nearest double */
    if (small && scale >= 0 && scale <= 22) return (double)low / powers[scale];
    return long_decimal(bytes, width, scale);
}

static int64_t whole(unsigned width, const void *values, size_t at) {
    switch (width) {
    case 1: return ((const int8_t *)values)[at];
    case 2: return ((const int16_t *)values)[at];
    case 4: return ((const int32_t *)values)[at];
    default: return ((const int64_t *)values)[at];
    }
}

static double unsigned_whole(unsigned width, const void *values, size_t at) {
    switch (width) {
    case 1: return ((const uint8_t *)values)[at];
    case 2: return ((const uint16_t *)values)[at];
    case 4: return ((const uint32_t *)values)[at];
    default: return (double)((const uint64_t *)values)[at];
    }
}

static double floating(unsigned width, const void *values, size_t at) {
    switch (width) {
    case 2: return half(((const uint16_t *)values)[at]);
    case 4: return ((const float *)values)[at];
    default: return ((const double *)values)[at];
    }
}

/* As the text of it is read: whole seconds, and a fraction. */
static double seconds(int64_t value, int64_t unit) {
    if (unit < 0) return (double)value * (double)-unit;
    assert(unit);
    int64_t rest = value % unit, all = value / unit;
    if (rest < 0) all--, rest += unit;
    return (double)all + (double)rest / (double)unit;
}

double arrow_number(const arrow_type *type, const void *values, size_t at) {
    switch (type->class) {
    case ARROW_BOOL: return arrow_bit(values, at);
    case ARROW_INT: return (double)whole(type->width, values, at);
    case ARROW_UINT: return unsigned_whole(type->width, values, at);
    case ARROW_FLOAT: return floating(type->width, values, at);
    case ARROW_DECIMAL:
        return decimal((const char *)values + at * type->width, type->width, type->scale);
    case ARROW_DATE:
    case ARROW_MOMENT:
    case ARROW_CLOCK:
    case ARROW_SPAN: return seconds(whole(type->width, values, at), type->unit);
    case ARROW_NULL:
    case ARROW_TEXT:
    case ARROW_LARGE_TEXT:
    case ARROW_TEXT_VIEW: break;
    }
    return NAN;
}

/* ---- columns */

/* What the type is does not change from value to value: the compiler makes a loop of each case. */
static void convert(double *to, const arrow_type *type, const arrow_piece *p) {
    const void *values = p->array->n_buffers > 1 ? p->array->buffers[1] : NULL;
    size_t first = p->first, n = p->n;
    if (type->class == ARROW_FLOAT && type->width == 8) {
        if (n) memcpy(to, (const double *)values + first, n * sizeof *to);
    } else if (type->class == ARROW_FLOAT && type->width == 4) {
        for (size_t i = 0; i < n; i++) to[i] = ((const float *)values)[first + i];
    } else if (type->class == ARROW_INT && type->width == 8) {
        for (size_t i = 0; i < n; i++) to[i] = (double)((const int64_t *)values)[first + i];
    } else if (type->class == ARROW_INT && type->width == 4) {
        for (size_t i = 0; i < n; i++) to[i] = ((const int32_t *)values)[first + i];
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = arrow_is_there(p, i) ? arrow_number(type, values, first + i) : NAN;
    }
    for (size_t i = 0; (p->valid || p->rows) && i < n; i++)
        if (!arrow_is_there(p, i)) to[i] = NAN;
}

static bool loses_digits(const arrow_type *type, const arrow_piece *p) {
    if (type->width != 8 || (type->class != ARROW_INT && type->class != ARROW_UINT)) return false;
    const uint64_t *values = p->array->buffers[1];
    for (size_t i = 0; i < p->n; i++) {
        uint64_t x = values[p->first + i];
        if (type->class == ARROW_INT && x >> 63) x = -x;
        if (!(x >> 53)) continue;
        int beyond = 64 - __builtin_clzll(x) - 53; /* bits below those of a double */
        if (x & ((UINT64_C(1) << beyond) - 1) && arrow_is_there(p, i)) return true;
    }
    return false;
}

/* Can the frame read the buffer as it is? Then it keeps the array. */
static bool can_borrow(const arrow_column *c) {
    const arrow_piece *p = c->pieces;
    return c->type.class == ARROW_FLOAT && c->type.width == 8 && c->n_pieces == 1 && p->n &&
           !p->valid && !p->rows && (uintptr_t)p->array->buffers[1] % sizeof(double) == 0;
}

static void release(void *arg) {
    struct ArrowArray *a = arg;
    if (a->release) a->release(a);
}

static aml_status borrow(aml_column *out, const arrow_column *c, aml_arena *keep) {
    struct ArrowArray *from = c->pieces->array, *mine = AML_NEW(keep, struct ArrowArray);
    if (!mine) return AML_ENOMEM;
    *mine = *from;
    from->release = NULL;
    out->number = (const double *)mine->buffers[1] + c->pieces->first;
    return aml_arena_defer(keep, release, mine);
}

static aml_status copy(aml_column *out, bool *rounded, const arrow_column *c, aml_arena *keep) {
    double *to = aml_alloc_raw(keep, c->n + 1, sizeof *to);
    if (!to) return AML_ENOMEM;
    out->number = to;
    for (size_t k = 0; k < c->n_pieces; k++) {
        convert(to, &c->type, &c->pieces[k]);
        *rounded = *rounded || loses_digits(&c->type, &c->pieces[k]);
        to += c->pieces[k].n;
    }
    return AML_OK;
}

static aml_status refuse(const aml_column *c, size_t row) {
    char name[280];
    aml_printable(name, sizeof name, c->name, strlen(c->name), 60);
    if (c->kind == AML_DATETIME) {
        aml_fail(AML_EDATA, "value %zu of column `%s` is beyond the years 1 to 9999", row + 1,
                 name);
        return aml_help(AML_EDATA, NULL, "mend the date, or make it missing (null)");
    }
    aml_fail(AML_EDATA, "value %zu of column `%s` is infinite", row + 1, name);
    return aml_help(AML_EDATA, "numbers must be finite", "use NaN or null for a missing value");
}

/* What the values look like: the same facts as the CSV reader finds. */
static aml_status look(aml_column *c, size_t n) {
    static const double first = -62135596800.0, end = 253402300800.0; /* years 1 to 9999 */
    bool date = c->kind == AML_DATETIME, bits = true, days = true, seen[2] = {false, false};
    c->integer = !date;
    for (size_t i = 0; i < n; i++) {
        double x = c->number[i];
        if (isnan(x)) {
            c->n_missing++;
            continue;
        }
        if (isinf(x) || (date && (x < first || x >= end))) return refuse(c, i);
        c->integer = c->integer && x == trunc(x);
        days = days && date && fmod(x, 86400) == 0;
        bits = bits && (x == 0 || x == 1);
        seen[x == 1] = true;
    }
    c->integer = c->integer && c->n_missing < n;
    if (date && days) c->form = AML_DATE;
    if (!date && bits && seen[0] && seen[1]) c->form = AML_BOOLEAN;
    return AML_OK;
}

aml_status arrow_numbers(aml_column *out, bool *rounded, const arrow_column *c, aml_arena *keep) {
    arrow_class class = c->type.class;
    bool date = class == ARROW_DATE || class == ARROW_MOMENT || class == ARROW_CLOCK;
    *out = (aml_column){.name = c->name, .kind = date ? AML_DATETIME : AML_NUMBER};
    AML_TRY(can_borrow(c) ? borrow(out, c, keep) : copy(out, rounded, c, keep));
    AML_TRY(look(out, c->n));
    if (class == ARROW_CLOCK) out->form = AML_CLOCK;
    return AML_OK;
}
