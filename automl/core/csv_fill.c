/* csv_fill.c: all windows into columns. Threads take windows in turn; each finds the cells of its window, waits
 * until it knows how many rows come before, and fills its part of the columns. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "automl/core/csv_internal.h"
#include "automl/core/par.h"

enum { LARGE_PAGES_FROM = 16 << 20, SHORT_ROWS = 512 };

/* One pass over the text. `again`: only for columns that turned out not to be numbers. */
typedef struct pass {
    csv_reader *r;
    csv_worker *workers;
    bool again, started, ended;
    pthread_mutex_t reading, taking;
    pthread_cond_t taken;
    pthread_rwlock_t columns; /* written: they move */
    size_t turn, row;         /* the window whose rows are counted next, and its first row */
    csv_flaw flaw;
    bool stop;
    aml_status status, read_status;
    aml_error error, read_error;
} pass;

/* ---- room */

static aml_status grow_array(void **a, csv_column *c, size_t before, size_t bytes) {
    if (bytes <= before) return AML_OK;
    AML_TRY(aml_memory_charge(c->account, bytes - before));
    void *more = aml_realloc(*a, bytes);
    if (!more) {
        aml_memory_release(c->account, bytes - before);
        return AML_ENOMEM;
    }
    c->charged += bytes - before;
    *a = more;
    uintptr_t page = ((uintptr_t)more + 4095) & ~(uintptr_t)4095;
    if (bytes >= LARGE_PAGES_FROM)
        madvise((void *)page, bytes - (page - (uintptr_t)more), MADV_HUGEPAGE);
    return AML_OK;
}

/* Short columns, of which there may be many, are where the frame will have them. */
static aml_status grow_kept(csv_reader *r, csv_column *c, size_t before, size_t n) {
    double *more = aml_alloc_raw(r->keep, n, sizeof *more);
    if (!more) return AML_ENOMEM;
    if (before) memcpy(more, c->number, before * sizeof *more);
    c->number = more;
    c->kept = true;
    return AML_OK;
}

static aml_status grow_column(csv_reader *r, csv_column *c, size_t before, size_t n) {
    if (c->kept) return grow_kept(r, c, before, n);
    if (c->number)
        return grow_array((void **)&c->number, c, before * sizeof *c->number,
                          n * sizeof *c->number);
    if (!c->texts || !c->texts->code) return AML_OK;
    AML_TRY(grow_array((void **)&c->texts->code, c, before * sizeof *c->texts->code,
                       n * sizeof *c->texts->code));
    c->texts->code_room = n;
    return AML_OK;
}

static aml_status grow_columns(csv_reader *r, size_t n) {
    size_t most = r->room_rows * 3 / 2;
    if (n < most) n = most;
    for (size_t k = 0; k < r->n_columns; k++)
        AML_TRY(grow_column(r, &r->columns[k], r->room_rows, n));
    r->room_rows = n;
    return AML_OK;
}

/* By the size of the text and of the first window's rows, a little more. */
static size_t foretell_rows(const csv_reader *r) {
    size_t size = csv_stream_size(&r->stream), n = r->first_rows.n + 1;
    if (r->first.last) return n;
    double rows = (double)n / (double)r->first.length * (double)size * 1.02;
    return size ? (size_t)rows + (rows > 1e5 ? 1000 : 1) : 4 * n;
}

/* ---- taking a window */

static aml_status read_window(pass *p, csv_worker *w) {
    csv_reader *r = p->r;
    if (!p->again && !p->started) { /* it has been looked at */
        csv_window window = w->window;
        csv_rows rows = w->rows;
        w->window = r->first;
        w->rows = r->first_rows;
        r->first = window;
        r->first_rows = rows;
        return AML_OK;
    }
    return csv_stream_next(&r->stream, &w->window);
}

