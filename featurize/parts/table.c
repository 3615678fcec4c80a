/* table.c: tables column by column. */
#include "featurize/parts/table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "featurize/parts/each.h"

aml_table_builder aml_table_begin(const aml_table *x, size_t room, aml_ctx *ctx) {
    aml_table_builder b = {.room = room, .ctx = ctx};
    b.features = aml_alloc_raw(ctx->keep, room, sizeof *b.features); /* set as they are pushed */
    b.failed = !b.features;
    b.table = (aml_table){.n = x->n,
                          .features = b.features,
                          .csr = x->csr,
                          .n_blocks = x->n_blocks,
                          .blocks = x->blocks};
    return b;
}

/* The next column, to be set where it lies: copies of such structs cost more than what is in them. */
static aml_feature *next(aml_table_builder *b) {
    assert(b->table.p < b->room);
    return &b->features[b->table.p++];
}

void aml_table_share(aml_table_builder *b, const aml_feature *f) {
    if (!b->failed) memcpy(next(b), f, sizeof *f);
}

float *aml_table_number(aml_table_builder *b, const char *name, uint32_t source) {
    float *x = b->failed || !name ? NULL : aml_alloc_raw(b->ctx->keep, b->table.n, sizeof *x);
    if (!x) {
        b->failed = true;
        return NULL;
    }
    aml_feature *f = next(b);
    memset(f, 0, sizeof *f);
    f->name = name;
    f->kind = AML_NUMBER;
    f->x = x;
    f->source = source;
    return x;
}

float *aml_table_derived(aml_table_builder *b, const char *name, const aml_feature *f) {
    float *x = aml_table_number(b, name, f->source);
    if (x) memcpy(b->features[b->table.p - 1].parents, f->parents, sizeof f->parents);
    return x;
}

float *aml_table_replace(aml_table_builder *b, const aml_feature *f) {
    return aml_table_derived(b, f->name, f);
}

void aml_feature_cross(aml_feature *out, const aml_feature *f, const aml_feature *g) {
    bool same = f->source == g->source, single = f->source != UINT32_MAX && g->source != UINT32_MAX;
    out->source = same ? f->source : UINT32_MAX;
    out->parents[0] = !same && single ? f->source + 1 : 0;
    out->parents[1] = !same && single ? g->source + 1 : 0;
}

float *aml_table_crossed(aml_table_builder *b, const char *name, const aml_feature *f,
                         const aml_feature *g) {
    float *x = aml_table_number(b, name, UINT32_MAX);
    if (x) aml_feature_cross(&b->features[b->table.p - 1], f, g);
    return x;
}

int32_t *aml_table_new_category(aml_table_builder *b, const aml_feature *like) {
    int32_t *code =
        b->failed || !like->name ? NULL : aml_alloc_raw(b->ctx->keep, b->table.n, sizeof *code);
    if (!code) {
        b->failed = true;
        return NULL;
    }
    aml_feature *f = next(b);
    memcpy(f, like, sizeof *f);
    f->kind = AML_CATEGORY;
    f->code = code;
    return code;
}

int32_t *aml_table_category(aml_table_builder *b, const aml_feature *f, uint32_t n_levels,
                            const char *const *levels) {
    aml_feature like = {.name = f->name,
                        .n_levels = n_levels,
                        .levels = levels,
                        .source = f->source,
                        .parents = {f->parents[0], f->parents[1]}};
    return aml_table_new_category(b, &like);
}

aml_status aml_table_end(aml_table *out, const aml_table_builder *b) {
    if (b->failed) return AML_ENOMEM;
    *out = b->table;
    return AML_OK;
}

#ifdef AML_SCORE
/* Nobody asks for the names of a prediction's features. */
char *aml_feature_name(aml_arena *arena, const char *column, const char *separator,
                       const char *what) {
    static char none[1];
    (void)arena, (void)column, (void)separator, (void)what;
    return none;
}

char *aml_feature_number(aml_arena *arena, const char *column, const char *separator,
                         size_t number) {
    (void)number;
    return aml_feature_name(arena, column, separator, "");
}
#else
char *aml_feature_name(aml_arena *arena, const char *column, const char *separator,
                       const char *what) {
    size_t a = strlen(column), s = strlen(separator), b = strlen(what);
    char *name = aml_alloc_raw(arena, a + s + b + 1, 1);
    if (!name) return NULL;
    memcpy(name, column, a);
    memcpy(name + a, separator, s);
    memcpy(name + a + s, what, b + 1);
    return name;
}

char *aml_feature_number(aml_arena *arena, const char *column, const char *separator,
                         size_t number) {
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    return aml_feature_name(arena, column, separator, text);
}
#endif

float aml_to_float(double x) { return (float)(x > 3e38 ? 3e38 : x < -3e38 ? -3e38 : x); }

size_t aml_table_count(const aml_table *t, unsigned kinds) {
    size_t count = 0;
    for (size_t j = 0; j < t->p; j++) count += (t->features[j].kind & kinds) != 0;
    return count;
}

