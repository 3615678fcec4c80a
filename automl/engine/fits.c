/* fits.c: fitted pipelines as bytes. */
#include "automl/engine/fits.h"

#include <string.h>

void aml_fit_free(aml_fit *f) {
    aml_chain_release(f->chain);
    aml_arena_free(f->arena);
    *f = (aml_fit){0};
}

/* ---- writing */

typedef struct chains {
    aml_writer bytes; /* of all, one after the other */
    size_t n, *end;   /* where each ends */
    size_t n_seen;
    const aml_chain **seen; /* pointers, and the numbers of their content */
    uint32_t *number;
} chains;

static aml_status chains_init(chains *c, size_t n) {
    *c = (chains){.end = aml_calloc(n + 1, sizeof *c->end),
                  .seen = aml_calloc(n + 1, sizeof *c->seen),
                  .number = aml_calloc(n + 1, sizeof *c->number)};
    return c->end && c->seen && c->number ? AML_OK : AML_ENOMEM;
}

static void chains_free(chains *c) {
    aml_writer_free(&c->bytes);
    aml_free(c->end);
    aml_free(c->seen);
    aml_free(c->number);
}

/* The number of what lies in bytes from `begin` on, which stays there only when it is new. */
static uint32_t number_of(chains *c, size_t begin) {
    size_t size = c->bytes.size - begin, from = 0;
    for (size_t i = 0; i < c->n; from = c->end[i++]) {
        if (c->end[i] - from != size) continue;
        if (memcmp(c->bytes.data + from, c->bytes.data + begin, size) != 0) continue;
        c->bytes.size = begin;
        return (uint32_t)i;
    }
    c->end[c->n] = c->bytes.size;
    return (uint32_t)c->n++;
}

static uint32_t chain_number(chains *c, const aml_chain *chain) {
    for (size_t i = 0; i < c->n_seen; i++)
        if (c->seen[i] == chain) return c->number[i];
    size_t begin = c->bytes.size;
    aml_chain_save(chain, &c->bytes);
    if (c->bytes.status) return 0;
    c->seen[c->n_seen] = chain;
    c->number[c->n_seen] = number_of(c, begin);
    return c->number[c->n_seen++];
}

aml_status aml_fits_put(aml_writer *w, const aml_fit_of *fits, size_t n) {
    chains c;
    aml_status status = chains_init(&c, n);
    for (size_t i = 0; !status && i < n; i++) {
        chain_number(&c, fits[i].fit->chain);
        status = c.bytes.status;
    }
    if (!status) {
        aml_put_u32(w, (uint32_t)c.n);
        aml_put_bytes(w, c.bytes.data, c.bytes.size);
    }
    for (size_t i = 0; !status && i < n; i++) {
        aml_put_u32(w, chain_number(&c, fits[i].fit->chain));
        fits[i].learner->save(fits[i].fit->model, w);
    }
    chains_free(&c);
    return status ? status : w->status;
}

/* ---- reading */

static aml_status get_fit(const aml_fit_of *to, aml_chain **chain, uint32_t n, aml_reader *r,
                          aml_memory *account) {
    uint32_t c = aml_get_u32(r);
    aml_fit *fit = to->fit;
    if (r->status) return r->status;
    if (c >= n) return aml_reader_fail(r, "chain %u of %u", c, n);
    if (aml_learner_wants(to->learner) & ~chain[c]->build & AML_BUILD_DENSE)
        return aml_reader_fail(r, "chain %u lays nothing out for `%s`", c, to->learner->name);
    fit->chain = aml_chain_hold(chain[c]);
    fit->arena = aml_arena_new(account);
    aml_arena *scratch = aml_arena_new(account);
    aml_ctx ctx = {.keep = fit->arena, .scratch = scratch, .n_threads = 1};
    aml_status status =
        fit->arena && scratch ? to->learner->load(&fit->model, r, &ctx) : AML_ENOMEM;
    aml_arena_free(scratch);
    return status ? status : r->status;
}

aml_status aml_fits_get(const aml_fit_of *fits, size_t n, aml_reader *r, aml_memory *account) {
    uint32_t n_chains = aml_get_u32(r), loaded = 0;
    if (r->status) return r->status;
    if (!n_chains || n_chains > 100000) return aml_reader_fail(r, "%u chains", n_chains);
    aml_chain **chain = aml_calloc(n_chains, sizeof *chain);
    if (!chain) return AML_ENOMEM;
    aml_status status = AML_OK;
    while (!status && loaded < n_chains) {
        status = aml_chain_load(&chain[loaded], r, account);
        loaded += !status;
    }
    for (size_t i = 0; !status && i < n; i++)
        status = get_fit(&fits[i], chain, n_chains, r, account);
    for (uint32_t c = 0; c < loaded; c++) aml_chain_release(chain[c]);
    aml_free(chain);
    return status;
}
