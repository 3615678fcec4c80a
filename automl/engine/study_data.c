/* study_data.c: from the frame to the table, the task and the folds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "automl/engine/study.h"
#include "featurize/parts/table.h"

/* ---- roles */

static aml_status give_role(aml_role *roles, size_t *column, const aml_frame *f, const char *name,
                            aml_role role, const char *what) {
    size_t c;
    if (!name) return AML_OK;
    AML_TRY(aml_frame_need(&c, f, name, what));
    if (roles[c] != AML_FEATURE && role != AML_DROPPED_BY_USER)
        return aml_help(aml_fail(AML_EUSAGE, "column `%s` cannot have two roles", name), NULL,
                        "name another column as %s", what);
    if (roles[c] == AML_FEATURE) roles[c] = role;
    if (column) *column = c;
    return AML_OK;
}

aml_status aml_study_roles(aml_role *roles, size_t *target, const aml_frame *f,
                           const aml_train_options *o) {
    for (size_t i = 0; i < f->p; i++) roles[i] = AML_FEATURE;
    AML_TRY(give_role(roles, target, f, o->target, AML_TARGET, "target"));
    AML_TRY(give_role(roles, NULL, f, o->weight, AML_WEIGHT, "weight"));
    AML_TRY(give_role(roles, NULL, f, o->group, AML_GROUP, "group"));
    for (size_t i = 0; o->drop && o->drop[i]; i++)
        AML_TRY(give_role(roles, NULL, f, o->drop[i], AML_DROPPED_BY_USER, "dropped"));
    size_t time;
    if (o->time) AML_TRY(aml_frame_need(&time, f, o->time, "time")); /* stays a feature */
    return AML_OK;
}

static int column_of(const aml_frame *f, const char *name) {
    return name ? aml_frame_find(f, name) : -1;
}

/* ---- target and usable rows */

static aml_status usable_frame(aml_study *s, const aml_frame *data) {
    s->frame = data;
    if (s->target.task.n == data->n) return AML_OK;
    AML_TRY(aml_frame_rows(&s->rows, data, s->target.rows, s->target.task.n, &s->model->account));
    s->frame = s->rows;
    for (size_t i = 0; i < s->target.task.n; i++) s->target.rows[i] = (uint32_t)i;
    return AML_OK;
}

static aml_status report_target_rows(aml_study *s) {
    const aml_target *t = &s->target;
    aml_guardrail_list *list = &s->profile.guardrails;
    if (t->n_missing)
        AML_TRY(aml_guardrail_add(list, s->ctx.keep, "target_missing", "Done", t->n_missing,
                                  "rows left out", "the target is missing in %zu rows",
                                  t->n_missing));
    if (t->n_zero_weight)
        AML_TRY(aml_guardrail_add(list, s->ctx.keep, "zero_weight", "Done", t->n_zero_weight,
                                  "rows left out", "%zu rows have no weight", t->n_zero_weight));
    return AML_OK;
}

/* ---- features */

/* The columns in use, as the model will want them again. */
static aml_status choose_features(aml_study *s) {
    const aml_frame *f = s->frame;
    aml_model *m = s->model;
    aml_column *columns = AML_ARRAY(s->ctx.keep, f->p + 1, aml_column);
    aml_schema_column *inputs = AML_ARRAY(m->arena, f->p + 1, aml_schema_column);
    if (!columns || !inputs) return AML_ENOMEM;
    size_t p = 0;
    for (size_t i = 0; i < f->p; i++) {
        if (s->profile.columns[i].role != AML_FEATURE) continue;
        const aml_column *c = &f->columns[i];
        columns[p] = *c;
        inputs[p] = (aml_schema_column){.name = aml_strdup(m->arena, c->name),
                                        .kind = c->kind,
                                        .n_levels = c->n_levels,
                                        .day_first = c->day_first};
        const char **levels = AML_ARRAY(m->arena, (size_t)c->n_levels + 1, const char *);
        if (c->unit) inputs[p].unit = aml_strdup(m->arena, c->unit);
        if (!inputs[p].name || !levels || (c->unit && !inputs[p].unit)) return AML_ENOMEM;
        for (uint32_t l = 0; c->kind == AML_CATEGORY && l < c->n_levels; l++)
            if (!(levels[l] = aml_strdup(m->arena, c->levels[l]))) return AML_ENOMEM;
        inputs[p++].levels = levels;
    }
    s->view = (aml_frame){.n = f->n,
                          .p = p,
                          .columns = columns,
                          .line = f->line,
                          .first_line = f->first_line,
                          .source = f->source};
    m->inputs = (aml_schema){.p = p, .columns = inputs};
    return AML_OK;
}

