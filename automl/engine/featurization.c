/* featurization.c: the featurization option, from JSON to what the engine asks of it. */
#include "automl/engine/featurization.h"

#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/core/json_param.h"
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
    aml_arena *arena; /* its own, or NULL: that of the document it is part of */
    const char *mode; /* NULL = auto */
    size_t n_kinds, n_params;
    const char *const *blocked; /* NULL-ended, or NULL */
    column_kind *kinds;
    step_param *params;
    const char **texts; /* NULL-ended */
};

/* ---- reading */

static const char *mode_word(size_t i) {
    static const char *const words[] = {"auto", "all", "off", NULL};
    return words[i];
}

static const char *kind_word(size_t i) {
    static const char *const words[] = {"category", "text", "number", "datetime", "drop", NULL};
    return words[i];
}

static const char *step_word(size_t i) {
    const aml_step *step = aml_steps()[i];
    return step ? step->name : NULL;
}

static aml_status read_kinds(void *to, const aml_json *object, const aml_key_place *at) {
    static const aml_key one = {.type = AML_KEY_TEXT, .word = kind_word};
    aml_featurization *f = to;
    AML_TRY(aml_key_need(object, AML_JSON_OBJECT, at));
    f->kinds = AML_ARRAY(at->keep, object->size + 1, column_kind);
    f->texts = AML_ARRAY(at->keep, object->size + 1, const char *);
    if (!f->kinds || !f->texts) return AML_ENOMEM;
    size_t n_texts = 0;
    for (const aml_json *x = object->child; x; x = x->next) {
        const char *word;
        aml_key_place place = aml_key_member(at, x->name);
        AML_TRY(aml_key_read(&word, x, &one, &place));
        column_kind *k = &f->kinds[f->n_kinds++];
        k->name = x->name;
        if (!aml_kind_parse(&k->kind, word)) k->kind = 0;
        if (k->kind == AML_CATEGORY || k->kind == AML_TEXT) f->texts[n_texts++] = x->name;
    }
    return AML_OK;
}

static aml_status read_params(void *to, const aml_json *object, const aml_key_place *at) {
    aml_featurization *f = to;
    size_t n = 0;
    AML_TRY(aml_key_need(object, AML_JSON_OBJECT, at));
    for (const aml_json *s = object->child; s; s = s->next) n += s->size;
    f->params = AML_ARRAY(at->keep, n + 1, step_param);
    if (!f->params) return AML_ENOMEM;
    for (const aml_json *s = object->child; s; s = s->next) {
        const aml_step *step = aml_step_find(s->name);
        if (!step) return aml_key_unknown(s, true, "there is no step", step_word);
        aml_key_place place = aml_key_member(at, s->name);
        AML_TRY(aml_key_need(s, AML_JSON_OBJECT, &place));
        for (const aml_json *x = s->child; x; x = x->next) {
            step_param *p = &f->params[f->n_params++];
            aml_key_place param = aml_key_member(&place, x->name);
            p->step = step;
            AML_TRY(aml_json_param_find(&p->param, x, step->params, "the step"));
            AML_TRY(aml_json_param(&p->value, x, &step->params[p->param], &param));
        }
    }
    return AML_OK;
}

static void kinds_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"object\",\"additionalProperties\":{\"enum\":[");
    for (size_t i = 0; kind_word(i); i++) {
        aml_json_comma(s);
        aml_json_put_string(s, kind_word(i));
    }
    aml_string_put(s, "]}}");
}

static void params_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; step_word(i); i++) {
        aml_json_key(s, step_word(i));
        aml_params_schema(s, aml_steps()[i]->params);
    }
    aml_string_put(s, "}}");
}

