/* nn_train.c: AdamW over shuffled batches, a cosine schedule, an average of the weights, and the best
 * one on held-out rows. */
#include <math.h>
#include <string.h>

#include "automl/core/checkpoint.h"
#include "automl/core/par.h"
#include "learners/parts/nn_terms.h"
#include "learners/parts/watch.h"

enum { BLOCK = 65536 }; /* parameters stepped at a time: fewer are not worth waking a thread */

typedef struct trainer {
    aml_nn *net;
    const aml_nn_data *train, *valid;
    const aml_nn_options *o;
    aml_ctx *ctx;

    uint32_t *order;   /* positions in the row list, shuffled every epoch */
    uint32_t *rows;    /* design rows of the batch at hand */
    aml_nn_work *work; /* one a chunk of a batch */
    size_t chunk, n_chunks;
    size_t begin, end; /* the batch: order[begin … end-1] */
    aml_rng rng;       /* dropout of this step */
    double dropout;

    float *m, *v, *best;
    float *average; /* of theta over the last steps: what is judged and kept */
    aml_nn_terms_batch terms;
    float *best_weight; /* of terms */
    double *block_norm;
    aml_nn_adam adam;
    size_t step, n_steps, epoch;
    double *out; /* predictions of valid */
    aml_watch watch;
} trainer;

/* ---- one step */

static void chunk_gradient(void *arg, size_t block, size_t begin, size_t end, int thread) {
    trainer *t = arg;
    aml_nn_work *work = &t->work[block];
    size_t n = end - begin;
    (void)thread;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = t->order[t->begin + begin + i];
        t->rows[begin + i] = t->train->rows[at];
        work->y[i] = t->train->y[at];
        work->w[i] = t->train->w ? t->train->w[at] : 1;
    }
    aml_rng rng = aml_rng_child(&t->rng, (uint32_t)block);
    if (!aml_nn_forward(work, t->net, t->train->x, t->rows + begin, n, t->dropout, rng, t->ctx))
        return;
    aml_nn_backward(work, t->net, n, t->o->label_smoothing, (double)(t->end - t->begin), t->ctx);
    size_t width = t->net->width;
    if (t->net->terms.n)
        memcpy(t->terms.d_first + begin * width, work->d_first, n * width * sizeof(float));
}

static size_t chunks_of_batch(const trainer *t) {
    return (t->end - t->begin + t->chunk - 1) / t->chunk;
}

/* The chunks' gradients, added in order into the first. */
static void sum_gradients(void *arg, size_t block, size_t begin, size_t end, int thread) {
    trainer *t = arg;
    float *sum = t->work[0].gradient + begin;
    (void)thread;
    for (size_t c = 1; c < chunks_of_batch(t); c++)
        aml_nn_add(sum, t->work[c].gradient + begin, end - begin);
    t->block_norm[block] = aml_nn_square_sum(sum, end - begin);
}

static void step_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    trainer *t = arg;
    size_t split = t->net->n_decay < begin ? begin : t->net->n_decay < end ? t->net->n_decay : end;
    aml_nn_adam undecayed = t->adam;
    undecayed.decay = 0;
    (void)block, (void)thread;
    aml_nn_adam_step(t->net->theta + begin, t->average + begin, t->m + begin, t->v + begin,
                     t->work[0].gradient + begin, split - begin, &t->adam);
    aml_nn_adam_step(t->net->theta + split, t->average + split, t->m + split, t->v + split,
                     t->work[0].gradient + split, end - split, &undecayed);
}

/* Linear over the first twentieth, then half a cosine down to nothing. */
static double schedule(double progress) {
    const double warm = 0.05;
    if (progress < warm) return (progress + 1e-3) / (warm + 1e-3);
    return 0.5 * (1 + cos(3.14159265358979 * (progress - warm) / (1 - warm)));
}

/* Share of the newest weights in the average, which reaches over the last tenth of the steps made so far and over a
 * twentieth of all at most (Polyak and Juditsky 1992): as good as a rate brought down, at any time. */
static double blend(const trainer *t) {
    return 1 / (1 + fmin((double)t->step / 10, (double)t->n_steps / 20));
}

