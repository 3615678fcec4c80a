/* space.c: the dimensions of a user's search space, whichever form it was written in. */
#include "automl/tune/space.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT(key) (1u << AML_RANGE_##key)

enum { LOG = 1, EXPONENTS = 2, WHOLE = 4, NORMAL = 8, ROUNDED = 16, VALUES = 32, ORDERED = 64 };
enum { MAY_LOG = 128, BOOL = 256, CONSTANT = 512 };

static const struct space_type {
    const char *name;
    unsigned needed, optional, flags;
} types[] = {
    {"choice", 0, 0, VALUES},
    {"randint", BIT(UPPER), 0, WHOLE},
    {"uniform", BIT(MIN) | BIT(MAX), 0, 0},
    {"quniform", BIT(MIN) | BIT(MAX) | BIT(Q), 0, ROUNDED},
    {"loguniform", BIT(MIN) | BIT(MAX), 0, LOG | EXPONENTS},
    {"qloguniform", BIT(MIN) | BIT(MAX) | BIT(Q), 0, LOG | EXPONENTS | ROUNDED},
    {"normal", BIT(MU) | BIT(SIGMA), 0, NORMAL},
    {"qnormal", BIT(MU) | BIT(SIGMA) | BIT(Q), 0, NORMAL | ROUNDED},
    {"lognormal", BIT(MU) | BIT(SIGMA), 0, NORMAL | LOG},
    {"qlognormal", BIT(MU) | BIT(SIGMA) | BIT(Q), 0, NORMAL | LOG | ROUNDED},
    {"int", BIT(MIN) | BIT(MAX), BIT(STEP), WHOLE | MAY_LOG},
    {"float", BIT(MIN) | BIT(MAX), BIT(STEP), MAY_LOG},
    {"log_int", BIT(MIN) | BIT(MAX), 0, WHOLE | LOG},
    {"log_float", BIT(MIN) | BIT(MAX), 0, LOG},
    {"ordinal", 0, 0, VALUES | ORDERED},
    {"bool", 0, 0, BOOL},
    {"constant", 0, 0, VALUES | CONSTANT},
};
enum { N_TYPES = sizeof types / sizeof *types };

aml_status aml_space_wrong(const aml_space_maker *m, const aml_definition *d, const char *help,
                           const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aml_fail_at(AML_ECONFIG, m->file, d->line, d->column, "%s", text);
    return help ? aml_help(AML_ECONFIG, NULL, "%s", help) : AML_ECONFIG;
}

static const struct space_type *find_type(const aml_space_maker *m, const aml_definition *d) {
    const char *names[N_TYPES];
    char shown[256], help[512] = "";
    for (size_t i = 0; i < N_TYPES; i++) {
        names[i] = types[i].name;
        if (!strcmp(names[i], d->type)) return &types[i];
    }
    const char *near = aml_nearest(d->type, names, N_TYPES);
    if (near) snprintf(help, sizeof help, "did you mean `%s`?", near);
    else
        snprintf(help, sizeof help,
                 "the types are choice, randint, uniform, quniform, loguniform, qloguniform, "
                 "normal, qnormal, lognormal, qlognormal, int, float, log_int, log_float, ordinal, "
                 "bool, constant");
    aml_printable(shown, sizeof shown, d->type, strlen(d->type), 60);
    aml_space_wrong(m, d, help, "parameter `%s`: there is no type `%s`", d->name, shown);
    return NULL;
}

bool aml_space_type_keys(const aml_space_maker *m, const aml_definition *d, unsigned *needed,
                         unsigned *optional, bool *values) {
    const struct space_type *t = find_type(m, d);
    if (!t) return false;
    *needed = t->needed;
    *optional = t->optional;
    *values = t->flags & VALUES;
    return true;
}

/* ---- checks ---- */

static const char *const key_names[AML_N_RANGE] = {"min_value", "max_value", "q",   "mu",
                                                   "sigma",     "upper",     "step"};

static aml_status check_keys(const aml_space_maker *m, const aml_definition *d,
                             const struct space_type *t) {
    bool azure = !(t->flags & MAY_LOG) && strncmp(t->name, "log_", 4) != 0;
    for (unsigned k = 0; k < AML_N_RANGE; k++) {
        const char *name = !azure && k < 2 ? (k ? "max" : "min") : key_names[k];
        if (!d->given[k] && (t->needed & 1u << k))
            return aml_space_wrong(m, d, NULL, "parameter `%s`: %s needs %s", d->name, t->name,
                                   name);
        if (d->given[k] && !((t->needed | t->optional) & 1u << k))
            return aml_space_wrong(m, d, NULL, "parameter `%s`: %s takes no %s", d->name, t->name,
                                   name);
    }
    if (d->log && !(t->flags & (MAY_LOG | LOG)))
        return aml_space_wrong(m, d, "float, int and their log_ forms have it",
                               "parameter `%s`: %s takes no log", d->name, t->name);
    if (d->log && d->given[AML_RANGE_STEP])
        return aml_space_wrong(m, d, "leave one of them out",
                               "parameter `%s`: steps on a logarithmic scale", d->name);
    if ((t->flags & VALUES) && !d->n_values)
        return aml_space_wrong(m, d, NULL, "parameter `%s`: %s needs %s", d->name, t->name,
                               t->flags & CONSTANT ? "value" : "values");
    if (!(t->flags & VALUES) && d->n_values)
        return aml_space_wrong(m, d, NULL, "parameter `%s`: %s takes no values", d->name, t->name);
    return AML_OK;
}

