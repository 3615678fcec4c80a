/* ranks_serve.c: a rank that fits what the leader sends. One thread listens, the other fits. */
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "automl/engine/journal.h"
#include "automl/engine/ranks.h"

typedef struct server {
    int socket;
    const aml_bench *b;
    const aml_composer *composer;
    int n_threads;
    pthread_mutex_t lock;
    pthread_cond_t heard;
    aml_message trial; /* to be fitted next; data NULL = none */
    int go;            /* the answer to the last fold; -1 = not yet */
    bool over;
    atomic_bool stop;
    aml_status status;
} server;

/* ---- listening */

static void take_in(server *s, aml_message *m) {
    pthread_mutex_lock(&s->lock);
    if (m->kind == AML_MESSAGE_TRIAL && !s->trial.data) {
        atomic_store(&s->stop, false);
        s->trial = *m;
        *m = (aml_message){0};
    }
    if (m->kind == AML_MESSAGE_GO && m->size == 1) s->go = m->data[0];
    if (m->kind == AML_MESSAGE_STOP || m->kind == AML_MESSAGE_END) atomic_store(&s->stop, true);
    if (m->kind == AML_MESSAGE_END) s->over = true;
    pthread_cond_broadcast(&s->heard);
    pthread_mutex_unlock(&s->lock);
    aml_message_free(m);
}

/* A leader that is gone is the end, too. */
static void *listen_to_leader(void *arg) {
    server *s = arg;
    aml_message m;
    aml_status status = AML_OK;
    bool over = false;
    while (!over && (!status || status == AML_EAGAIN)) {
        status = aml_message_receive(&m, s->socket, 3600);
        if (status) continue;
        over = m.kind == AML_MESSAGE_END;
        take_in(s, &m);
    }
    m = (aml_message){.kind = AML_MESSAGE_END};
    if (!over) take_in(s, &m);
    return NULL;
}

/* ---- fitting */

static bool ask(const aml_trial *t, void *arg) {
    server *s = arg;
    aml_writer w = {0};
    aml_put_f64(&w, t->fold_loss[t->n_done - 1]);
    aml_put_f64(&w, t->fold_score[t->n_done - 1]);
    aml_put_f64(&w, t->fit_seconds);
    aml_put_f64(&w, t->predict_seconds);
    pthread_mutex_lock(&s->lock);
    s->go = -1;
    pthread_mutex_unlock(&s->lock);
    bool sent = !w.status && !aml_message_send(s->socket, AML_MESSAGE_FOLD, w.data, w.size);
    aml_writer_free(&w);
    pthread_mutex_lock(&s->lock);
    while (sent && s->go < 0 && !s->over) pthread_cond_wait(&s->heard, &s->lock);
    bool go = sent && s->go == 1;
    pthread_mutex_unlock(&s->lock);
    return go;
}

static aml_status send_result(const server *s, const aml_trial *t) {
    size_t n_config = s->composer->space.n;
    aml_writer record = {0}, material = {0}, head = {0};
    aml_status status = aml_record_write(&record, t, n_config);
    if (!status && t->out_of_fold) status = aml_material_write(&material, t, s->b);
    aml_put_u64(&head, record.size);
    aml_put_u64(&head, material.size);
    aml_put_bytes(&head, record.data, record.size);
    aml_put_bytes(&head, material.data, material.size);
    if (!status) status = head.status;
    if (!status) status = aml_message_send(s->socket, AML_MESSAGE_RESULT, head.data, head.size);
    aml_writer_free(&record);
    aml_writer_free(&material);
    aml_writer_free(&head);
    return status;
}

static aml_status read_trial(aml_trial *t, double *left, const server *s, const aml_message *m,
                             aml_arena *scratch) {
    aml_reader r = {.data = m->data, .size = m->size};
    size_t n = s->composer->space.n;
    t->id = (size_t)aml_get_u64(&r);
    t->patience = aml_get_f64(&r);
    t->timeout = aml_get_f64(&r);
    *left = aml_get_f64(&r);
    const double *config = aml_get_f64s(&r, scratch, n, NULL);
    t->config = aml_calloc(n + 1, sizeof *t->config);
    if (!t->config) return AML_ENOMEM;
    if (r.status) return r.status;
    memcpy(t->config, config, n * sizeof *config);
    aml_compose(&t->plan, s->composer, t->config);
    return AML_OK;
}

static aml_status fit(server *s, const aml_message *m) {
    double left;
    aml_arena *scratch = aml_arena_new(NULL);
    aml_trial *t = aml_calloc(1, sizeof *t);
    aml_status status = scratch && t ? read_trial(t, &left, s, m, scratch) : AML_ENOMEM;
    aml_arena_free(scratch);
    if (!status) {
        aml_ctx ctx = {.n_threads = s->n_threads, .stop = &s->stop};
        if (isfinite(left)) ctx.deadline = aml_now() + left;
        aml_trial_run(t, s->b, ask, s, &ctx);
        status = send_result(s, t);
    }
    aml_trial_free(t);
    return status;
}

static bool next(aml_message *m, server *s) {
    pthread_mutex_lock(&s->lock);
    while (!s->trial.data && !s->over) pthread_cond_wait(&s->heard, &s->lock);
    *m = s->trial;
    s->trial = (aml_message){0};
    bool over = s->over;
    pthread_mutex_unlock(&s->lock);
    return !over;
}

aml_status aml_ranks_serve(aml_ranks *r, const aml_bench *b, const aml_composer *composer,
                           int n_threads) {
    server s = {.socket = r->peers[0].socket, .b = b, .composer = composer, .n_threads = n_threads};
    aml_message m;
    pthread_t listener;
    aml_status status = AML_OK;
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.heard, NULL);
    if (pthread_create(&listener, NULL, listen_to_leader, &s))
        return aml_fail(AML_ENOMEM, "cannot start the thread that listens to rank 0");
    while (!status && next(&m, &s)) {
        status = fit(&s, &m);
        aml_message_free(&m);
    }
    aml_message_free(&m);
    if (status) shutdown(s.socket, SHUT_RDWR); /* the listener comes back */
    if (status == AML_EIO) status = AML_OK;    /* the leader is gone */
    pthread_join(listener, NULL);
    aml_message_free(&s.trial);
    pthread_cond_destroy(&s.heard);
    pthread_mutex_destroy(&s.lock);
    return status;
}