static void set_adam(trainer *t, double norm) {
    const double beta1 = 0.9, beta2 = 0.98, longest = 1;
    double steps = (double)t->step + 1;
    t->adam = (aml_nn_adam){
        .rate = (float)(t->o->learning_rate * schedule((double)t->step / (double)t->n_steps)),
        .decay = (float)t->o->weight_decay,
        .beta1 = (float)beta1,
        .beta2 = (float)beta2,
        .correction1 = (float)(1 / (1 - pow(beta1, steps))),
        .correction2 = (float)(1 / (1 - pow(beta2, steps))),
        .gradient_factor = (float)(norm > longest ? longest / norm : 1),
        .blend = (float)blend(t),
    };
}

/* False when stopped: theta is as it was. A gradient that is not finite is skipped. */
static bool train_step(trainer *t) {
    size_t n = t->net->n_theta, n_blocks = (n + BLOCK - 1) / BLOCK;
    int threads = t->ctx->n_threads;
    t->rng = aml_rng_child(&t->ctx->rng, 0x80000000u + (uint32_t)t->step);
    aml_par_for(threads, t->end - t->begin, t->chunk, chunk_gradient, t);
    for (size_t c = 0; c < chunks_of_batch(t); c++)
        if (t->work[c].stopped) return false;
    aml_par_for(threads, n, BLOCK, sum_gradients, t);
    double square = 0;
    for (size_t b = 0; b < n_blocks; b++) square += t->block_norm[b];
    square += aml_nn_terms_gradient(&t->terms, t->rows, t->end - t->begin, threads);
    set_adam(t, sqrt(square));
    if (isfinite(square)) {
        aml_par_for(threads, n, BLOCK, step_block, t);
        aml_nn_terms_step(&t->terms, &t->adam, !t->step, threads);
    }
    t->step++;
    return true;
}

/* ---- epochs */

static double row_loss(const trainer *t, const double *out, float y) {
    size_t k = t->net->outputs;
    double p = t->net->link == AML_NN_SOFTMAX ? out[(size_t)y < k ? (size_t)y : 0] : out[0];
    if (t->net->link == AML_NN_VALUE) return (p - (double)y) * (p - (double)y);
    if (t->net->link == AML_NN_LOGISTIC && y < 0.5f) p = 1 - p;
    return -log(fmax(p, 1e-7));
}

static size_t term_bytes(const aml_nn *net) { return net->terms.n * net->width * sizeof(float); }

static void keep_best(trainer *t) {
    memcpy(t->best, t->net->theta, t->net->n_theta * sizeof(float));
    if (t->net->terms.n) memcpy(t->best_weight, t->net->terms.weight, term_bytes(t->net));
}

/* Keeps the weights when they are the best so far on `valid`. */
static aml_status judge(trainer *t, size_t epoch) {
    const aml_nn_data *d = t->valid;
    AML_TRY(aml_nn_predict(t->out, t->net, d->x, d->rows, d->n, t->ctx));
    aml_watch_sums sums = {0};
    size_t k = t->net->outputs;
    for (size_t i = 0; i < d->n; i++) {
        double w = d->w ? (double)d->w[i] : 1;
        if (w > 0) sums.loss[i % AML_WATCH_PARTS] += w * row_loss(t, t->out + i * k, d->y[i]);
        sums.weight[i % AML_WATCH_PARTS] += w;
    }
    unsigned better = aml_watch_see(&t->watch, &sums, epoch);
    for (size_t i = 0; d->held_out && i < d->n; i++)
        if (better >> i % AML_WATCH_PARTS & 1)
            memcpy(d->held_out + i * k, t->out + i * k, k * sizeof *t->out);
    if (better >> AML_WATCH_ALL & 1) keep_best(t);
    return AML_OK;
}

/* Rows are cut evenly, so that no batch is a small rest. */
static aml_status train_epoch(trainer *t, size_t epoch, size_t n_batches) {
    aml_rng rng = aml_rng_child(&t->ctx->rng, 0x40000000u + (uint32_t)epoch);
    aml_rng_shuffle(&rng, t->order, t->train->n);
    for (size_t b = 0; b < n_batches && t->step < t->n_steps; b++) {
        t->begin = b * t->train->n / n_batches;
        t->end = (b + 1) * t->train->n / n_batches;
        if (aml_should_stop(t->ctx) || !train_step(t)) return AML_ESTOPPED;
    }
    return AML_OK;
}

