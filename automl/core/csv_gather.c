/* csv_gather.c: what the threads have seen of a column of words, in one dictionary or one text. */
#include <string.h>

#include "automl/core/csv_columns.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"

void *csv_new_array(csv_column *c, size_t n, size_t size) {
    size_t bytes = (n ? n : 1) * size;
    if (aml_memory_charge(c->account, bytes)) return NULL;
    void *a = aml_malloc(bytes);
    if (a) c->charged += bytes;
    else aml_memory_release(c->account, bytes);
    return a;
}

/* ---- into one dictionary */

static int32_t *merge_dict(csv_dict *to, const csv_dict *from) {
    int32_t *map = aml_malloc((from->n + 1) * sizeof *map);
    for (size_t k = 0; map && k < from->n; k++) {
        const csv_level *l = &from->levels[k];
        int64_t at = csv_dict_add(to, l->text, l->size);
        if (at < 0) {
            aml_free(map);
            return NULL;
        }
        csv_level *all = &to->levels[at];
        if (all->count == 0 || l->row < all->row) all->row = l->row;
        all->count += l->count;
        map[k] = (int32_t)at;
    }
    return map;
}

static bool merge_threads(csv_column *c, const csv_block *blocks, size_t n_blocks,
                          size_t n_threads) {
    for (size_t t = 1; t < n_threads; t++) {
        if (c->texts->words[t].dict.n == 0) continue;
        int32_t *map = merge_dict(&c->texts->words[0].dict, &c->texts->words[t].dict);
        if (!map) return false;
        for (size_t b = 0; b < n_blocks; b++) {
            int32_t *code = c->texts->code + blocks[b].row;
            if (blocks[b].thread != (int)t) continue;
            for (size_t i = 0; i < blocks[b].n_rows; i++) code[i] = map[code[i]];
        }
        aml_free(map);
        csv_words_free(&c->texts->words[t]);
    }
    return true;
}

/* ---- into one text */

typedef struct piece {
    csv_words *words;
    csv_segment *segment;
} piece;

static int by_row(const void *a, const void *b, void *arg) {
    const piece *x = a, *y = b;
    (void)arg;
    return (x->segment->row > y->segment->row) - (x->segment->row < y->segment->row);
}

static piece *sorted_pieces(size_t *n, const csv_column *c, size_t n_threads) {
    *n = 0;
    for (size_t t = 0; t < n_threads; t++) *n += c->texts->words[t].n_segments;
    piece *pieces = aml_malloc((*n + 1) * sizeof *pieces);
    size_t at = 0;
    for (size_t t = 0; pieces && t < n_threads; t++)
        for (size_t i = 0; i < c->texts->words[t].n_segments; i++)
            pieces[at++] = (piece){&c->texts->words[t], &c->texts->words[t].segments[i]};
    if (pieces && aml_sort(pieces, *n, sizeof *pieces, by_row, NULL)) {
        aml_free(pieces);
        return NULL;
    }
    return pieces;
}

/* Blocks that came before the column was plain have codes, the others are pieces. */
static const csv_level *level_at(const csv_column *c, const csv_block *b, size_t i) {
    return &c->texts->words[b->thread].dict.levels[c->texts->code[b->row + i]];
}

typedef struct joining {
    csv_column *c;
    const csv_block *blocks;
    const piece **piece; /* of each block, NULL where it has codes */
    uint64_t *begin;     /* of its bytes */
} joining;

/* Finds the pieces of the blocks and where their bytes begin; returns how many bytes there are. */
static uint64_t lay_out(joining *j, size_t n_blocks, const piece *pieces, size_t n_pieces) {
    uint64_t at = 0;
    for (size_t b = 0, k = 0; b < n_blocks; b++) {
        const csv_block *block = &j->blocks[b];
        bool is_piece = block->n_rows && k < n_pieces && pieces[k].segment->row == block->row;
        j->begin[b] = at;
        j->piece[b] = is_piece ? &pieces[k++] : NULL;
        if (is_piece) at += j->piece[b]->segment->n_bytes;
        for (size_t i = 0; !is_piece && i < block->n_rows; i++)
            at += level_at(j->c, block, i)->size;
    }
    return at;
}

static void put_piece(csv_column *c, const piece *p, uint64_t at) {
    const csv_segment *s = p->segment;
    memcpy(c->texts->bytes + at, csv_segment_bytes(s), s->n_bytes);
    for (size_t i = 0; i < s->n; i++) {
        c->texts->offset[s->row + i] = at;
        at += s->size[i];
    }
    csv_segment_drop(p->words, p->segment);
}