enum { FEW_VALUES = 24 };
/* Runs of 3 to 5 characters: three begin at each byte, of eight bytes each in a sparse row. They may take a third of the limit. */
enum { BYTES_OF_RUNS = 3 * 8, PART_FOR_RUNS = 3 };

static void gather_facts(aml_study *s) {
    aml_facts *f = &s->facts;
    *f = (aml_facts){.shape = {.n = s->folds.n_train[0],
                               .p = s->view.p,
                               .task = s->task.kind,
                               .n_classes = s->task.n_classes},
                     .needs = s->constraints.needs};
    f->featurization = s->options->featurization;
    f->ranges = s->options->ranges;
    size_t text_bytes = 0, limit = s->options->memory_limit;
    for (size_t i = 0; i < s->frame->p; i++)
        f->n_few += s->profile.columns[i].role == AML_FEATURE &&
                    s->frame->columns[i].kind == AML_NUMBER &&
                    s->profile.columns[i].distinct <= FEW_VALUES;
    for (size_t i = 0; i < s->view.p; i++) {
        const aml_column *c = &s->view.columns[i];
        f->kinds |= (unsigned)c->kind;
        if (c->kind == AML_CATEGORY && c->n_levels > f->most_levels) f->most_levels = c->n_levels;
        f->n_numbers += c->kind == AML_NUMBER;
        f->n_categories += c->kind == AML_CATEGORY;
        f->n_lists += c->kind == AML_TEXT && c->list;
        if (c->kind == AML_TEXT) text_bytes += c->offset[s->view.n] - c->offset[0];
        if (c->n_missing && c->kind != AML_TEXT) f->missing = true;
    }
    f->words_only = limit && text_bytes > limit / (BYTES_OF_RUNS * PART_FOR_RUNS);
}

/* ---- own validation rows, put behind the learning rows */

static aml_status join_column(aml_column *out, const aml_column *a, size_t n, const aml_column *b,
                              size_t m, aml_arena *keep) {
    *out = *a;
    if (a->kind == AML_CATEGORY) {
        int32_t *code = aml_alloc_raw(keep, n + m, sizeof *code);
        if (!code) return AML_ENOMEM;
        memcpy(code, a->code, n * sizeof *code);
        memcpy(code + n, b->code, m * sizeof *code);
        out->code = code;
    } else if (a->kind == AML_NUMBER || a->kind == AML_DATETIME) {
        double *number = aml_alloc_raw(keep, n + m, sizeof *number);
        if (!number) return AML_ENOMEM;
        memcpy(number, a->number, n * sizeof *number);
        memcpy(number + n, b->number, m * sizeof *number);
        out->number = number;
    } else {
        size_t size = a->offset[n], more = b->offset[m] - b->offset[0];
        char *bytes = aml_alloc_raw(keep, size + more + 1, 1);
        uint64_t *offset = aml_alloc_raw(keep, n + m + 1, sizeof *offset);
        if (!bytes || !offset) return AML_ENOMEM;
        memcpy(bytes, a->bytes, size);
        memcpy(bytes + size, b->bytes + b->offset[0], more);
        memcpy(offset, a->offset, (n + 1) * sizeof *offset);
        for (size_t i = 1; i <= m; i++) offset[n + i] = size + b->offset[i] - b->offset[0];
        out->bytes = bytes;
        out->offset = offset;
    }
    out->n_missing += b->n_missing;
    return AML_OK;
}