/* Lays the average in the net's place, and back. */
static void swap_average(trainer *t) {
    float *theta = t->net->theta, *weight = t->net->terms.weight;
    t->net->theta = t->average;
    t->average = theta;
    if (!t->net->terms.n) return;
    t->net->terms.weight = t->terms.average;
    t->terms.average = weight;
}

static aml_status judge_average(trainer *t) {
    aml_nn_terms_catch_up(&t->terms);
    swap_average(t);
    aml_status status = judge(t, t->epoch);
    swap_average(t);
    return status;
}

/* ---- checkpoints: all that a pass leaves behind */

/* The arrays of floats, each with its length. */
typedef struct state_array {
    float *at;
    size_t n;
} state_array;

enum { ARRAYS = 10 };

static void list_arrays(state_array *list, const trainer *t) {
    size_t n = t->net->n_theta, terms = t->net->terms.n * t->net->width, judged = t->valid->n > 0;
    const state_array all[ARRAYS] = {{t->net->theta, n},
                                     {t->average, n},
                                     {t->m, n},
                                     {t->v, n},
                                     {t->best, judged * n},
                                     {t->best_weight, judged * terms},
                                     {t->net->terms.weight, terms},
                                     {t->terms.average, terms},
                                     {t->terms.m, terms},
                                     {t->terms.v, terms}};
    memcpy(list, all, sizeof all);
}

static size_t held_out_cells(const trainer *t) {
    return t->valid->held_out ? t->valid->n * t->net->outputs : 0;
}

static void keep_state(const trainer *t) {
    aml_writer w = {0};
    state_array list[ARRAYS];
    list_arrays(list, t);
    aml_put_u64(&w, t->epoch);
    aml_put_u64(&w, t->step);
    aml_put_u32s(&w, t->order, t->train->n);
    for (int i = 0; i < ARRAYS; i++) aml_put_f32s(&w, list[i].at, list[i].n);
    aml_put_f64s(&w, t->terms.seen, t->net->terms.n);
    aml_put_f64(&w, t->terms.left);
    aml_put_f64s(&w, t->valid->held_out, held_out_cells(t));
    aml_watch_save(&t->watch, &w);
    aml_checkpoint_keep(t->ctx, &w);
}

typedef struct state {
    size_t epoch, step;
    uint32_t *order;
    float *array[ARRAYS];
    double *seen, left, *held_out;
    aml_watch watch;
} state;

static bool read_state(state *s, const trainer *t, aml_reader *r) {
    aml_arena *a = t->ctx->scratch;
    state_array list[ARRAYS];
    list_arrays(list, t);
    s->epoch = aml_get_u64(r);
    s->step = aml_get_u64(r);
    s->order = aml_get_u32s(r, a, t->train->n, NULL);
    for (int i = 0; i < ARRAYS; i++) s->array[i] = aml_get_f32s(r, a, list[i].n, NULL);
    s->seen = aml_get_f64s(r, a, t->net->terms.n, NULL);
    s->left = aml_get_f64(r);
    s->held_out = aml_get_f64s(r, a, held_out_cells(t), NULL);
    aml_watch_load(&s->watch, r);
    if (r->status || r->at != r->size || s->step > t->n_steps) return false;
    for (size_t i = 0; i < t->train->n; i++)
        if (s->order[i] >= t->train->n) return false;
    return true;
}

/* Goes on where an earlier process was. */
static void restore(trainer *t) {
    state_array list[ARRAYS];
    state s;
    aml_reader r;
    if (!aml_checkpoint_open(&r, t->ctx) || !read_state(&s, t, &r)) return;
    list_arrays(list, t);
    t->epoch = s.epoch;
    t->step = s.step;
    t->watch = s.watch;
    memcpy(t->order, s.order, t->train->n * sizeof *t->order);
    for (int i = 0; i < ARRAYS; i++)
        if (list[i].n) memcpy(list[i].at, s.array[i], list[i].n * sizeof(float));
    if (t->net->terms.n) memcpy(t->terms.seen, s.seen, t->net->terms.n * sizeof(double));
    t->terms.left = s.left;
    if (held_out_cells(t))
        memcpy(t->valid->held_out, s.held_out, held_out_cells(t) * sizeof(double));
}