static const aml_key keys[] = {
    {.name = "mode",
     .summary = "auto: what earned its time in the bench; all: everything there is; off: only what "
                "learners cannot do without",
     .type = AML_KEY_TEXT,
     .member = offsetof(aml_featurization, mode),
     .word = mode_word},
    {.name = "blocked",
     .summary = "steps never to be used",
     .type = AML_KEY_TEXTS,
     .member = offsetof(aml_featurization, blocked),
     .word = step_word},
    {.name = "kinds",
     .summary = "what columns are: category, text, number, datetime, or drop",
     .type = AML_KEY_OWN,
     .read = read_kinds,
     .schema = kinds_schema},
    {.name = "params",
     .summary = "parameters of steps, {\"target_encode\": {\"smoothing\": 20}}",
     .type = AML_KEY_OWN,
     .read = read_params,
     .schema = params_schema},
    {0}};

aml_status aml_featurization_take(aml_featurization **out, const aml_json *x,
                                  const aml_key_place *at) {
    aml_featurization *f = AML_NEW(at->keep, aml_featurization);
    if (!f) return AML_ENOMEM;
    f->texts = AML_ARRAY(at->keep, 1, const char *);
    if (!f->texts) return AML_ENOMEM;
    *out = f;
    if (x->type == AML_JSON_STRING) return aml_key_read(&f->mode, x, &keys[0], at);
    if (x->type != AML_JSON_OBJECT)
        return aml_key_expected(x, at, "\"auto\", \"all\", \"off\" or an object", NULL);
    return aml_keys_read(f, x, keys, at);
}

void aml_featurization_schema(aml_string *out) {
    aml_string_put(out, "{\"enum\":[\"auto\",\"all\",\"off\"]}");
    aml_keys_schema(out, keys);
}

static aml_status parse(aml_featurization **out, const char *text, size_t length,
                        const char *file) {
    aml_arena *arena = aml_arena_new(NULL);
    if (!arena) return AML_ENOMEM;
    aml_json word = {.type = AML_JSON_STRING, .string = text}, *root = &word;
    aml_key_place at = {.keep = arena, .path = ""};
    aml_status status = AML_OK;
    if (strcmp(text, "auto") != 0 && strcmp(text, "all") != 0 && strcmp(text, "off") != 0)
        status = aml_json_parse(&root, arena, text, length, file, AML_JSON_COMMENTS, AML_ECONFIG);
    if (!status) status = aml_featurization_take(out, root, &at);
    if (status) aml_arena_free(arena);
    else (*out)->arena = arena;
    if (status) *out = NULL;
    return status;
}

aml_status aml_featurization_parse(aml_featurization **out, const char *text) {
    AML_NEED(out);
    AML_NEED(text);
    return parse(out, text, strlen(text), "featurization");
}

aml_status aml_featurization_read(aml_featurization **out, const char *path) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    char *text;
    size_t size;
    AML_TRY(aml_read_file(&text, &size, path, MAX_FILE, NULL));
    aml_status status = parse(out, text, size, path);
    aml_free(text);
    return status;
}

void aml_featurization_free(aml_featurization *f) {
    if (f && f->arena) aml_arena_free(f->arena);
}

const char *const *aml_featurization_texts(const aml_featurization *f) {
    AML_NEED_OR(f, NULL);
    return f->texts;
}

/* ---- what the engine asks */

bool aml_featurization_is_off(const aml_featurization *f) {
    return f && f->mode && !strcmp(f->mode, "off");
}

bool aml_featurization_is_all(const aml_featurization *f) {
    return f && f->mode && !strcmp(f->mode, "all");
}

/* When it is off only what learners cannot do without is left. */
bool aml_featurization_allows(const aml_featurization *f, const char *step) {
    static const char *const needed[] = {"datetime", "rare",     "impute", "one_hot",
                                         "ordinal",  "text_svd", "scale"};
    bool need = !aml_featurization_is_off(f);
    for (size_t i = 0; !need && i < sizeof needed / sizeof *needed; i++)
        need = !strcmp(needed[i], step);
    for (size_t i = 0; need && f && f->blocked && f->blocked[i]; i++)
        need = strcmp(f->blocked[i], step) != 0;
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
    aml_json_add_string(out, "mode", f->mode ? f->mode : "auto");
    aml_json_key(out, "blocked");
    aml_string_put(out, "[");
    for (size_t i = 0; f->blocked && f->blocked[i]; i++) {
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
