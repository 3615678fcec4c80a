/* onnx_date.c: parts of the calendar and the clock, in whole numbers of 64 bits (see lower.h; the calendar is that of
 * featurize/datetime.c: Hinnant, "chrono-compatible low-level date algorithms"). */
#include <math.h>
#include <string.h>

#include "automl/export/onnx_write.h"

typedef struct date_parts {
    aml_onnx_value unknown; /* bool: no time */
    aml_onnx_value time;    /* double */
    aml_onnx_value second;  /* of the day */
    aml_onnx_value day;     /* since 1970 */
    aml_onnx_value year, month, day_of_month, year_day;
} date_parts;

/* ---- whole numbers */

static aml_onnx_value plus(aml_onnx_graph *g, aml_onnx_value a, int64_t b) {
    return aml_onnx_op2(g, "Add", a, aml_onnx_i64(g, b));
}
static aml_onnx_value minus(aml_onnx_graph *g, aml_onnx_value a, aml_onnx_value b) {
    return aml_onnx_op2(g, "Sub", a, b);
}
static aml_onnx_value times(aml_onnx_graph *g, aml_onnx_value a, int64_t b) {
    return aml_onnx_op2(g, "Mul", a, aml_onnx_i64(g, b));
}
/* Never negative, as all remainders of Mod here. */
static aml_onnx_value rest(aml_onnx_graph *g, aml_onnx_value a, int64_t b) {
    return aml_onnx_op2(g, "Mod", a, aml_onnx_i64(g, b));
}
/* Rounded down, negative or not. */
static aml_onnx_value over(aml_onnx_graph *g, aml_onnx_value a, int64_t b) {
    return aml_onnx_op2(g, "Div", minus(g, a, rest(g, a, b)), aml_onnx_i64(g, b));
}
static aml_onnx_value is(aml_onnx_graph *g, const char *op, aml_onnx_value a, int64_t b) {
    return aml_onnx_op2(g, op, a, aml_onnx_i64(g, b));
}
static aml_onnx_value as_int(aml_onnx_graph *g, aml_onnx_value a) {
    return aml_onnx_cast(g, a, AML_ONNX_INT64);
}

/* ---- the calendar */

static aml_onnx_value is_leap(aml_onnx_graph *g, aml_onnx_value year) {
    aml_onnx_value four = is(g, "Equal", rest(g, year, 4), 0),
                   hundred = is(g, "Equal", rest(g, year, 100), 0),
                   all = is(g, "Equal", rest(g, year, 400), 0);
    return aml_onnx_op2(g, "Or", aml_onnx_op2(g, "And", four, aml_onnx_op1(g, "Not", hundred)),
                        all);
}

/* Years of eras of 400 years begin on 1 March: `doy` is the day and `m` the month of such a year. */
static void split_days(date_parts *d, aml_onnx_graph *g) {
    aml_onnx_value z = plus(g, d->day, 719468), era = over(g, z, 146097),
                   doe = minus(g, z, times(g, era, 146097));
    aml_onnx_value leaps = minus(g, over(g, doe, 36524), over(g, doe, 1460));
    aml_onnx_value yoe = aml_onnx_op2(g, "Add", doe, minus(g, leaps, over(g, doe, 146096)));
    yoe = over(g, yoe, 365);
    aml_onnx_value before =
        aml_onnx_op2(g, "Add", times(g, yoe, 365), minus(g, over(g, yoe, 4), over(g, yoe, 100)));
    aml_onnx_value doy = minus(g, doe, before);
    aml_onnx_value m = over(g, plus(g, times(g, doy, 5), 2), 153);
    aml_onnx_value late = is(g, "GreaterOrEqual", m, 10); /* January, February */
    d->year =
        aml_onnx_op2(g, "Add", aml_onnx_op2(g, "Add", yoe, times(g, era, 400)), as_int(g, late));
    d->month = aml_onnx_op3(g, "Where", late, plus(g, m, -9), plus(g, m, 3));
    aml_onnx_value gone = over(g, plus(g, times(g, m, 153), 2), 5);
    d->day_of_month = plus(g, minus(g, doy, gone), 1);
    aml_onnx_value spring =
        aml_onnx_op2(g, "Add", plus(g, doy, 60), as_int(g, is_leap(g, d->year)));
    d->year_day = aml_onnx_op3(g, "Where", late, plus(g, doy, -305), spring);
}

