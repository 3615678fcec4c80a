/* datetime.c: a date becomes numbers: days since 1970, parts of the calendar and the clock, and
 * cycles as sine and cosine. Parts that do not vary on the training rows are left out. */
#include <math.h>

#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

static const aml_param params[] = {{.name = "cyclic",
                                    .summary = "Add sine and cosine of the periodic parts",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = aml_flag_choices},
                                   {0}};

typedef enum part { DAYS, YEAR, MONTH, DAY, WEEKDAY, YEARDAY, HOUR, MINUTE, N_PARTS } part;

/* Period 0: not periodic, or (hour) a finer part's cycle says the same. */
static const struct {
    const char *name, *sine, *cosine;
    double first, period;
} parts[N_PARTS] = {
    [DAYS] = {"days", NULL, NULL, 0, 0},
    [YEAR] = {"year", NULL, NULL, 0, 0},
    [MONTH] = {"month", "month_sin", "month_cos", 1, 12},
    [DAY] = {"day", "day_sin", "day_cos", 1, 31},
    [WEEKDAY] = {"weekday", "weekday_sin", "weekday_cos", 0, 7},
    [YEARDAY] = {"yearday", "yearday_sin", "yearday_cos", 1, 365.25},
    [HOUR] = {"hour", NULL, NULL, 0, 0},
    [MINUTE] = {"minute", "minute_sin", "minute_cos", 0, 1440},
};

typedef struct date_state {
    aml_signature signature;
    uint8_t *varies; /* per column: bit b set = part b varies */
    bool cyclic;
} date_state;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Civil date from days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years
 * that start on 1 March (Hinnant, "chrono-compatible low-level date algorithms"). */
static void split_days(double *v, int64_t days) {
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;
    int64_t year = yoe + era * 400 + (m >= 10);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    v[YEAR] = (double)year;
    v[MONTH] = (double)(m < 10 ? m + 3 : m - 9);
    v[DAY] = (double)(doy - (153 * m + 2) / 5 + 1);
    v[WEEKDAY] = (double)(days + 3 - floor_div(days + 3, 7) * 7);
    v[YEARDAY] = (double)(m >= 10 ? doy - 305 : doy + 60 + leap);
}

/* False for a missing time. Weekday 0 is Monday; minute is of the day. */
static bool split(double v[N_PARTS], double time) {
    if (isnan(time)) return false;
    time = fmin(fmax(time, -1e13), 1e13);
    int64_t seconds = (int64_t)floor(time), days = floor_div(seconds, 86400);
    int64_t clock = seconds - days * 86400;
    v[DAYS] = time / 86400;
    v[HOUR] = (double)(clock / 3600);
    v[MINUTE] = (double)(clock / 60);
    split_days(v, days);
    return true;
}

typedef struct fit_job {
    const aml_table *x;
    const aml_data *target;
    uint8_t *varies;
} fit_job;

static aml_status look(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    double first[N_PARTS], v[N_PARTS];
    bool any = false;
    (void)thread;
    if (f->kind != AML_DATETIME) return AML_OK;
    for (size_t i = 0; i < u->target->n; i++) {
        if (!split(any ? v : first, f->time[u->target->rows[i]])) continue;
        for (unsigned k = 0; any && k < N_PARTS; k++)
            if (v[k] != first[k]) u->varies[j] |= (uint8_t)(1u << k);
        any = true;
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    date_state *s = AML_NEW(ctx->keep, date_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->varies = AML_ARRAY(ctx->keep, x->p, uint8_t);
    if (!s->varies) return AML_ENOMEM;
    s->cyclic = hp[0] == 1;
    *state = s;
    return aml_each(ctx, x->p, look, &(fit_job){x, target, s->varies});
}

typedef struct date_columns {
    float *number[N_PARTS], *sine[N_PARTS], *cosine[N_PARTS]; /* NULL = left out */
} date_columns;

typedef struct apply_job {
    const aml_table *x;
    const date_columns *columns; /* per column */
} apply_job;

static void put(const date_columns *c, unsigned k, size_t row, double v) {
    if (c->number[k]) c->number[k][row] = (float)v;
    if (!c->sine[k]) return;
    double angle = 2 * M_PI * (v - parts[k].first) / parts[k].period;
    c->sine[k][row] = (float)sin(angle);
    c->cosine[k][row] = (float)cos(angle);
}

static aml_status fill(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    (void)thread;
    for (size_t i = 0; f->kind == AML_DATETIME && i < u->x->n; i++) {
        double v[N_PARTS];
        bool known = split(v, f->time[i]);
        for (unsigned k = 0; k < N_PARTS; k++) put(&u->columns[j], k, i, known ? v[k] : NAN);
    }
    return AML_OK;
}

static void add_columns(aml_table_builder *b, date_columns *c, const aml_feature *f,
                        const date_state *s, unsigned varies) {
    aml_arena *keep = b->ctx->keep;
    for (unsigned k = 0; k < N_PARTS; k++) {
        if (!(varies >> k & 1)) continue;
        c->number[k] =
            aml_table_number(b, aml_feature_name(keep, f->name, ".", parts[k].name), f->source);
        if (!s->cyclic || !(parts[k].period > 0)) continue;
        c->sine[k] =
            aml_table_number(b, aml_feature_name(keep, f->name, ".", parts[k].sine), f->source);
        c->cosine[k] =
            aml_table_number(b, aml_feature_name(keep, f->name, ".", parts[k].cosine), f->source);
    }
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const date_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    date_columns *columns = AML_ARRAY(ctx->scratch, x->p, date_columns);
    if (!columns) return AML_ENOMEM;
    size_t dates = aml_table_count(x, AML_DATETIME);
    aml_table_builder b = aml_table_begin(x, x->p + 3 * N_PARTS * dates, ctx);
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind == AML_DATETIME) add_columns(&b, &columns[j], f, s, s->varies[j]);
        else aml_table_share(&b, f);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, fill, &(apply_job){x, columns});
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const date_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        const char *name[3 * N_PARTS];
        size_t n = 0;
        if (s->signature.kind[j] != AML_DATETIME) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        for (unsigned k = 0; k < N_PARTS; k++) {
            if (!(s->varies[j] >> k & 1)) continue;
            name[n++] = parts[k].name;
            if (!s->cyclic || !(parts[k].period > 0)) continue;
            name[n++] = parts[k].sine;
            name[n++] = parts[k].cosine;
        }
        if (!n) continue;
        aml_ir_op1(ir, AML_OP_DATE, x->column[j]);
        const char **made = aml_ir_new(ir, "part", AML_TEXTS, n);
        for (size_t k = 0; k < n; k++) {
            if (made) made[k] = name[k];
            aml_ir_push(&b, aml_ir_number(ir));
        }
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const date_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->cyclic);
    aml_put_u8s(w, s->varies, s->signature.p);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    date_state *s = AML_NEW(ctx->keep, date_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->cyclic = aml_get_u8(r) != 0;
    s->varies = aml_get_u8s(r, ctx->keep, s->signature.p, NULL);
    *state = s;
    return r->status;
}

extern const aml_step aml_step_datetime;
const aml_step aml_step_datetime = {
    .abi = AML_ABI,
    .name = "datetime",
    .summary = "Turns dates into numbers: days, calendar and clock parts, cycles",
    .kinds = AML_DATETIME,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