static void put_coded(csv_column *c, const csv_block *b, uint64_t at) {
    for (size_t i = 0; i < b->n_rows; i++) {
        const csv_level *l = level_at(c, b, i);
        c->texts->offset[b->row + i] = at;
        memcpy(c->texts->bytes + at, l->text, l->size);
        at += l->size;
    }
}

static void put_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    joining *j = arg;
    (void)begin, (void)end, (void)thread;
    if (j->piece[block]) put_piece(j->c, j->piece[block], j->begin[block]);
    else put_coded(j->c, &j->blocks[block], j->begin[block]);
}

static bool join_pieces(joining *j, size_t n_blocks, size_t n, const piece *pieces, size_t n_pieces,
                        int n_threads) {
    csv_column *c = j->c;
    uint64_t bytes = lay_out(j, n_blocks, pieces, n_pieces);
    c->texts->offset = csv_new_array(c, n + 1, sizeof *c->texts->offset);
    c->texts->bytes = csv_new_array(c, bytes + 8, 1);
    if (!c->texts->offset || !c->texts->bytes) return false;
    aml_par_for(n_threads, n_blocks, 1, put_block, j);
    c->texts->offset[n] = bytes;
    return true;
}

static bool join_texts(csv_column *c, const csv_block *blocks, size_t n_blocks, size_t n,
                       size_t n_readers, int n_threads) {
    size_t n_pieces;
    piece *pieces = sorted_pieces(&n_pieces, c, n_readers);
    joining j = {c, blocks, aml_malloc((n_blocks + 1) * sizeof *j.piece),
                 aml_malloc((n_blocks + 1) * sizeof *j.begin)};
    bool good =
        pieces && j.piece && j.begin && join_pieces(&j, n_blocks, n, pieces, n_pieces, n_threads);
    aml_free(j.begin);
    aml_free(j.piece);
    aml_free(pieces);
    if (!good) return false;
    for (size_t t = 0; t < n_readers; t++) csv_words_free(&c->texts->words[t]);
    csv_drop_array(c, (void **)&c->texts->code, c->texts->code_room * sizeof *c->texts->code);
    return true;
}

bool csv_gather(csv_column *c, const csv_blocks *blocks, size_t n, size_t n_readers,
                int n_threads) {
    return c->plain ? join_texts(c, blocks->at, blocks->n, n, n_readers, n_threads)
                    : merge_threads(c, blocks->at, blocks->n, n_readers);
}

/* ---- looking at them */

const char *csv_text_at(size_t *size, const csv_column *c, size_t row) {
    if (c->plain) {
        *size = c->texts->offset[row + 1] - c->texts->offset[row];
        return c->texts->bytes + c->texts->offset[row];
    }
    const csv_level *l = &c->texts->words[0].dict.levels[c->texts->code[row]];
    *size = l->size;
    return l->text;
}

void csv_each_cell(const csv_column *c, size_t begin, size_t end, csv_item_fn *fn, void *arg) {
    for (size_t i = begin; i < end; i++) {
        csv_level cell = {.count = 1, .row = i};
        cell.text = csv_text_at(&cell.size, c, i);
        if (!fn(arg, &cell)) return;
    }
}

void csv_each(const csv_column *c, size_t n, csv_item_fn *fn, void *arg) {
    const csv_dict *d = &c->texts->words[0].dict;
    for (size_t k = 0; !c->plain && k < d->n; k++)
        if (d->levels[k].count && !fn(arg, &d->levels[k])) return;
    if (c->plain) csv_each_cell(c, 0, n, fn, arg);
}

bool csv_encode(csv_column *c, size_t n) {
    csv_dict *d = &c->texts->words[0].dict;
    c->texts->code = csv_new_array(c, n, sizeof *c->texts->code);
    c->texts->code_room = n ? n : 1;
    for (size_t i = 0; c->texts->code && i < n; i++) {
        size_t size;
        const char *text = csv_text_at(&size, c, i);
        int64_t k = csv_dict_add_text(d, text, size);
        if (k < 0) return false;
        if (d->levels[k].count++ == 0) d->levels[k].row = i;
        c->texts->code[i] = (int32_t)k;
    }
    if (!c->texts->code) return false;
    c->plain = false;
    return true;
}