static aml_status check_range(const aml_space_maker *m, const aml_definition *d,
                              const struct space_type *t, double lo, double hi) {
    char a[32], b[32];
    aml_format_double(a, lo);
    aml_format_double(b, hi);
    if (!(isfinite(lo) && isfinite(hi)))
        return aml_space_wrong(m, d, "loguniform takes exponents: exp(min_value) … exp(max_value)",
                               "parameter `%s`: its range is beyond what a number holds", d->name);
    if (!(lo <= hi))
        return aml_space_wrong(m, d, NULL, "parameter `%s`: its least value, %s, is above %s",
                               d->name, a, b);
    if ((d->log || (t->flags & LOG)) && !(lo > 0))
        return aml_space_wrong(m, d, "write the bounds themselves, such as 1e-4 and 0.1",
                               "parameter `%s`: a logarithmic scale begins above 0, not at %s",
                               d->name, a);
    if ((t->flags & WHOLE) && (lo != floor(lo) || hi != floor(hi) || fabs(lo) > 1e15 || hi > 1e15))
        return aml_space_wrong(m, d, "float takes any number",
                               "parameter `%s`: %s to %s is not a range of integers", d->name, a,
                               b);
    return AML_OK;
}

static aml_status check_positive(const aml_space_maker *m, const aml_definition *d,
                                 aml_range_key key) {
    if (!d->given[key] || (d->number[key] > 0 && isfinite(d->number[key]))) return AML_OK;
    return aml_space_wrong(m, d, NULL, "parameter `%s`: %s must be above 0", d->name,
                           key_names[key]);
}

/* ---- dimensions ---- */

static aml_status grow(aml_space_maker *m) {
    if (m->n < m->room) return AML_OK;
    size_t room = 2 * m->room + 16;
    aml_dim *dims = AML_ARRAY(m->keep, room, aml_dim);
    aml_param *params = AML_ARRAY(m->keep, room, aml_param);
    const aml_json_type **of = AML_ARRAY(m->keep, room, const aml_json_type *);
    if (!dims || !params || !of) return AML_ENOMEM;
    if (m->n) {
        memcpy(dims, m->dims, m->n * sizeof *dims);
        memcpy(params, m->params, m->n * sizeof *params);
        memcpy(of, m->types, m->n * sizeof *of);
    }
    for (size_t i = 0; i < m->n; i++) dims[i].param = &params[i];
    m->dims = dims;
    m->params = params;
    m->types = of;
    m->room = room;
    return AML_OK;
}

static aml_status note(aml_space_maker *m, const char *text) {
    if (!text) return AML_ENOMEM;
    if (m->n_notes + 1 >= m->room_notes) {
        size_t room = 2 * m->room_notes + 8;
        const char **notes = AML_ARRAY(m->keep, room, const char *);
        if (!notes) return AML_ENOMEM;
        if (m->n_notes) memcpy(notes, m->notes, m->n_notes * sizeof *notes);
        m->notes = notes;
        m->room_notes = room;
    }
    m->notes[m->n_notes++] = text;
    return AML_OK;
}

/* Bounds above 0 are hardly meant as exponents: say what they mean. */
static aml_status note_exponents(aml_space_maker *m, const aml_definition *d, double lo,
                                 double hi) {
    char a[32], b[32], c[32], e[32];
    if (!(d->number[AML_RANGE_MIN] > 0)) return AML_OK;
    aml_format_double(a, lo);
    aml_format_double(b, hi);
    aml_format_double(c, d->number[AML_RANGE_MIN]);
    aml_format_double(e, d->number[AML_RANGE_MAX]);
    return note(m, aml_printf(m->keep,
                              "`%s` goes from %s to %s: %s takes exponents of e; for values from "
                              "%s to %s write {\"type\": \"log_float\", \"min\": %s, \"max\": %s}",
                              d->name, a, b, d->type, c, e, c, e));
}

/* Two parameters may share a name when they are never there together: somewhere above them the same choice
 * has another value. */
