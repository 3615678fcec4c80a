/* featurization.c: the featurization option, from JSON to what the engine asks of it. */
#include "automl/engine/featurization.h"

#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/engine/catalog.h"

enum { MAX_FILE = 16 << 20 };

typedef struct column_kind {
    const char *name;
    aml_kind kind; /* 0 = drop */
} column_kind;

typedef struct step_param {
    const aml_step *step;
    size_t param;
    double value;
} step_param;

struct aml_featurization {
    aml_arena *arena;
    bool off;
    size_t n_blocked, n_kinds, n_params;
    const char **blocked;
    column_kind *kinds;
    step_param *params;
    const char **texts; /* NULL-ended */
};

/* ---- reading */

static aml_status wrong(const char *file, const aml_json *at, const char *near, const char *what,
                        const char *word) {
    char shown[256];
    aml_fail_at(AML_ECONFIG, file, at->line, at->column, "%s `%s`", what,
                aml_printable(shown, sizeof shown, word, strlen(word), 60));
    return near ? aml_help(AML_ECONFIG, NULL, "did you mean `%s`?", near)
                : aml_help(AML_ECONFIG, NULL,
                           "the keys are mode, blocked, kinds and params; `automl catalog` lists "
                           "the steps with their parameters");
}

static const char *nearest_step(const char *word) {
    const char *names[64];
    size_t n = 0;
    for (const aml_step *const *s = aml_steps(); *s && n < 64; s++) names[n++] = (*s)->name;
    return aml_nearest(word, names, n);
}

static aml_status need_type(const aml_json *x, aml_json_type type, const char *file,
                            const char *what) {
    return x->type == type ? AML_OK : wrong(file, x, NULL, "a value of the wrong type for", what);
}

static aml_status read_blocked(aml_featurization *f, const aml_json *list, const char *file) {
    AML_TRY(need_type(list, AML_JSON_ARRAY, file, "blocked"));
    f->blocked = AML_ARRAY(f->arena, list->size + 1, const char *);
    if (!f->blocked) return AML_ENOMEM;
    for (const aml_json *x = list->child; x; x = x->next) {
        AML_TRY(need_type(x, AML_JSON_STRING, file, "blocked"));
        if (!aml_step_find(x->string))
            return wrong(file, x, nearest_step(x->string), "there is no step", x->string);
        f->blocked[f->n_blocked++] = x->string;
    }
    return AML_OK;
}

static aml_status read_kinds(aml_featurization *f, const aml_json *object, const char *file) {
    static const char *const words[] = {"category", "text", "number", "datetime", "drop"};
    AML_TRY(need_type(object, AML_JSON_OBJECT, file, "kinds"));
    f->kinds = AML_ARRAY(f->arena, object->size + 1, column_kind);
    f->texts = AML_ARRAY(f->arena, object->size + 1, const char *);
    if (!f->kinds || !f->texts) return AML_ENOMEM;
    size_t n_texts = 0;
    for (const aml_json *x = object->child; x; x = x->next) {
        AML_TRY(need_type(x, AML_JSON_STRING, file, x->name));
        column_kind *k = &f->kinds[f->n_kinds++];
        k->name = x->name;
        if (strcmp(x->string, "drop") != 0 &&
            (!aml_kind_parse(&k->kind, x->string) || k->kind == AML_IDENTIFIER))
            return wrong(file, x, aml_nearest(x->string, words, 5), "there is no kind", x->string);
        if (k->kind == AML_CATEGORY || k->kind == AML_TEXT) f->texts[n_texts++] = x->name;
    }
    return AML_OK;
}

static aml_status read_param(step_param *out, const aml_json *x, const aml_step *step,
                             const char *file) {
    int i = aml_params_find(step->params, x->name);
    if (i < 0) {
        const char *names[64];
        size_t n = 0;
        for (; n < aml_params_count(step->params) && n < 64; n++) names[n] = step->params[n].name;
        return wrong(file, x, aml_nearest(x->name, names, n), "the step has no parameter", x->name);
    }
    const char *text = x->type == AML_JSON_TRUE    ? "true"
                       : x->type == AML_JSON_FALSE ? "false"
                                                   : x->string;
    if (!text || x->type == AML_JSON_ARRAY || x->type == AML_JSON_OBJECT)
        return wrong(file, x, NULL, "a value of the wrong type for", x->name);
    *out = (step_param){.step = step, .param = (size_t)i};
    return aml_param_read(&out->value, &step->params[i], text);
}

