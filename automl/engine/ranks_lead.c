/* ranks_lead.c: the leader has a trial fitted by another rank. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "automl/engine/journal.h"
#include "automl/engine/ranks.h"

enum { TRIES = 2 };              /* a trial that costs two ranks may be what costs them */
static const double LOOK = 0.05; /* seconds between looks at the stop flag */

int aml_ranks_alive(aml_ranks *r) {
    int n = 0;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->n_peers; i++) n += r->peers[i].socket >= 0;
    pthread_mutex_unlock(&r->lock);
    return n;
}

int aml_ranks_lost(aml_ranks *r) {
    return r && !r->number ? (int)r->n_peers - aml_ranks_alive(r) : 0;
}

/* Waits for a rank that has nothing to do; NULL when none is left. */
static aml_peer *take(aml_ranks *r) {
    aml_peer *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        bool any = false;
        for (size_t i = 0; i < r->n_peers && !found; i++) {
            if (r->peers[i].socket < 0) continue;
            any = true;
            if (!r->peers[i].busy) found = &r->peers[i];
        }
        if (found || !any) break;
        pthread_cond_wait(&r->freed, &r->lock);
    }
    if (found) found->busy = true;
    pthread_mutex_unlock(&r->lock);
    return found;
}

static void give_back(aml_ranks *r, aml_peer *p, bool gone) {
    pthread_mutex_lock(&r->lock);
    if (gone) {
        close(p->socket);
        p->socket = -1;
    }
    p->busy = false;
    pthread_cond_broadcast(&r->freed);
    pthread_mutex_unlock(&r->lock);
}

/* ---- one conversation */

typedef struct talk {
    aml_peer *peer;
    aml_trial *t;
    const aml_bench *b;
    size_t n_config;
    aml_keep_going going;
    void *arg;
    const aml_ctx *ctx;
    bool told; /* to stop */
} talk;

static aml_status send_trial(const talk *k) {
    const aml_trial *t = k->t;
    aml_writer w = {0};
    aml_put_u64(&w, t->id);
    aml_put_f64(&w, t->patience);
    aml_put_f64(&w, t->timeout);
    aml_put_f64(&w, k->ctx->deadline > 0 ? k->ctx->deadline - aml_now() : INFINITY);
    aml_put_f64s(&w, t->config, k->n_config);
    aml_status status = w.status;
    if (!status) status = aml_message_send(k->peer->socket, AML_MESSAGE_TRIAL, w.data, w.size);
    aml_writer_free(&w);
    return status;
}

static void forget_folds(aml_trial *t) {
    aml_free(t->fold_loss);
    aml_free(t->fold_score);
    t->fold_loss = t->fold_score = NULL;
    t->n_folds = t->n_done = 0;
}

static aml_status expect_folds(aml_trial *t, size_t k) {
    forget_folds(t);
    t->n_folds = k;
    t->fold_loss = aml_calloc(k + 1, sizeof(double));
    t->fold_score = aml_calloc(k + 1, sizeof(double));
    return t->fold_loss && t->fold_score ? AML_OK : AML_ENOMEM;
}

/* The trial as far as it is: the caller judges whether it is to go on. */
static aml_status hear_fold(const talk *k, const aml_message *m) {
    aml_trial *t = k->t;
    aml_reader r = {.data = m->data, .size = m->size};
    double loss = aml_get_f64(&r), score = aml_get_f64(&r);
    t->fit_seconds = aml_get_f64(&r);
    t->predict_seconds = aml_get_f64(&r);
    if (r.status || t->n_done >= t->n_folds) return AML_EIO;
    t->fold_loss[t->n_done] = loss;
    t->fold_score[t->n_done++] = score;
    const unsigned char go = !k->going || k->going(t, k->arg);
    return aml_message_send(k->peer->socket, AML_MESSAGE_GO, &go, 1);
}

/* Its record, and predictions and models where it has them. */
static aml_status hear_result(const talk *k, const aml_message *m) {
    aml_trial *t = k->t;
    aml_reader r = {.data = m->data, .size = m->size};
    uint64_t n_record = aml_get_u64(&r), n_material = aml_get_u64(&r);
    size_t left = m->size - r.at;
    if (r.status || n_record > left || n_material != left - n_record) return AML_EIO;
    const unsigned char *record = m->data + r.at;
    forget_folds(t);
    AML_TRY(aml_record_read(t, record, (size_t)n_record, k->n_config, k->b));
    t->restored = false;
    if (!n_material) return AML_OK;
    return aml_material_read(t, record + n_record, (size_t)n_material, k->b);
}

static bool is_to_stop(const talk *k) {
    return (k->ctx->stop && atomic_load(k->ctx->stop)) || (k->ctx->interrupt && *k->ctx->interrupt);
}

static aml_status hear(talk *k, bool *ended) {
    aml_message m;
    aml_status status = aml_message_receive(&m, k->peer->socket, LOOK);
    if (status == AML_EAGAIN) {
        if (k->told || !is_to_stop(k)) return AML_OK;
        k->told = true;
        return aml_message_send(k->peer->socket, AML_MESSAGE_STOP, NULL, 0);
    }
    AML_TRY(status);
    *ended = m.kind == AML_MESSAGE_RESULT;
    if (*ended) status = hear_result(k, &m);
    else status = m.kind == AML_MESSAGE_FOLD ? hear_fold(k, &m) : AML_EIO;
    aml_message_free(&m);
    return status;
}

static aml_status converse(talk *k) {
    bool ended = false;
    aml_status status = expect_folds(k->t, k->b->folds->k);
    if (!status) status = send_trial(k);
    while (!status && !ended) status = hear(k, &ended);
    return status;
}

/* ---- */

static void fail(aml_trial *t, const char *host) {
    forget_folds(t);
    aml_trial_slim(t);
    t->n_folds = 1; /* it has ended */
    t->fold_loss = aml_calloc(1, sizeof(double));
    t->fold_score = aml_calloc(1, sizeof(double));
    t->state = AML_TRIAL_FAILED;
    t->status = AML_EIO;
    t->loss = t->score = t->error = NAN;
    snprintf(t->reason, sizeof t->reason, "%d ranks died while they fitted it, the last on %s",
             TRIES, host);
}

void aml_ranks_run(aml_ranks *r, aml_trial *t, const aml_bench *b, size_t n_config,
                   aml_keep_going going, void *arg, aml_ctx *ctx) {
    char host[AML_RANK_HOST] = "";
    for (int i = 0; i < TRIES; i++) {
        aml_peer *p = take(r);
        if (!p) {
            forget_folds(t);
            aml_trial_run(t, b, going, arg, ctx);
            return;
        }
        talk k = {p, t, b, n_config, going, arg, ctx, false};
        aml_status status = converse(&k);
        memcpy(host, p->host, sizeof host);
        give_back(r, p, status != AML_OK);
        if (!status) return;
    }
    fail(t, host);
}