static bool exclusive(const aml_space_maker *m, size_t i, const aml_dim *other) {
    for (; other->parent >= 0; other = &m->dims[other->parent])
        for (const aml_dim *k = &m->dims[i]; k->parent >= 0; k = &m->dims[k->parent]) {
            if (k->parent != other->parent) continue;
            bool common = false;
            for (double v = 0; v <= aml_param_hi(&m->params[k->parent]); v++)
                common |= aml_dim_lives_with(k, v) && aml_dim_lives_with(other, v);
            if (!common) return true;
        }
    return false;
}

static aml_status check_name(const aml_space_maker *m, const aml_definition *d) {
    const aml_dim own = {.parent = d->parent, .when = d->when, .whens = d->whens};
    if (!*d->name) return aml_space_wrong(m, d, NULL, "a parameter without a name");
    for (size_t i = 0; i < m->n; i++)
        if (!strcmp(m->dims[i].name, d->name) && !exclusive(m, i, &own))
            return aml_space_wrong(m, d, "give one of the two another name",
                                   "a second parameter `%s` that may be there beside the first",
                                   d->name);
    return AML_OK;
}

static bool is_sorted(const aml_definition *d) {
    double last = 0, x;
    int direction = 0;
    for (size_t i = 0; i < d->n_values; i++) {
        if (d->types[i] != AML_JSON_NUMBER) return false;
        if (!aml_parse_double(&x, d->values[i], strlen(d->values[i]))) return false;
        int now = i ? (x > last) - (x < last) : 0;
        if (i && (!now || (direction && now != direction))) return false;
        direction = now;
        last = x;
    }
    return true;
}

static aml_status set_values(aml_dim *dim, aml_param *p, aml_space_maker *m,
                             const aml_definition *d, const struct space_type *t) {
    for (size_t i = 0; i < d->n_values; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(d->values[i], d->values[k]))
                return aml_space_wrong(m, d, NULL, "parameter `%s` has the value `%.60s` twice",
                                       d->name, d->values[i]);
    const char **values = AML_ARRAY(m->keep, d->n_values + 1, const char *);
    if (!values) return AML_ENOMEM;
    memcpy(values, d->values, d->n_values * sizeof *values);
    p->kind = AML_CHOICE;
    p->choices = values;
    dim->hi = (double)d->n_values - 1;
    dim->ordered = (t->flags & ORDERED) || is_sorted(d);
    m->types[m->n] = aml_copy(m->keep, d->types, d->n_values * sizeof *d->types);
    return m->types[m->n] ? AML_OK : AML_ENOMEM;
}

static aml_status set_bool(aml_dim *dim, aml_param *p, aml_space_maker *m) {
    static const aml_json_type of[] = {AML_JSON_FALSE, AML_JSON_TRUE};
    p->kind = AML_CHOICE;
    p->choices = aml_flag_choices;
    dim->hi = 1;
    m->types[m->n] = of;
    return AML_OK;
}

static aml_status set_range(aml_dim *dim, aml_param *p, aml_space_maker *m, const aml_definition *d,
                            const struct space_type *t) {
    const double *x = d->number;
    double lo = t->needed & BIT(MIN) ? x[AML_RANGE_MIN] : 0,
           hi = t->needed & BIT(MAX) ? x[AML_RANGE_MAX] : x[AML_RANGE_UPPER] - 1;
    bool exponents = (t->flags & EXPONENTS) && !d->plain;
    AML_TRY(check_positive(m, d, AML_RANGE_SIGMA));
    AML_TRY(check_positive(m, d, AML_RANGE_Q));
    AML_TRY(check_positive(m, d, AML_RANGE_STEP));
    p->kind = t->flags & WHOLE ? AML_INT : AML_REAL;
    p->log = d->log || (t->flags & LOG);
    dim->rounded = t->flags & ROUNDED;
    dim->step = dim->rounded ? x[AML_RANGE_Q] : d->given[AML_RANGE_STEP] ? x[AML_RANGE_STEP] : 0;
    if (t->flags & NORMAL) {
        enum { WIDE = 6 }; /* 1 of 500 million is beyond */
        dim->mu = x[AML_RANGE_MU];
        dim->spread = x[AML_RANGE_SIGMA];
        lo = dim->mu - WIDE * dim->spread;
        hi = dim->mu + WIDE * dim->spread;
        exponents = p->log;
    }
    if (exponents) lo = exp(lo), hi = exp(hi);
    AML_TRY(check_range(m, d, t, lo, hi));
    if ((t->flags & WHOLE) && dim->step != floor(dim->step))
        return aml_space_wrong(m, d, NULL, "parameter `%s`: the step of integers must be one",
                               d->name);
    if (exponents && !(t->flags & NORMAL)) AML_TRY(note_exponents(m, d, lo, hi));
    p->lo = dim->lo = lo;
    p->hi = dim->hi = hi;
    /* what rounding makes may lie beyond the bounds */
    if (dim->rounded) p->lo -= dim->step, p->hi += dim->step;
    return AML_OK;
}