typedef struct conversion {
    size_t n;
    const void *const *from; /* double or int32_t, per column; NULL = nothing to do */
    float *const *to;
} conversion;

static aml_status narrow(void *arg, size_t j, int thread) {
    const conversion *c = arg;
    const double *from = c->from[j];
    float *to = c->to[j];
    (void)thread;
    for (size_t i = 0; to && i < c->n; i++) to[i] = aml_to_float(from[i]);
    return AML_OK;
}

static aml_status code_to_float(void *arg, size_t j, int thread) {
    const conversion *c = arg;
    const int32_t *from = c->from[j];
    float *to = c->to[j];
    (void)thread;
    for (size_t i = 0; to && i < c->n; i++) to[i] = from[i] < 0 ? NAN : (float)from[i];
    return AML_OK;
}

static aml_feature borrow(const aml_column *c, size_t j) {
    aml_feature f = {.name = c->name, .kind = c->kind, .source = (uint32_t)j};
    if (c->kind == AML_CATEGORY) {
        f.code = c->code;
        f.n_levels = c->n_levels;
        f.levels = c->levels;
    } else if (c->kind == AML_TEXT) {
        f.bytes = c->bytes;
        f.offset = c->offset;
        f.list = c->list;
    } else {
        f.time = c->number;
    }
    return f;
}

aml_status aml_table_from_frame(aml_table *out, const aml_frame *f, const uint8_t *use,
                                aml_ctx *ctx) {
    aml_table_builder b = aml_table_begin(&(aml_table){.n = f->n}, f->p, ctx);
    const void **from = AML_ARRAY(ctx->scratch, f->p, const void *);
    float **to = AML_ARRAY(ctx->scratch, f->p, float *);
    if (!from || !to) return AML_ENOMEM;
    for (size_t j = 0; j < f->p; j++) {
        const aml_column *c = &f->columns[j];
        if (c->kind == AML_IDENTIFIER || (use && !use[j])) continue;
        from[j] = c->number;
        if (c->kind == AML_NUMBER) {
            to[j] = aml_table_number(&b, c->name, (uint32_t)j);
        } else {
            aml_feature borrowed = borrow(c, j);
            aml_table_share(&b, &borrowed);
        }
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, f->p, narrow, &(conversion){f->n, from, to});
}

aml_status aml_table_slice(aml_table *out, const aml_table *t, size_t begin, size_t n,
                           aml_arena *keep) {
    aml_feature *f = AML_ARRAY(keep, t->p + 1, aml_feature);
    if (!f) return AML_ENOMEM;
    for (size_t j = 0; j < t->p; j++) {
        f[j] = t->features[j];
        if (f[j].x) f[j].x += begin;
        if (f[j].code) f[j].code += begin;
        if (f[j].time) f[j].time += begin;
        if (f[j].offset) f[j].offset += begin;
    }
    *out = (aml_table){.n = n, .p = t->p, .features = f};
    return AML_OK;
}

aml_status aml_table_to_design(aml_design *out, const aml_table *t, aml_ctx *ctx) {
    const char **names = AML_ARRAY(ctx->keep, t->p, const char *);
    uint32_t *n_levels = AML_ARRAY(ctx->keep, t->p, uint32_t);
    const float **column = AML_ARRAY(ctx->keep, t->p, const float *);
    uint32_t *source = AML_ARRAY(ctx->keep, t->p, uint32_t);
    uint32_t(*parents)[2] = aml_alloc(ctx->keep, t->p, sizeof *parents);
    const void **from = AML_ARRAY(ctx->scratch, t->p, const void *);
    float **to = AML_ARRAY(ctx->scratch, t->p, float *);
    if (!names || !n_levels || !column || !source || !parents || !from || !to) return AML_ENOMEM;
    for (size_t j = 0; j < t->p; j++) {
        const aml_feature *f = &t->features[j];
        names[j] = f->name;
        source[j] = f->source;
        memcpy(parents[j], f->parents, sizeof *parents);
        if (f->kind == AML_NUMBER) {
            column[j] = f->x;
        } else if (f->kind == AML_CATEGORY) {
            n_levels[j] = f->n_levels;
            from[j] = f->code;
            to[j] = aml_alloc_raw(ctx->keep, t->n, sizeof(float));
            if (!to[j]) return AML_ENOMEM;
            column[j] = to[j];
        } else {
            return aml_fail(AML_EINTERNAL,
                            "column `%s` of kind %s has no step that makes numbers of it", f->name,
                            f->kind == AML_TEXT ? "text" : "datetime");
        }
    }
    *out = (aml_design){.n = t->n,
                        .p = t->p,
                        .names = names,
                        .source = source,
                        .n_levels = n_levels,
                        .column = column,
                        .csr = t->csr,
                        .parents = (const uint32_t(*)[2])parents};
    return aml_each(ctx, t->p, code_to_float, &(conversion){t->n, from, to});
}
