/* check.c: `automl check`: profile and guardrails without a model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/csv.h"
#include "automl/core/json.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/engine/model.h"
#include "automl/engine/study.h"

struct aml_check {
    aml_arena *arena;
    size_t p;
    aml_profile *columns;
    aml_guardrail_list guardrails;
    const char *task, *reading; /* reading: JSON, or NULL */
    const char *const *notes;
    size_t n_notes;
};

static const char *role_name(aml_role role) {
    static const char *const names[] = {"feature", "feature", "target",         "weight",
                                        "group",   "time",    "dropped by you", "dropped"};
    return names[role];
}

/* The three most frequent levels with their counts. */
static aml_status top_levels(aml_string *s, const aml_column *c, size_t n) {
    size_t *count = aml_calloc((size_t)c->n_levels + 1, sizeof *count);
    if (!count) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (c->code[i] >= 0) count[c->code[i]]++;
    for (int shown = 0; shown < 3; shown++) {
        uint32_t best = c->n_levels;
        for (uint32_t l = 0; l < c->n_levels; l++)
            if (count[l] && (best == c->n_levels || count[l] > count[best])) best = l;
        if (best == c->n_levels) break;
        char text[160];
        aml_printable(text, sizeof text, c->levels[best], strlen(c->levels[best]), 24);
        aml_string_printf(s, "%s%s (%zu)", shown ? ", " : "", text, count[best]);
        count[best] = 0;
    }
    aml_free(count);
    return AML_OK;
}

enum { FEW_VALUES = 24, ROWS_A_VALUE = 20 };

/* Whole numbers of few values, which may stand for categories. */
static bool is_code(const aml_column *c, const aml_column_facts *f, size_t n) {
    return c->kind == AML_NUMBER && c->integer && c->form == AML_PLAIN && f->distinct > 2 &&
           f->distinct <= FEW_VALUES && f->distinct * ROWS_A_VALUE <= n;
}

/* The three most frequent values of such a column with their counts. */
static void top_values(aml_string *s, const aml_column *c, size_t n) {
    double value[FEW_VALUES];
    size_t count[FEW_VALUES] = {0}, n_values = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n_values && value[k] != c->number[i]) k++;
        if (isnan(c->number[i]) || k == FEW_VALUES) continue;
        if (k == n_values) value[n_values++] = c->number[i];
        count[k]++;
    }
    for (int shown = 0; shown < 3; shown++) {
        size_t best = 0;
        for (size_t k = 1; k < n_values; k++)
            if (count[k] > count[best]) best = k;
        aml_string_put(s, shown ? ", " : "");
        aml_string_double(s, value[best]);
        aml_string_printf(s, " (%zu)", count[best]);
        count[best] = 0;
    }
}

static aml_status describe(aml_profile *out, const aml_column *c, const aml_column_facts *f,
                           size_t n, aml_arena *arena) {
    *out = (aml_profile){.size = sizeof *out,
                         .role = role_name(f->role),
                         .kind = aml_kind_name(c->kind),
                         .form = is_code(c, f, n) ? "code" : aml_column_form(c),
                         .missing = f->missing,
                         .distinct = f->distinct,
                         .min = f->min,
                         .mean = f->mean,
                         .max = f->max,
                         .warning = f->warning};
    aml_string s = {0};
    aml_status status = AML_OK;
    if (is_code(c, f, n)) {
        top_values(&s, c, n);
    } else if (c->kind == AML_CATEGORY) {
        status = top_levels(&s, c, n);
    } else if (c->kind == AML_DATETIME && isfinite(f->min)) {
        char text[64];
        aml_string_add(&s, text, aml_format_datetime(text, f->min));
        aml_string_put(&s, " … ");
        aml_string_add(&s, text, aml_format_datetime(text, f->max));
    } else if ((c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) && n) {
        char text[200];
        size_t row = 0;
        while (row + 1 < n && c->offset[row + 1] == c->offset[row]) row++;
        aml_string_put(&s, aml_printable(text, sizeof text, c->bytes + c->offset[row],
                                         c->offset[row + 1] - c->offset[row], 40));
    }
    out->name = aml_strdup(arena, c->name);
    out->top = aml_strdup(arena, s.text ? s.text : "");
    out->warning = aml_strdup(arena, f->warning);
    out->unit = aml_strdup(arena, c->unit ? c->unit : "");
    bool failed = s.failed || !out->name || !out->top || !out->warning || !out->unit;
    aml_string_free(&s);
    return failed ? AML_ENOMEM : status;
}

static aml_status check_target(aml_check *c, aml_data_profile *profile, const aml_frame *data,
                               size_t column, const aml_train_options *o, aml_ctx *ctx) {
    aml_target target;
    int weight = o->weight ? aml_frame_find(data, o->weight) : -1;
    AML_TRY(aml_target_make(&target, data, column, o->task, weight, -1, -1, ctx));
    c->task = aml_task_name(target.task.kind);
    if (target.n_missing)
        AML_TRY(aml_guardrail_add(&profile->guardrails, ctx->keep, "target_missing", "Done",
                                  target.n_missing, "rows left out",
                                  "the target is missing in %zu rows", target.n_missing));
    return aml_profile_target(profile, data, &target.task, target.rows, ctx);
}

