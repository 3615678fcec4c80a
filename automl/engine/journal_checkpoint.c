/* journal_checkpoint.c: states of fits that take long, in the store until their trial has ended. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/engine/journal_internal.h"

enum { FORMAT = 1 };
static const double SHARE = 0.05; /* of the time that fits take, for writing states */
static const double MOST_BYTES = 256.0 * 1048576;

double aml_checkpoint_interval = 10;

typedef char state_name[64];

static const char *name_of(state_name out, const aml_trial_checkpoint *c) {
    snprintf(out, sizeof(state_name), "checkpoint-%zu-%zu", c->trial, c->part);
    return out;
}

static void wait_for_next(aml_trial_checkpoint *c, double spent) {
    c->base.due = aml_now() + fmax(aml_checkpoint_interval, spent / SHARE);
}

/* The header says of which pipeline a state is: with a time limit, a trial of the same number may be another one. */
static void put_header(aml_writer *w, const aml_trial_checkpoint *c) {
    aml_put_u8(w, FORMAT);
    aml_put_f64(w, c->base.seconds + aml_now() - c->began);
    aml_put_f64s(w, c->config, c->j->space->n);
}

static bool read_header(aml_trial_checkpoint *c, aml_reader *r) {
    size_t n = c->j->space->n;
    unsigned format = aml_get_u8(r);
    double seconds = aml_get_f64(r);
    const double *config = aml_get_f64s(r, c->keep, n, NULL);
    if (r->status || format != FORMAT || memcmp(config, c->config, n * sizeof *config) != 0)
        return false;
    c->base.seconds = seconds;
    return true;
}

static void begin(aml_checkpoint *base, size_t part) {
    aml_trial_checkpoint *c = (aml_trial_checkpoint *)base;
    state_name name;
    const void *bytes = NULL;
    size_t size = 0;
    c->part = part;
    c->began = aml_now();
    base->state = NULL;
    base->seconds = 0;
    wait_for_next(c, 0);
    aml_arena_reset(c->keep);
    if (!c->j->goes_on ||
        aml_store_get(&bytes, &size, c->j->store, c->j->run.id, name_of(name, c), c->keep) ||
        !bytes)
        return;
    aml_reader r = {.data = bytes, .size = size, .file = "run store"};
    if (!read_header(c, &r)) return;
    base->state = r.data + r.at;
    base->size = size - r.at;
}

/* That a state cannot be written costs time after a crash and nothing else: the record of the trial will say what is wrong. */
static void keep(aml_checkpoint *base, const void *state, size_t size) {
    aml_trial_checkpoint *c = (aml_trial_checkpoint *)base;
    state_name name;
    aml_writer w = {0};
    double start = aml_now();
    if ((double)size > MOST_BYTES) {
        base->due = INFINITY;
        return;
    }
    put_header(&w, c);
    aml_put_bytes(&w, state, size);
    if (!w.status &&
        !aml_store_keep(c->j->store, &c->j->run, name_of(name, c), c->trial, w.data, w.size))
        atomic_store(&c->j->has_states, true);
    aml_writer_free(&w);
    wait_for_next(c, aml_now() - start);
}

aml_checkpoint *aml_journal_checkpoint(aml_trial_checkpoint *c, aml_journal *j,
                                       const aml_trial *t) {
    *c = (aml_trial_checkpoint){
        .base = {.begin = begin, .keep = keep}, .j = j, .trial = t->id, .config = t->config};
    if (!j || *j->source) return NULL; /* a run that is repeated keeps nothing */
    c->keep = aml_arena_new(NULL);
    return c->keep ? &c->base : NULL;
}

void aml_journal_checkpoint_end(aml_trial_checkpoint *c) { aml_arena_free(c->keep); }