static aml_status read_params(aml_featurization *f, const aml_json *object, const char *file) {
    size_t n = 0;
    AML_TRY(need_type(object, AML_JSON_OBJECT, file, "params"));
    for (const aml_json *s = object->child; s; s = s->next) n += s->size;
    f->params = AML_ARRAY(f->arena, n + 1, step_param);
    if (!f->params) return AML_ENOMEM;
    for (const aml_json *s = object->child; s; s = s->next) {
        const aml_step *step = aml_step_find(s->name);
        if (!step) return wrong(file, s, nearest_step(s->name), "there is no step", s->name);
        AML_TRY(need_type(s, AML_JSON_OBJECT, file, s->name));
        for (const aml_json *x = s->child; x; x = x->next)
            AML_TRY(read_param(&f->params[f->n_params++], x, step, file));
    }
    return AML_OK;
}

static aml_status read_mode(aml_featurization *f, const aml_json *x, const char *file) {
    static const char *const modes[] = {"auto", "off"};
    AML_TRY(need_type(x, AML_JSON_STRING, file, "mode"));
    f->off = !strcmp(x->string, "off");
    if (!f->off && strcmp(x->string, "auto") != 0)
        return wrong(file, x, aml_nearest(x->string, modes, 2), "there is no mode", x->string);
    return AML_OK;
}

static aml_status read_object(aml_featurization *f, const aml_json *root, const char *file) {
    static const struct {
        const char *name;
        aml_status (*read)(aml_featurization *f, const aml_json *x, const char *file);
    } keys[] = {{"mode", read_mode},
                {"blocked", read_blocked},
                {"kinds", read_kinds},
                {"params", read_params}};
    static const char *const names[] = {"mode", "blocked", "kinds", "params"};
    AML_TRY(need_type(root, AML_JSON_OBJECT, file, "featurization"));
    for (const aml_json *x = root->child; x; x = x->next) {
        size_t k = 0;
        while (k < 4 && strcmp(keys[k].name, x->name) != 0) k++;
        if (k == 4) return wrong(file, x, aml_nearest(x->name, names, 4), "unknown key", x->name);
        AML_TRY(keys[k].read(f, x, file));
    }
    return AML_OK;
}

static aml_status parse(aml_featurization **out, const char *text, size_t length,
                        const char *file) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_featurization *f = arena ? AML_NEW(arena, aml_featurization) : NULL;
    aml_status status = f ? AML_OK : AML_ENOMEM;
    bool word = length < 5 && (!strcmp(text, "auto") || !strcmp(text, "off"));
    if (!status) {
        aml_json *root;
        f->arena = arena;
        f->texts = AML_ARRAY(arena, 1, const char *);
        if (!f->texts) status = AML_ENOMEM;
        else if (word) f->off = text[0] == 'o';
        else {
            status =
                aml_json_parse(&root, arena, text, length, file, AML_JSON_COMMENTS, AML_ECONFIG);
            if (!status) status = read_object(f, root, file);
        }
    }
    if (status) aml_arena_free(arena);
    *out = status ? NULL : f;
    return status;
}

aml_status aml_featurization_parse(aml_featurization **out, const char *text) {
    return parse(out, text, strlen(text), "featurization");
}

aml_status aml_featurization_read(aml_featurization **out, const char *path) {
    char *text;
    size_t size;
    *out = NULL;
    AML_TRY(aml_read_file(&text, &size, path, MAX_FILE, NULL));
    aml_status status = parse(out, text, size, path);
    aml_free(text);
    return status;
}

void aml_featurization_free(aml_featurization *f) {
    if (f) aml_arena_free(f->arena);
}

const char *const *aml_featurization_texts(const aml_featurization *f) { return f->texts; }

/* ---- what the engine asks */

bool aml_featurization_is_off(const aml_featurization *f) { return f && f->off; }

/* When it is off only what learners cannot do without is left. */
bool aml_featurization_allows(const aml_featurization *f, const char *step) {
    static const char *const needed[] = {"datetime", "rare",     "impute", "one_hot",
                                         "ordinal",  "text_svd", "scale"};
    bool need = !f || !f->off;
    for (size_t i = 0; !need && i < sizeof needed / sizeof *needed; i++)
        need = !strcmp(needed[i], step);
    for (size_t i = 0; need && f && i < f->n_blocked; i++) need = strcmp(f->blocked[i], step) != 0;
    return need;
}

void aml_featurization_set(const aml_featurization *f, const aml_step *step, double *hp) {
    for (size_t i = 0; f && i < f->n_params; i++)
        if (f->params[i].step == step) hp[f->params[i].param] = f->params[i].value;
}

aml_status aml_featurization_drops(bool *drop, bool *asked, const aml_featurization *f,
                                   const aml_frame *data) {
    for (size_t j = 0; j < data->p; j++) {
        aml_kind kind = data->columns[j].kind;
        asked[j] = false;
        drop[j] = (kind == AML_TEXT && !aml_featurization_allows(f, "text_hash")) ||
                  (kind == AML_DATETIME && !aml_featurization_allows(f, "datetime"));
    }
    for (size_t i = 0; f && i < f->n_kinds; i++) {
        size_t column;
        AML_TRY(aml_frame_need(&column, data, f->kinds[i].name, "featurization"));
        drop[column] = drop[column] || !f->kinds[i].kind;
        asked[column] = f->kinds[i].kind != 0;
    }
    return AML_OK;
}