static aml_status join_view(aml_study *s, const aml_frame *more) {
    aml_column *columns = AML_ARRAY(s->ctx.keep, s->view.p + 1, aml_column);
    if (!columns) return AML_ENOMEM;
    for (size_t i = 0; i < s->view.p; i++)
        AML_TRY(join_column(&columns[i], &s->view.columns[i], s->view.n, &more->columns[i], more->n,
                            s->ctx.keep));
    s->view.columns = columns;
    s->view.n += more->n;
    s->view.line = NULL;
    return AML_OK;
}

static aml_status one_fold(aml_study *s, size_t n, size_t n_valid) {
    uint32_t *rows = AML_ARRAY(s->ctx.keep, n + n_valid, uint32_t);
    const uint32_t **lists = AML_ARRAY(s->ctx.keep, 2, const uint32_t *);
    size_t *counts = AML_ARRAY(s->ctx.keep, 2, size_t);
    if (!rows || !lists || !counts) return AML_ENOMEM;
    for (size_t i = 0; i < n + n_valid; i++) rows[i] = (uint32_t)i;
    lists[0] = rows, lists[1] = rows + n;
    counts[0] = n, counts[1] = n_valid;
    s->folds = (aml_folds){.k = 1,
                           .train = &lists[0],
                           .n_train = &counts[0],
                           .valid = &lists[1],
                           .n_valid = &counts[1],
                           .scheme = "own validation rows"};
    return AML_OK;
}

static aml_status join_task(aml_study *s, const double *more, size_t n_more) {
    aml_task *t = &s->task;
    double *y = AML_ARRAY(s->ctx.keep, t->n + n_more, double),
           *w = t->w ? AML_ARRAY(s->ctx.keep, t->n + n_more, double) : NULL;
    if (!y || (t->w && !w)) return AML_ENOMEM;
    memcpy(y, t->y, t->n * sizeof *y);
    memcpy(y + t->n, more, n_more * sizeof *y);
    for (size_t i = 0; w && i < t->n + n_more; i++) w[i] = i < t->n ? t->w[i] : 1;
    t->y = y;
    t->w = w;
    t->n += n_more;
    t->group = NULL;
    t->time = NULL;
    return AML_OK;
}

static aml_status own_validation(aml_study *s) {
    const aml_frame *valid = s->options->valid;
    aml_frame *usable, view;
    size_t target, n = s->task.n, k = 0;
    AML_TRY(aml_frame_need(&target, valid, s->options->target, "target"));
    double *y = AML_ARRAY(s->ctx.scratch, valid->n + 1, double);
    uint32_t *rows = AML_ARRAY(s->ctx.scratch, valid->n + 1, uint32_t);
    if (!y || !rows) return AML_ENOMEM;
    AML_TRY(aml_target_read(y, valid, target, s->task.kind, s->task.classes, s->task.n_classes));
    for (size_t i = 0; i < valid->n; i++) {
        if (isnan(y[i])) continue;
        y[k] = y[i];
        rows[k++] = (uint32_t)i;
    }
    if (!k)
        return aml_help(
            aml_fail_at(AML_EDATA, valid->source, 0, 0, "no validation row has a known target"),
            NULL, "check the column `%s` of the file", s->options->target);
    AML_TRY(aml_frame_rows(&usable, valid, rows, k, &s->model->account));
    aml_status status = aml_conform(&view, &s->model->inputs, usable, &s->ctx);
    if (!status) status = join_view(s, &view);
    if (!status) status = join_task(s, y, k);
    if (!status) status = one_fold(s, n, k);
    aml_frame_free(usable);
    return status;
}

/* ---- folds */

static aml_status bad_validation(const char *text) {
    aml_fail(AML_EUSAGE, "validation `%s` is not known", text);
    return aml_help(AML_EUSAGE, NULL,
                    "use cv2 … cv20 (folds) or holdout0.05 … holdout0.5 (share of the rows)");
}