static aml_status set_fallback(aml_dim *dim, aml_param *p, const aml_space_maker *m,
                               const aml_definition *d) {
    if (!d->fallback) {
        p->fallback = p->kind == AML_CHOICE ? 0 : aml_dim_decode(dim, 0.5);
        return AML_OK;
    }
    aml_status status = aml_param_read(&p->fallback, p, d->fallback);
    if (status != AML_ECONFIG) return status;
    aml_error e = *aml_last_error();
    return aml_space_wrong(m, d, *e.help ? e.help : NULL, "the default of parameter %.300s",
                           e.message);
}

aml_status aml_space_add(aml_space_maker *m, const aml_definition *d) {
    const struct space_type *t = find_type(m, d);
    if (!t) return AML_ECONFIG;
    AML_TRY(check_keys(m, d, t));
    AML_TRY(check_name(m, d));
    AML_TRY(grow(m));
    aml_dim *dim = &m->dims[m->n];
    aml_param *p = &m->params[m->n];
    *p = (aml_param){.name = d->name, .summary = ""};
    *dim = (aml_dim){
        .name = d->name, .param = p, .parent = d->parent, .when = d->when, .whens = d->whens};
    if (t->flags & BOOL) AML_TRY(set_bool(dim, p, m));
    else if (t->flags & VALUES) AML_TRY(set_values(dim, p, m, d, t));
    else AML_TRY(set_range(dim, p, m, d, t));
    AML_TRY(set_fallback(dim, p, m, d));
    m->n++;
    return AML_OK;
}

/* One of the values, into whens when there are several. */
static aml_status set_value(aml_definition *d, const aml_space_maker *m, const aml_param *choice,
                            const char *value) {
    aml_status status = aml_param_read(&d->when, choice, value);
    if (!status && d->whens) d->whens[(size_t)d->when] = true;
    if (status != AML_ECONFIG) return status;
    aml_error e = *aml_last_error();
    return aml_space_wrong(m, d, e.help, "parameter `%s`: %.200s", d->name, e.message);
}

aml_status aml_space_condition(aml_definition *d, const aml_space_maker *m, const char *name,
                               const char *const *values, size_t n_values) {
    const char *names[64], *near = NULL;
    size_t n = 0, dim = m->n;
    for (size_t i = 0; i < m->n; i++) {
        if (n < 64) names[n++] = m->dims[i].name;
        if (!strcmp(m->dims[i].name, name)) dim = i;
    }
    if (dim == m->n) {
        char help[200] = "a condition names a parameter that stands above it";
        near = aml_nearest(name, names, n);
        if (near) snprintf(help, sizeof help, "did you mean `%.80s`?", near);
        return aml_space_wrong(m, d, help, "parameter `%s`: there is no parameter `%.80s` above it",
                               d->name, name);
    }
    if (m->params[dim].kind != AML_CHOICE)
        return aml_space_wrong(m, d, "a condition names a choice and one of its values",
                               "parameter `%s`: `%.80s` is not a choice", d->name, name);
    if (d->parent >= 0 && (m->dims[dim].parent != d->parent || m->dims[dim].when != d->when))
        return aml_space_wrong(m, d, "name one of the same nested space",
                               "parameter `%s`: `%.80s` stands elsewhere", d->name, name);
    if (!n_values)
        return aml_space_wrong(m, d, NULL, "parameter `%s`: the condition names no value", d->name);
    if (n_values > 1) {
        d->whens = AML_ARRAY(m->keep, aml_param_choices(&m->params[dim]), bool);
        if (!d->whens) return AML_ENOMEM;
    }
    for (size_t i = 0; i < n_values; i++) AML_TRY(set_value(d, m, &m->params[dim], values[i]));
    d->parent = (int)dim;
    return AML_OK;
}

aml_status aml_space_finish(aml_user_space **out, aml_space_maker *m) {
    aml_user_space *s = AML_NEW(m->keep, aml_user_space);
    const char **none = AML_ARRAY(m->keep, 1, const char *);
    if (!s || !none) return AML_ENOMEM;
    if (!m->n)
        return aml_help(aml_fail_at(AML_ECONFIG, m->file, 1, 1, "the search space is empty"), NULL,
                        "write a parameter: lr = loguniform(1e-4, 0.1)");
    s->space = (aml_space){.n = m->n, .dims = m->dims};
    s->types = m->types;
    s->notes = m->n_notes ? m->notes : none;
    *out = s;
    return AML_OK;
}