/* The cells of a column as texts, NULL = missing. */
static aml_status cell_texts(const char **out, const aml_column *c, size_t n, aml_arena *a) {
    for (size_t i = 0; i < n; i++) {
        char room[64];
        size_t length;
        const char *text = aml_frame_cell(&length, c, i, room);
        out[i] = NULL;
        if (length && !(out[i] = aml_strndup(a, text, length))) return AML_ENOMEM;
    }
    return AML_OK;
}

static aml_status convert(aml_frame_builder *b, const aml_column *c, aml_kind kind, size_t n,
                          aml_ctx *ctx) {
    aml_mark mark = aml_arena_mark(ctx->scratch);
    const char **text = AML_ARRAY(ctx->scratch, n, const char *);
    if (!text) return AML_ENOMEM;
    AML_TRY(cell_texts(text, c, n, ctx->scratch));
    AML_TRY(aml_frame_add_strings(b, c->name, text, kind));
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

/* Makes anew the columns whose kind differs; place[k] = column of the k-th of them. */
static aml_status convert_all(aml_frame_builder *b, size_t *place, size_t *n,
                              const aml_featurization *f, const aml_frame *data, aml_ctx *ctx) {
    for (size_t i = 0; i < f->n_kinds; i++) {
        size_t column;
        aml_kind kind = f->kinds[i].kind;
        AML_TRY(aml_frame_need(&column, data, f->kinds[i].name, "featurization"));
        const aml_column *c = &data->columns[column];
        if (!kind || c->kind == kind) continue;
        if (kind != AML_CATEGORY && kind != AML_TEXT)
            return aml_help(aml_fail(AML_EDATA, "column `%s` holds a %s, not a %s", c->name,
                                     aml_kind_name(c->kind), aml_kind_name(kind)),
                            "only categories and texts can be made of any column",
                            "mend its cells in the file");
        AML_TRY(convert(b, c, kind, data->n, ctx));
        place[(*n)++] = column;
    }
    return AML_OK;
}

aml_status aml_featurization_kinds(aml_frame *out, aml_frame **made, const aml_featurization *f,
                                   const aml_frame *data, aml_ctx *ctx) {
    size_t n = 0;
    *out = *data;
    *made = NULL;
    if (!f || !f->n_kinds) return AML_OK;
    size_t *place = AML_ARRAY(ctx->scratch, f->n_kinds, size_t);
    aml_column *columns = aml_copy(ctx->keep, data->columns, data->p * sizeof *columns);
    aml_frame_builder *b = aml_frame_builder_new(data->n, NULL);
    aml_status status = place && columns && b ? AML_OK : AML_ENOMEM;
    if (!status) status = convert_all(b, place, &n, f, data, ctx);
    if (status || !n) {
        aml_frame_builder_free(b);
        return status;
    }
    *made = aml_frame_build(b);
    if (!*made) return AML_ENOMEM;
    for (size_t k = 0; k < n; k++) columns[place[k]] = (*made)->columns[k];
    out->columns = columns;
    return AML_OK;
}

/* Those of a step stand together. */
static void put_param(aml_string *out, const aml_featurization *f, size_t i) {
    const step_param *p = &f->params[i];
    const aml_param *param = &p->step->params[p->param];
    bool first = !i || p[-1].step != p->step, last = i + 1 == f->n_params || p[1].step != p->step;
    if (first) aml_json_key(out, p->step->name);
    if (first) aml_string_put(out, "{");
    if (param->kind == AML_CHOICE)
        aml_json_add_string(out, param->name, param->choices[(size_t)p->value]);
    else aml_json_add_number(out, param->name, p->value);
    if (last) aml_string_put(out, "}");
}

void aml_featurization_put(aml_string *out, const aml_featurization *f) {
    if (!f) {
        aml_json_put_string(out, "auto");
        return;
    }
    aml_string_put(out, "{");
    aml_json_add_string(out, "mode", f->off ? "off" : "auto");
    aml_json_key(out, "blocked");
    aml_string_put(out, "[");
    for (size_t i = 0; i < f->n_blocked; i++) {
        aml_json_comma(out);
        aml_json_put_string(out, f->blocked[i]);
    }
    aml_string_put(out, "]");
    aml_json_key(out, "kinds");
    aml_string_put(out, "{");
    for (size_t i = 0; i < f->n_kinds; i++)
        aml_json_add_string(out, f->kinds[i].name,
                            f->kinds[i].kind ? aml_kind_name(f->kinds[i].kind) : "drop");
    aml_string_put(out, "}");
    aml_json_key(out, "params");
    aml_string_put(out, "{");
    for (size_t i = 0; i < f->n_params; i++) put_param(out, f, i);
    aml_string_put(out, "}}");
}