/* Folds while they are affordable: the work of one trial grows with rows × columns, the time limit pays for it. */
static size_t automatic_folds(const aml_study *s) {
    double cells = (double)s->task.n * (double)(s->view.p > 10 ? s->view.p : 10);
    cells *= s->task.kind == AML_MULTICLASS ? 0.5 * s->task.n_classes : 1;
    double seconds = s->deadline > 0 ? s->deadline - s->start : 600;
    if (cells > 25000 * seconds) return cells > 60000 * seconds || s->task.n > 60000 ? 1 : 3;
    return s->task.n < 100 ? 10 : 5;
}

/* The automatic choice in the words of the option, so that it can be made again under another time limit. */
static aml_status choose_validation(const char **out, aml_study *s) {
    char share[32];
    size_t k = automatic_folds(s);
    double part = 20000.0 / (double)s->task.n;
    aml_format_double(share, part > 0.2 ? 0.2 : part < 0.05 ? 0.05 : part);
    *out =
        k > 1 ? aml_printf(s->ctx.keep, "cv%zu", k) : aml_printf(s->ctx.keep, "holdout%s", share);
    return *out ? AML_OK : AML_ENOMEM;
}

static aml_status make_folds(aml_study *s) {
    const char *text = s->options->validation;
    if (!text || !strcmp(text, "auto")) text = s->validation;
    if (!text) AML_TRY(choose_validation(&text, s));
    s->validation = text;
    double number;
    aml_rng rng = aml_rng_stream(s->options->seed, AML_RNG_SPLIT, 0, 0);
    if (!strncmp(text, "cv", 2)) {
        if (!aml_parse_double(&number, text + 2, strlen(text + 2)) || number < 2 || number > 20 ||
            number != floor(number))
            return bad_validation(text);
        return aml_split_kfold(&s->folds, &s->task, (size_t)number, rng, s->ctx.keep);
    }
    if (!strncmp(text, "holdout", 7)) {
        if (!aml_parse_double(&number, text + 7, strlen(text + 7)) || number < 0.01 || number > 0.9)
            return bad_validation(text);
        return aml_split_holdout(&s->folds, &s->task, number, rng, s->ctx.keep);
    }
    return bad_validation(text);
}

static aml_status fingerprint(aml_study *s) {
    uint64_t h = 0;
    for (size_t i = 0; i < s->view.p; i++) {
        const aml_column *c = &s->view.columns[i];
        h = aml_hash(c->name, strlen(c->name), h);
        if (c->kind == AML_CATEGORY) h = aml_hash(c->code, s->view.n * sizeof *c->code, h);
        else if (c->kind == AML_NUMBER || c->kind == AML_DATETIME)
            h = aml_hash(c->number, s->view.n * sizeof *c->number, h);
        else h = aml_hash(c->bytes, c->offset[s->view.n], h);
    }
    h = aml_hash(s->task.y, s->task.n * sizeof *s->task.y, h);
    s->model->fingerprint = aml_printf(s->model->arena, "%016llx", (unsigned long long)h);
    return s->model->fingerprint ? AML_OK : AML_ENOMEM;
}

static aml_status describe_task(aml_study *s) {
    aml_model *m = s->model;
    const aml_task *t = &s->target.task;
    m->kind = t->kind;
    m->n_classes = t->n_classes;
    m->target = aml_strdup(m->arena, s->options->target);
    const char **classes = AML_ARRAY(m->arena, (size_t)t->n_classes + 1, const char *);
    if (!m->target || !classes) return AML_ENOMEM;
    for (int i = 0; i < t->n_classes; i++)
        if (!(classes[i] = aml_strdup(m->arena, t->classes[i]))) return AML_ENOMEM;
    m->classes = classes;
    m->n_rows = t->n;
    m->seed = s->options->seed;
    m->version = aml_version();
    s->task = *t;
    return AML_OK;
}

