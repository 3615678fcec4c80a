/* multi_hot.c: lists in cells ("Action|Comedy") become a 0/1 column for each of the frequent items, and the number of
 * items. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

enum { MAX_ITEMS, MIN_COUNT };
enum {
    KEPT = 1 << 16,
    ROWS = 4096
}; /* different items that are counted; rows of a piece of work */

static const aml_param params[] = {{.name = "max_items",
                                    .summary = "Only this many of the most frequent items count",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 4,
                                    .hi = 512,
                                    .fallback = 64},
                                   {.name = "min_count",
                                    .summary = "Rows that must have an item for it to count",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 100,
                                    .fallback = 5},
                                   {0}};

/* Items of a column with a table of their places; slots are a power of two. */
typedef struct item_list {
    char separator; /* 0: the column is no list */
    size_t n;
    const char **text;
    uint32_t *slot; /* number of the item + 1; 0 = empty */
    size_t mask;
    size_t first; /* among the columns made: the count, then the items */
} item_list;

typedef struct list_state {
    aml_signature signature;
    item_list *lists; /* per column */
    size_t n_new;
} list_state;

/* The slot of an item, or the empty one where it belongs. */
static uint32_t *find(const item_list *l, const char *item, size_t size) {
    size_t at = (size_t)aml_hash(item, size, 0) & l->mask;
    while (l->slot[at]) {
        const char *text = l->text[l->slot[at] - 1];
        if (!strncmp(text, item, size) && !text[size]) break;
        at = (at + 1) & l->mask;
    }
    return &l->slot[at];
}

static aml_status make_slots(item_list *l, size_t most, aml_arena *arena) {
    size_t room = 16;
    while (room < 2 * most) room *= 2;
    l->mask = room - 1;
    l->slot = AML_ARRAY(arena, room, uint32_t);
    return l->slot ? AML_OK : AML_ENOMEM;
}

static bool next_item(const char **item, size_t *size, size_t *at, const aml_feature *f, size_t row,
                      char separator) {
    size_t n = (size_t)(f->offset[row + 1] - f->offset[row]);
    while (n && aml_next_item(item, size, at, f->bytes + f->offset[row], n, separator))
        if (!memchr(*item, 0, *size)) return true;
    return false;
}

/* ---- which items count */

typedef struct tally {
    item_list all;
    double *rows; /* minus the rows that have the item */
    size_t *last; /* row after the last that had it */
} tally;

static aml_status count_items(tally *t, const aml_feature *f, const aml_data *target,
                              char separator, aml_ctx *ctx) {
    for (size_t i = 0; i < target->n; i++) {
        const char *item;
        size_t size, at = 0;
        if (i % ROWS == 0 && aml_should_stop(ctx)) return aml_stopped();
        while (next_item(&item, &size, &at, f, target->rows[i], separator)) {
            uint32_t *slot = find(&t->all, item, size);
            if (!*slot) {
                if (t->all.n == KEPT) continue;
                t->all.text[t->all.n] = aml_strndup(ctx->scratch, item, size);
                if (!t->all.text[t->all.n]) return AML_ENOMEM;
                *slot = (uint32_t)++t->all.n;
            }
            size_t k = *slot - 1;
            t->rows[k] -= t->last[k] != i + 1;
            t->last[k] = i + 1;
        }
    }
    return AML_OK;
}

/* The frequent items, most frequent first, ties in the order of their first rows. */
static aml_status choose(item_list *l, const aml_feature *f, const aml_data *target,
                         const double *hp, aml_ctx *ctx) {
    tally t = {.all.text = AML_ARRAY(ctx->scratch, KEPT, const char *),
               .rows = AML_ARRAY(ctx->scratch, KEPT, double),
               .last = AML_ARRAY(ctx->scratch, KEPT, size_t)};
    uint32_t *order = AML_ARRAY(ctx->scratch, KEPT, uint32_t);
    if (!t.all.text || !t.rows || !t.last || !order) return AML_ENOMEM;
    AML_TRY(make_slots(&t.all, KEPT, ctx->scratch));
    AML_TRY(count_items(&t, f, target, f->list, ctx));
    AML_TRY(aml_argsort(order, t.rows, t.all.n));
    size_t most = t.all.n < (size_t)hp[MAX_ITEMS] ? t.all.n : (size_t)hp[MAX_ITEMS];
    l->separator = f->list;
    l->text = AML_ARRAY(ctx->keep, most, const char *);
    if (!l->text) return AML_ENOMEM;
    for (; l->n < most && -t.rows[order[l->n]] >= hp[MIN_COUNT]; l->n++)
        if (!(l->text[l->n] = aml_strdup(ctx->keep, t.all.text[order[l->n]]))) return AML_ENOMEM;
    return AML_OK;
}