static bool take_window(pass *p, csv_worker *w, bool *found) {
    pthread_mutex_lock(&p->reading);
    bool more = !p->ended;
    if (more) {
        *found = !p->again && !p->started;
        aml_status status = read_window(p, w);
        p->started = true;
        if (status) {
            p->read_status = status;
            p->read_error = *aml_last_error();
        }
        more = !status && w->window.length;
        p->ended = !more || w->window.last;
    }
    pthread_mutex_unlock(&p->reading);
    return more;
}

static aml_status find_rows(pass *p, csv_worker *w) {
    csv_reader *r = p->r;
    const csv_marks *m = &w->window.marks;
    const csv_window *text = &w->window;
    if (m->any_high || m->any_nul)
        AML_TRY(
            csv_check_text(text->text, text->length, true, r->stream.name, text->lines_before + 1));
    AML_TRY(csv_rows_find(&w->rows, text, &r->dialect, r->width, r->options->ragged,
                          r->options->account));
    if (text->number == 0 && r->header) csv_rows_drop_first(&w->rows);
    return AML_OK;
}

/* ---- in turn */

static aml_status remember_block(csv_blocks *blocks, const csv_worker *w, size_t row) {
    const csv_rows *rows = &w->rows;
    if (blocks->n == blocks->room) {
        size_t room = blocks->room ? blocks->room * 2 : 64;
        csv_block *more = aml_realloc(blocks->at, room * sizeof *more);
        if (!more) return AML_ENOMEM;
        blocks->at = more;
        blocks->room = room;
    }
    csv_block b = {.row = row,
                   .n_rows = rows->n,
                   .line = w->window.lines_before + 1 + rows->skip,
                   .thread = w->thread,
                   .plain = rows->plain};
    if (!b.plain && rows->n) {
        b.lines = aml_malloc(rows->n * sizeof *b.lines);
        if (!b.lines) return AML_ENOMEM;
        memcpy(b.lines, rows->line, rows->n * sizeof *b.lines);
    }
    blocks->at[blocks->n++] = b;
    return AML_OK;
}

static void note_flaw(pass *p, const csv_worker *w) {
    const csv_flaw *f = &w->rows.flaw;
    if (!f->count) return;
    p->flaw.count += f->count;
    if (p->flaw.kind) return;
    size_t count = p->flaw.count;
    p->flaw = *f;
    p->flaw.count = count;
    csv_place(&p->flaw.line, &p->flaw.column, w->window.text, f->at);
    p->flaw.line += w->window.lines_before;
}

static aml_status fail_changed(const csv_reader *r) {
    aml_fail_at(AML_EIO, r->stream.name, 0, 0, "the file changed while it was being read");
    return aml_help(AML_EIO, "a second look at it found other rows", "read it once it is complete");
}

static aml_status count_rows(pass *p, csv_worker *w) {
    csv_reader *r = p->r;
    csv_rows *rows = &w->rows;
    size_t most = r->options->max_rows;
    if (most && rows->n > most - p->row) rows->n = most - p->row;
    note_flaw(p, w);
    AML_TRY(remember_block(p->again ? &r->again : &r->blocks, w, p->row));
    if (p->again) return p->row + rows->n > r->n_rows ? fail_changed(r) : AML_OK;
    r->n_feed += rows->n_feed;
    r->n_pair += rows->n_pair;
    r->n_carriage += rows->n_carriage;
    r->n_blank += rows->n_blank;
    r->n_ragged += rows->n_ragged;
    if (p->row + rows->n <= r->room_rows) return AML_OK;
    pthread_rwlock_wrlock(&p->columns);
    aml_status status = grow_columns(r, p->row + rows->n);
    pthread_rwlock_unlock(&p->columns);
    return status;
}