/* Columns that the featurization option leaves out. */
static aml_status leave_out(aml_study *s, aml_role *roles, const aml_frame *data) {
    bool *drop = AML_ARRAY(s->ctx.scratch, data->p + 1, bool),
         *asked = AML_ARRAY(s->ctx.scratch, data->p + 1, bool);
    uint32_t *list = AML_ARRAY(s->ctx.keep, data->p + 1, uint32_t);
    size_t n = 0;
    if (!drop || !asked || !list) return AML_ENOMEM;
    AML_TRY(aml_featurization_drops(drop, asked, s->options->featurization, data));
    for (size_t j = 0; j < data->p; j++) {
        if (roles[j] != AML_FEATURE) continue;
        if (asked[j]) roles[j] = AML_ASKED;
        if (!drop[j]) continue;
        roles[j] = AML_DROPPED_BY_USER;
        list[n++] = (uint32_t)j;
    }
    s->n_left_out = n;
    s->left_out = list;
    return AML_OK;
}

static aml_status report_left_out(aml_study *s) {
    aml_guardrail_list *list = &s->profile.guardrails;
    size_t n = s->n_left_out;
    if (!n) return AML_OK;
    char *names = aml_name_list(s->frame, s->left_out, n, s->ctx.keep);
    if (!names) return AML_ENOMEM;
    AML_TRY(
        aml_guardrail_add(list, s->ctx.keep, "columns_left_out", "Done", n, "not used as features",
                          "%zu columns that the featurization option leaves out: %s", n, names));
    return aml_guardrail_columns(list, s->ctx.keep, s->frame, s->left_out, n);
}

static aml_status find_target(aml_study *s, const aml_frame *data, aml_role *roles) {
    const aml_train_options *o = s->options;
    size_t target;
    if (!o->target)
        return aml_help(aml_fail(AML_EUSAGE, "no target is named"), NULL,
                        "name the column to predict: --target COLUMN");
    if (!data->n)
        return aml_help(aml_fail_at(AML_EDATA, data->source, 0, 0, "the table has no rows"),
                        "learning needs rows", "check the file: it holds a header only");
    AML_TRY(aml_study_roles(roles, &target, data, o));
    AML_TRY(leave_out(s, roles, data));
    AML_TRY(aml_target_make(&s->target, data, target, o->task, column_of(data, o->weight),
                            column_of(data, o->group), column_of(data, o->time), &s->ctx));
    return AML_OK;
}

static aml_status make_constraints(aml_study *s, const aml_frame *data, const aml_role *roles) {
    AML_TRY(aml_constraints_make(&s->constraints, s->options, data, roles, &s->view, s->task.kind,
                                 &s->ctx));
    return aml_constraints_report(&s->profile.guardrails, &s->constraints, s->options, &s->view,
                                  s->task.kind, &s->ctx);
}

aml_status aml_study_data(aml_study *s, const aml_frame *given) {
    const aml_frame *data = &s->data;
    aml_role *roles = AML_ARRAY(s->ctx.keep, given->p + 1, aml_role);
    if (!roles) return AML_ENOMEM;
    AML_TRY(aml_featurization_kinds(&s->data, &s->made, s->options->featurization, given, &s->ctx));
    AML_TRY(find_target(s, data, roles));
    AML_TRY(usable_frame(s, data));
    s->ctx.rng = aml_rng_stream(s->options->seed, AML_RNG_SAMPLE, 0, 0);
    AML_TRY(aml_profile_columns(&s->profile, s->frame, roles, &s->ctx));
    AML_TRY(report_target_rows(s));
    AML_TRY(report_left_out(s));
    AML_TRY(aml_profile_target(&s->profile, s->frame, &s->target.task, s->target.rows, &s->ctx));
    AML_TRY(describe_task(s));
    AML_TRY(choose_features(s));
    AML_TRY(make_constraints(s, data, roles));
    if (s->options->valid) AML_TRY(own_validation(s));
    else AML_TRY(make_folds(s));
    AML_TRY(
        aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "validation", "Done", s->folds.k,
                          s->options->validation ? "as asked" : "chosen by rows, columns and time",
                          "%s", s->folds.scheme));
    gather_facts(s);
    AML_TRY(fingerprint(s));
    return aml_table_from_frame(&s->table, &s->view, NULL, &s->ctx);
}