/* How the file was read, and what was said about it. */
static aml_status keep_reading(aml_check *c, const aml_frame *data) {
    const char **notes = AML_ARRAY(c->arena, data->n_notes + 1, const char *);
    c->reading = data->reading ? aml_strdup(c->arena, data->reading) : NULL;
    if (!notes || (data->reading && !c->reading)) return AML_ENOMEM;
    for (size_t i = 0; i < data->n_notes; i++)
        if (!(notes[i] = aml_strdup(c->arena, data->notes[i]))) return AML_ENOMEM;
    c->notes = notes;
    c->n_notes = data->n_notes;
    return AML_OK;
}

static aml_status run(aml_check *c, const aml_frame *data, const aml_train_options *o,
                      aml_ctx *ctx) {
    aml_role *roles = AML_ARRAY(ctx->scratch, data->p + 1, aml_role);
    aml_data_profile profile;
    size_t target;
    if (!roles) return AML_ENOMEM;
    AML_TRY(aml_study_roles(roles, &target, data, o));
    AML_TRY(aml_profile_columns(&profile, data, roles, ctx));
    if (o->target && data->n) AML_TRY(check_target(c, &profile, data, target, o, ctx));
    c->columns = AML_ARRAY(ctx->keep, data->p + 1, aml_profile);
    if (!c->columns) return AML_ENOMEM;
    for (size_t i = 0; i < data->p; i++)
        AML_TRY(
            describe(&c->columns[i], &data->columns[i], &profile.columns[i], data->n, ctx->keep));
    c->p = data->p;
    c->guardrails = profile.guardrails;
    return keep_reading(c, data);
}

aml_status aml_check_run(aml_check **out, const aml_frame *data, const aml_train_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    AML_NEED(options);
    aml_par_init();
    aml_train_options own;
    AML_TRY(aml_call_options(&own, sizeof own, options, "aml_train_options"));
    options = &own;
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_check *c = keep ? AML_NEW(keep, aml_check) : NULL;
    aml_ctx ctx = {.keep = keep,
                   .scratch = scratch,
                   .n_threads = aml_par_threads(options->threads),
                   .rng = aml_rng_stream(options->seed, AML_RNG_SAMPLE, 0, 0)};
    aml_status status = c && scratch ? AML_OK : AML_ENOMEM;
    if (!status) {
        c->arena = keep;
        c->task = "";
        status = run(c, data, options, &ctx);
    }
    aml_arena_free(scratch);
    if (status) aml_arena_free(keep);
    else *out = c;
    return status;
}

void aml_check_free(aml_check *c) {
    if (c) aml_arena_free(c->arena);
}

int aml_check_profile(const aml_check *c, size_t i, aml_profile *out) {
    AML_NEED_OR(c, 0);
    AML_NEED_OR(out, 0);
    return i < c->p && aml_call_give(out, &c->columns[i], sizeof *out);
}

int aml_check_guardrail(const aml_check *c, size_t i, aml_guardrail *out) {
    AML_NEED_OR(c, 0);
    AML_NEED_OR(out, 0);
    return i < c->guardrails.n && aml_call_give(out, &c->guardrails.at[i], sizeof *out);
}

const char *aml_check_task(const aml_check *c) {
    AML_NEED_OR(c, "");
    return c->task;
}

static void put_column(aml_string *s, const aml_profile *p) {
    const char *const texts[][2] = {{"name", p->name},      {"kind", p->kind}, {"form", p->form},
                                    {"unit", p->unit},      {"role", p->role}, {"top", p->top},
                                    {"warning", p->warning}};
    const struct {
        const char *name;
        double x;
    } numbers[] = {{"missing", (double)p->missing},
                   {"distinct", (double)p->distinct},
                   {"min", p->min},
                   {"mean", p->mean},
                   {"max", p->max}};
    aml_json_comma(s);
    aml_string_put(s, "{");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        aml_json_add_string(s, texts[i][0], texts[i][1]);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        aml_json_add_number(s, numbers[i].name, numbers[i].x);
    }
    aml_string_put(s, "}");
}

char *aml_check_json(const aml_check *c) {
    AML_NEED_OR(c, NULL);
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_string(&s, "task", c->task);
    if (c->reading) {
        aml_json_key(&s, "reading");
        aml_string_put(&s, c->reading);
    }
    aml_json_key(&s, "notes");
    aml_string_put(&s, "[");
    for (size_t i = 0; i < c->n_notes; i++) {
        aml_json_comma(&s);
        aml_json_put_string(&s, c->notes[i]);
    }
    aml_string_put(&s, "]");
    aml_json_key(&s, "columns");
    aml_string_put(&s, "[");
    for (size_t i = 0; i < c->p; i++) put_column(&s, &c->columns[i]);
    aml_string_put(&s, "]");
    aml_json_key(&s, "guardrails");
    aml_put_guardrails(&s, &c->guardrails);
    aml_string_put(&s, "}");
    return aml_json_finish(&s);
}