static void split_time(date_parts *d, aml_onnx_graph *g, aml_onnx_value time) {
    d->unknown = aml_onnx_op1(g, "IsNaN", time);
    aml_onnx_value known = aml_onnx_op3(g, "Where", d->unknown, aml_onnx_f64(g, 0), time);
    d->time = aml_onnx_within_f64(g, known, -1e13, 1e13);
    aml_onnx_value seconds = as_int(g, aml_onnx_op1(g, "Floor", d->time));
    d->day = over(g, seconds, 86400);
    d->second = minus(g, seconds, times(g, d->day, 86400));
    split_days(d, g);
}

/* ---- parts */

/* What goes round: whole numbers from `first` on, `n` of them. */
static const struct {
    const char *name;
    int first, n;
    double period;
} cycles[] = {{"month", 1, 12, 12},
              {"day", 1, 31, 31},
              {"weekday", 0, 7, 7},
              {"yearday", 1, 366, 365.25},
              {"minute", 0, 1440, 1440}};

/* A whole part; `size` characters of the name. */
static aml_onnx_value part_of(const date_parts *d, aml_onnx_graph *g, const char *name,
                              size_t size) {
    const struct {
        const char *name;
        aml_onnx_value part;
    } parts[] = {
        {"year", d->year}, {"month", d->month}, {"day", d->day_of_month}, {"yearday", d->year_day}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i].name) == size && !strncmp(parts[i].name, name, size))
            return parts[i].part;
    if (!strncmp(name, "weekday", size)) return rest(g, plus(g, d->day, 3), 7);
    return over(g, d->second, strncmp(name, "hour", size) ? 60 : 3600);
}

/* Sine or cosine out of a table: others' last bits differ from ours where it is about 0. */
static aml_onnx_value turn(aml_onnx_writer *w, aml_onnx_value part, const char *name, size_t size,
                           bool sine) {
    size_t c = 0;
    while (strlen(cycles[c].name) != size || strncmp(cycles[c].name, name, size) != 0) c++;
    float *table = aml_onnx_room(w, (size_t)cycles[c].n, sizeof *table);
    if (!table) return "";
    for (int i = 0; i < cycles[c].n; i++) {
        double angle = 2 * M_PI * i / cycles[c].period;
        table[i] = (float)(sine ? sin(angle) : cos(angle));
    }
    return aml_onnx_op2(&w->g, "Gather", aml_onnx_f32s(&w->g, table, (size_t)cycles[c].n, 0),
                        plus(&w->g, part, -cycles[c].first));
}

static aml_onnx_value value_of(aml_onnx_writer *w, const date_parts *d, const char *name) {
    aml_onnx_graph *g = &w->g;
    const char *end = strchr(name, '_');
    size_t size = end ? (size_t)(end - name) : strlen(name);
    aml_onnx_value v;
    if (!strcmp(name, "days")) v = aml_onnx_op2(g, "Div", d->time, aml_onnx_f64(g, 86400));
    else v = part_of(d, g, name, size);
    v = end ? turn(w, v, name, size, !strcmp(end, "_sin")) : aml_onnx_cast(g, v, AML_ONNX_FLOAT);
    return aml_onnx_op3(g, "Where", d->unknown, aml_onnx_f32(g, NAN), v);
}

void aml_onnx_date(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *part = aml_op_attr(ops[0], "part");
    date_parts d;
    (void)n;
    split_time(&d, &w->g, aml_onnx_of(w, ops[0]->in[0]));
    for (uint32_t i = 0; i < ops[0]->n_out; i++)
        aml_onnx_made(w, ops[0]->first_out + i, value_of(w, &d, part->v.texts[i]));
}