/* False: nothing more is to be done. */
static bool take_turn(pass *p, csv_worker *w, size_t *row, aml_status status) {
    pthread_mutex_lock(&p->taking);
    while (p->turn != w->window.number) pthread_cond_wait(&p->taken, &p->taking);
    bool go_on = !p->stop;
    if (go_on) {
        if (!status) status = count_rows(p, w);
        if (status) {
            p->status = status;
            p->error = *aml_last_error();
            p->stop = true;
        }
        *row = p->row;
        p->row += w->rows.n;
        size_t most = p->r->options->max_rows;
        p->stop |= most && p->row >= most;
    }
    p->turn++;
    go_on &= !p->status && !p->flaw.kind;
    pthread_cond_broadcast(&p->taken);
    pthread_mutex_unlock(&p->taking);
    return go_on;
}

static bool stopped(pass *p) {
    pthread_mutex_lock(&p->taking);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->taking);
    return stop;
}

static void fail_short(pass *p) {
    pthread_mutex_lock(&p->taking);
    if (!p->status) {
        p->status = AML_ENOMEM;
        p->error = *aml_last_error();
    }
    p->stop = true;
    pthread_mutex_unlock(&p->taking);
}

static void work(void *arg, size_t block, size_t begin, size_t end, int thread) {
    pass *p = arg;
    csv_worker *w = &p->workers[block];
    bool found;
    size_t row = 0;
    (void)begin, (void)end, (void)thread;
    while (!stopped(p) && take_window(p, w, &found)) {
        aml_status status = found ? AML_OK : find_rows(p, w);
        if (status) w->rows.n = 0;
        if (!take_turn(p, w, &row, status)) continue;
        pthread_rwlock_rdlock(&p->columns);
        bool good = csv_put_cells(p->r, w, row, p->again);
        pthread_rwlock_unlock(&p->columns);
        if (!good) fail_short(p);
    }
}

static void init(pass *p) {
    pthread_mutex_init(&p->reading, NULL);
    pthread_mutex_init(&p->taking, NULL);
    pthread_cond_init(&p->taken, NULL);
    pthread_rwlock_init(&p->columns, NULL);
}

static void destroy(pass *p) {
    pthread_mutex_destroy(&p->reading);
    pthread_mutex_destroy(&p->taking);
    pthread_cond_destroy(&p->taken);
    pthread_rwlock_destroy(&p->columns);
}

static aml_status outcome(pass *p) {
    if (p->status) {
        aml_set_error(&p->error);
        return p->status;
    }
    if (p->read_status) {
        aml_set_error(&p->read_error);
        return p->read_status;
    }
    return p->flaw.kind ? csv_explain_flaw(p->r, &p->flaw) : AML_OK;
}

static aml_status run(csv_reader *r, csv_worker *workers, bool again) {
    pass p = {.r = r, .workers = workers, .again = again};
    init(&p);
    aml_par_for((int)r->n_threads, r->n_threads, 1, work, &p);
    destroy(&p);
    if (!again) r->n_rows = p.row;
    AML_TRY(outcome(&p));
    return again && p.row != r->n_rows ? fail_changed(r) : AML_OK;
}

/* ---- which columns are numbers */

static bool all_missing(const csv_column *c, size_t n) { return c->n_missing == n; }

static aml_status become_words(csv_column *c, csv_reader *r, size_t room) {
    c->texts = AML_NEW(r->work, csv_texts);
    if (!c->texts) return AML_ENOMEM;
    c->texts->words = AML_ARRAY(r->work, r->n_threads, csv_words);
    if (!c->texts->words) return AML_ENOMEM;
    for (size_t t = 0; t < r->n_threads; t++) c->texts->words[t].dict.account = c->account;
    if (c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) c->plain = true;
    for (uint32_t k = 0; c->schema && c->kind == AML_CATEGORY && k < c->schema->n_levels; k++) {
        const char *level = c->schema->levels[k];
        if (csv_dict_add_text(&c->texts->words[0].dict, level, strlen(level)) < 0)
            return AML_ENOMEM;
    }
    c->texts->code_room = room ? room : 1;
    return c->plain ? AML_OK
                    : grow_array((void **)&c->texts->code, c, 0,
                                 c->texts->code_room * sizeof *c->texts->code);
}

