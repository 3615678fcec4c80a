/* ranks.h: one run by several processes on one host or many. Rank 0 leads: it searches, and has the trials fitted by the others,
 * which have read the same data. They talk over TCP, with a secret that MPI passes round at the start: a wait costs no
 * processor, and a rank that dies is a connection that closes. */
#ifndef AML_ENGINE_RANKS_H
#define AML_ENGINE_RANKS_H

#include <pthread.h>

#include "automl/core/bytes.h"
#include "automl/engine/compose.h"
#include "automl/engine/trial.h"

enum { AML_RANK_HOST = 64 };

typedef struct aml_peer {
    int rank, socket; /* -1 = it is gone */
    char host[AML_RANK_HOST];
    bool busy;
} aml_peer;

struct aml_ranks {
    int number, count;
    int n_threads;  /* that this one may use where nobody says */
    size_t n_peers; /* of the leader: all others; of the others: the leader */
    aml_peer *peers;
    pthread_mutex_t lock;
    pthread_cond_t freed;
};

/* ---- ranks_message.c */

enum {
    AML_MESSAGE_HELLO = 1, /* secret, rank, host */
    AML_MESSAGE_FACTS,     /* what all must agree on */
    AML_MESSAGE_TRIAL,     /* to fit */
    AML_MESSAGE_FOLD,      /* is done: go on? */
    AML_MESSAGE_GO,        /* one byte */
    AML_MESSAGE_STOP,      /* end the trial early */
    AML_MESSAGE_RESULT,
    AML_MESSAGE_OPEN, /* of commands: ranks_relay.h */
    AML_MESSAGE_DATA,
    AML_MESSAGE_CLOSE,
    AML_MESSAGE_END
};

typedef struct aml_message {
    uint32_t kind;
    size_t size;
    unsigned char *data; /* heap */
} aml_message;

/* AML_EIO: the other side is gone. May be called while another thread receives. */
aml_status aml_message_send(int socket, uint32_t kind, const void *data, size_t size);
/* AML_EAGAIN: nothing within `seconds`; AML_EIO, AML_ENOMEM. */
aml_status aml_message_receive(aml_message *m, int socket, double seconds);
void aml_message_free(aml_message *m);

/* ---- before the search */

/* Do all ranks have the same data and the same search? The leader asks the others: AML_EDATA names the first one that has not. A rank
 * that is gone is left out. */
aml_status aml_ranks_agree(aml_ranks *r, const aml_writer *facts, const aml_ctx *ctx);

/* ---- ranks_lead.c */

int aml_ranks_alive(aml_ranks *r); /* others that are there */
/* As aml_trial_run, by another rank. Where one dies a second one tries; where none is left, here. */
void aml_ranks_run(aml_ranks *r, aml_trial *t, const aml_bench *b, size_t n_config,
                   aml_keep_going going, void *arg, aml_ctx *ctx);

/* ---- ranks_serve.c */

/* Fits what the leader sends until it says that it is over, or is gone. */
aml_status aml_ranks_serve(aml_ranks *r, const aml_bench *b, const aml_composer *composer,
                           int n_threads);

#endif
