/* boost_sample.c: drawing the rows of a round. */
#include "learners/parts/boost_sample.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

enum { BLOCK = 4096, DIGIT = 65536 };

aml_status aml_boost_sample_init(aml_boost_sample *s, const aml_sample_rules *rules, size_t n,
                                 aml_ctx *ctx) {
    *s = (aml_boost_sample){.rules = *rules, .n_all = n, .n = n};
    if (!aml_boost_sample_draws(s)) return AML_OK;
    s->list = aml_alloc_raw(ctx->scratch, n, sizeof *s->list);
    s->bag = aml_alloc_raw(ctx->scratch, n, sizeof *s->bag);
    if (!s->list || !s->bag) return AML_ENOMEM;
    if (!rules->by_slope) return AML_OK;
    s->size = aml_alloc_raw(ctx->scratch, n, sizeof *s->size);
    s->emphasis = aml_alloc_raw(ctx->scratch, n, sizeof *s->emphasis);
    return s->size && s->emphasis ? AML_OK : AML_ENOMEM;
}

bool aml_boost_sample_draws(const aml_boost_sample *s) {
    return s->rules.by_slope ? s->rules.top + s->rules.other < 1 : s->rules.fraction < 1;
}

typedef struct draw_job {
    const aml_boost_sample *s;
    aml_rng rng;
    double share;
    float above; /* rows of larger slopes are in the bag for certain */
} draw_job;

static void draw_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const draw_job *job = arg;
    const aml_boost_sample *s = job->s;
    aml_rng rng = aml_rng_child(&job->rng, (uint32_t)block);
    uint32_t below = (uint32_t)(job->share * 4294967295.0);
    float weight = (float)(1 / job->share);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        bool drawn = aml_rng_u32(&rng) < below, large = s->size && s->size[i] > job->above;
        s->bag[i] = drawn || large;
        if (s->size) s->emphasis[i] = large ? 1.0f : drawn ? weight : 0.0f;
    }
}

/* ---- by slope */

/* The size of rank k (from 0) from the top: sizes are ≥ 0, so their bits are in their order. */
static float size_of_rank(const float *size, size_t n, size_t k) {
    uint32_t count[DIGIT], bits, high = DIGIT, low = DIGIT;
    float out;
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, size + i, sizeof bits);
        count[bits >> 16]++;
    }
    while (k >= count[--high]) k -= count[high];
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, size + i, sizeof bits);
        if (bits >> 16 == high) count[bits & 0xFFFF]++;
    }
    while (k >= count[--low]) k -= count[low];
    bits = high << 16 | low;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Rows tied with the last of the top are drawn like the others, and as many more: the bag has the same size. */
static void find_top(draw_job *job) {
    const aml_boost_sample *s = job->s;
    double n = (double)s->n_all, larger = 0;
    size_t rank = (size_t)(s->rules.top * n);
    if (rank >= s->n_all) rank = s->n_all - 1;
    job->above = size_of_rank(s->size, s->n_all, rank);
    for (size_t i = 0; i < s->n_all; i++) larger += s->size[i] > job->above;
    job->share = ((s->rules.top + s->rules.other) * n - larger) / (n - larger);
    job->share = fmax(1e-6, fmin(1, job->share));
}

/* ---- both */

void aml_boost_sample_draw(aml_boost_sample *s, aml_boost_loss *loss, size_t round,
                           const aml_rng *rng, int n_threads) {
    draw_job job = {.s = s, .rng = aml_rng_child(rng, 0), .share = s->rules.fraction};
    s->n = s->n_all;
    s->position = NULL;
    s->in_bag = NULL;
    loss->emphasis = NULL;
    if (!aml_boost_sample_draws(s) || !s->n_all || (s->size && round < s->rules.warm_up)) return;
    if (s->size) {
        aml_boost_loss_sizes(s->size, loss, n_threads);
        find_top(&job);
    }
    aml_par_for(n_threads, s->n_all, BLOCK, draw_block, &job);
    s->n = 0;
    for (size_t i = 0; i < s->n_all; i++) {
        s->list[s->n] = (uint32_t)i;
        s->n += s->bag[i];
    }
    s->position = s->list;
    s->in_bag = s->bag;
    loss->emphasis = s->emphasis;
}