/* Columns taken for numbers that are not are read again as words. */
static aml_status turn_mixed(csv_reader *r, bool *any) {
    *any = false;
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        if (!c->number) continue;
        if (c->soft && !c->schema && all_missing(c, r->n_rows)) c->mixed = true;
        if (!c->mixed) continue;
        csv_column_free(c, r->n_threads);
        c->n_missing = 0;
        AML_TRY(become_words(c, r, r->n_rows));
        *any = true;
    }
    return AML_OK;
}

/* A column is taken for numbers when no cell of the sample says otherwise. */
static bool sample_is_numbers(const csv_reader *r, const csv_column *c) {
    for (size_t i = r->header ? 1 : 0; i < r->sample.n_rows; i++) {
        double x;
        csv_cell cell = csv_sample_cell(&r->sample, i, c->field);
        if (csv_number(&x, cell.text, cell.size, r->dialect.decimal) ||
            aml_is_missing_text(cell.text, cell.size) || csv_missing_number(cell.text, cell.size))
            continue;
        return false;
    }
    return true;
}

static aml_status make_columns(csv_reader *r) {
    size_t room = foretell_rows(r);
    bool foretold = r->first.last || csv_stream_size(&r->stream);
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        c->account = r->options->account;
        bool numbers = c->kind == AML_NUMBER || (c->kind == 0 && sample_is_numbers(r, c));
        if (numbers && foretold && room <= SHORT_ROWS) AML_TRY(grow_kept(r, c, 0, room));
        else if (numbers) AML_TRY(grow_array((void **)&c->number, c, 0, room * sizeof *c->number));
        else AML_TRY(become_words(c, r, room));
    }
    r->room_rows = room;
    return AML_OK;
}

static aml_status fill(csv_reader *r, csv_worker *workers) {
    bool any;
    AML_TRY(make_columns(r));
    csv_rows_free(&r->sample.rows, r->options->account);
    AML_TRY(run(r, workers, false));
    AML_TRY(turn_mixed(r, &any));
    if (!any) return AML_OK;
    AML_TRY(csv_stream_rewind(&r->stream));
    return run(r, workers, true);
}

aml_status csv_fill(csv_reader *r) {
    csv_worker *workers = AML_ARRAY(r->work, r->n_threads, csv_worker);
    if (!workers) return AML_ENOMEM;
    for (size_t t = 0; t < r->n_threads; t++) workers[t].thread = (int)t;
    aml_status status = fill(r, workers);
    for (size_t t = 0; t < r->n_threads; t++) {
        csv_window_free(&workers[t].window, r->options->account);
        csv_rows_free(&workers[t].rows, r->options->account);
        aml_memory_release(r->options->account, workers[t].scratch_room);
        aml_free(workers[t].scratch);
    }
    return status;
}

/* ---- where a cell is */

void csv_locate(size_t *line, size_t *column, csv_reader *r, size_t row, size_t field) {
    csv_window w = {0};
    csv_rows rows = {0};
    size_t before = 0;
    aml_memory *account = r->options->account;
    *line = *column = 0;
    if (csv_stream_rewind(&r->stream)) return;
    while (!csv_stream_next(&r->stream, &w) && w.length &&
           !csv_rows_find(&rows, &w, &r->dialect, r->width, r->options->ragged, account)) {
        if (w.number == 0 && r->header) csv_rows_drop_first(&rows);
        if (row < before + rows.n) {
            csv_cell cell = csv_cell_at(&w, &rows, row - before, field, &r->dialect);
            csv_place(line, column, w.text, (size_t)(cell.text - w.text));
            *line += w.lines_before;
            break;
        }
        before += rows.n;
    }
    csv_rows_free(&rows, account);
    csv_window_free(&w, account);
}