/* Places of the items, and of the columns made. */
static aml_status index_items(list_state *s, aml_arena *keep) {
    for (size_t j = 0; j < s->signature.p; j++) {
        item_list *l = &s->lists[j];
        if (!l->separator) continue;
        AML_TRY(make_slots(l, l->n, keep));
        for (size_t k = 0; k < l->n; k++)
            *find(l, l->text[k], strlen(l->text[k])) = (uint32_t)k + 1;
        l->first = s->n_new;
        s->n_new += 1 + l->n;
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    list_state *s = AML_NEW(ctx->keep, list_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->lists = AML_ARRAY(ctx->keep, x->p, item_list);
    if (!s->lists) return AML_ENOMEM;
    *state = s;
    for (size_t j = 0; j < x->p; j++)
        if (x->features[j].kind == AML_TEXT && x->features[j].list)
            AML_TRY(choose(&s->lists[j], &x->features[j], target, hp, ctx));
    return index_items(s, ctx->keep);
}

/* ---- columns */

typedef struct job {
    const list_state *s;
    const aml_table *x;
    float **column;
} job;

static void fill_cell(const job *u, size_t j, size_t row) {
    const item_list *l = &u->s->lists[j];
    float **column = u->column + l->first;
    const char *item;
    size_t size, at = 0;
    for (size_t k = 0; k <= l->n; k++) column[k][row] = 0;
    while (next_item(&item, &size, &at, &u->x->features[j], row, l->separator)) {
        uint32_t number = *find(l, item, size);
        column[0][row]++;
        if (number) column[number][row] = 1;
    }
}

static aml_status fill(void *arg, size_t piece, int thread) {
    const job *u = arg;
    size_t end = (piece + 1) * ROWS < u->x->n ? (piece + 1) * ROWS : u->x->n;
    (void)thread;
    for (size_t j = 0; j < u->x->p; j++)
        for (size_t i = piece * ROWS; u->s->lists[j].separator && i < end; i++) fill_cell(u, j, i);
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const list_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    job u = {s, x, AML_ARRAY(ctx->scratch, s->n_new, float *)};
    if (!u.column) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, x->p + s->n_new, ctx);
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        const item_list *l = &s->lists[j];
        float **column = u.column + l->first;
        if (!l->separator) {
            aml_table_share(&b, f);
            continue;
        }
        column[0] = aml_table_derived(&b, aml_feature_name(ctx->keep, f->name, ".", "items"), f);
        for (size_t k = 0; k < l->n; k++)
            column[k + 1] =
                aml_table_derived(&b, aml_feature_name(ctx->keep, f->name, "=", l->text[k]), f);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, (x->n + ROWS - 1) / ROWS, fill, &u);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const list_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        const item_list *l = &s->lists[j];
        if (!l->separator) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        aml_ir_op1(ir, AML_OP_ITEMS, x->column[j]);
        aml_ir_u32(ir, "separator", (unsigned char)l->separator);
        aml_ir_array(ir, "item", AML_TEXTS, l->text, l->n);
        for (size_t k = 0; k <= l->n; k++) aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const list_state *s = state;
    aml_signature_save(&s->signature, w);
    for (size_t j = 0; j < s->signature.p; j++) {
        const item_list *l = &s->lists[j];
        if (s->signature.kind[j] != AML_TEXT) continue;
        aml_put_u8(w, (uint8_t)l->separator);
        if (!l->separator) continue;
        aml_put_u32(w, (uint32_t)l->n);
        for (size_t k = 0; k < l->n; k++) aml_put_string(w, l->text[k]);
    }
}

static aml_status load_list(item_list *l, aml_reader *r, aml_arena *keep) {
    l->separator = (char)aml_get_u8(r);
    if (r->status || !l->separator) return r->status;
    size_t n = aml_get_u32(r);
    if (!r->status && (double)n > params[MAX_ITEMS].hi) return aml_reader_fail(r, "%zu items", n);
    if (r->status) return r->status;
    l->text = AML_ARRAY(keep, n, const char *);
    if (!l->text) return AML_ENOMEM;
    for (; l->n < n; l->n++)
        if (!(l->text[l->n] = aml_get_string(r, keep))) return r->status;
    return AML_OK;
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    list_state *s = AML_NEW(ctx->keep, list_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->lists = AML_ARRAY(ctx->keep, s->signature.p, item_list);
    if (!s->lists) return AML_ENOMEM;
    for (size_t j = 0; j < s->signature.p; j++)
        if (s->signature.kind[j] == AML_TEXT) AML_TRY(load_list(&s->lists[j], r, ctx->keep));
    *state = s;
    return index_items(s, ctx->keep);
}

extern const aml_step aml_step_multi_hot;
const aml_step aml_step_multi_hot = {
    .abi = AML_ABI,
    .name = "multi_hot",
    .summary = "Turns lists of items in a cell into a 0/1 column for each frequent item",
    .kinds = AML_TEXT,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