/* ---- passes */

static aml_status train_epochs(trainer *t, size_t n_batches) {
    size_t n_epochs = (t->n_steps + n_batches - 1) / n_batches;
    t->watch = aml_watch_begin(n_epochs / 4 > 8 ? n_epochs / 4 : 8);
    restore(t);
    while (t->epoch < n_epochs) {
        AML_TRY(train_epoch(t, t->epoch, n_batches));
        if (t->valid->n) AML_TRY(judge_average(t));
        if (aml_watch_over(&t->watch)) break;
        t->epoch++;
        if (t->epoch < n_epochs && aml_checkpoint_due(t->ctx)) keep_state(t);
    }
    return AML_OK;
}

/* ---- the whole */

static aml_status prepare(trainer *t) {
    aml_arena *a = t->ctx->scratch;
    size_t n = t->net->n_theta, batch = t->end;
    t->order = AML_ARRAY(a, t->train->n, uint32_t);
    t->rows = AML_ARRAY(a, batch, uint32_t);
    t->work = AML_ARRAY(a, t->n_chunks, aml_nn_work);
    t->m = AML_ARRAY(a, n, float);
    t->v = AML_ARRAY(a, n, float);
    t->average = aml_copy(a, t->net->theta, n * sizeof *t->average);
    t->best = AML_ARRAY(a, t->valid->n ? n : 0, float);
    t->out = AML_ARRAY(a, t->valid->n * t->net->outputs, double);
    t->block_norm = AML_ARRAY(a, n / BLOCK + 1, double);
    t->best_weight = AML_ARRAY(a, t->valid->n ? t->net->terms.n * t->net->width : 0, float);
    AML_TRY(aml_nn_terms_open(&t->terms, t->net, t->train, batch, a));
    if (!t->best_weight || !t->order || !t->rows || !t->work || !t->m || !t->v || !t->average ||
        !t->best || !t->out || !t->block_norm)
        return AML_ENOMEM;
    for (size_t i = 0; i < t->train->n; i++) t->order[i] = (uint32_t)i;
    for (size_t c = 0; c < t->n_chunks; c++)
        AML_TRY(aml_nn_work_new(&t->work[c], t->net, batch < t->chunk ? batch : t->chunk, true,
                                t->dropout > 0, a));
    return AML_OK;
}

aml_status aml_nn_train(aml_nn *net, const aml_nn_data *train, const aml_nn_data *valid,
                        const aml_nn_options *o, aml_ctx *ctx) {
    size_t batch = o->batch < train->n ? o->batch : train->n;
    size_t n_batches = (train->n + batch / 2) / batch, chunk = aml_nn_chunk(net);
    size_t longest = train->n / n_batches + 1;
    double steps = ceil(o->epochs * (double)n_batches);
    trainer t = {.net = net,
                 .train = train,
                 .valid = valid,
                 .o = o,
                 .ctx = ctx,
                 .chunk = chunk,
                 .end = longest,
                 .n_chunks = (longest + chunk - 1) / chunk,
                 .n_steps = steps < 1 ? 1 : (size_t)steps,
                 .dropout = o->dropout};
    AML_TRY(prepare(&t));
    aml_status status = train_epochs(&t, n_batches);
    if (status && status != AML_ESTOPPED) return status;
    bool judged = isfinite(t.watch.loss[AML_WATCH_ALL]);
    aml_nn_terms_catch_up(&t.terms);
    memcpy(net->theta, judged ? t.best : t.average, net->n_theta * sizeof(float));
    if (net->terms.n)
        memcpy(net->terms.weight, judged ? t.best_weight : t.terms.average, term_bytes(net));
    if (!judged && status && t.step * 4 < n_batches) return aml_stopped();
    ctx->truncated |= status == AML_ESTOPPED;
    if (!valid->held_out || judged) return AML_OK;
    aml_ctx own = *ctx; /* stopped before the first look: no weights were chosen by these rows */
    own.deadline = 0;
    return aml_nn_predict(valid->held_out, net, valid->x, valid->rows, valid->n, &own);
}
