/* journal_internal.h: what the files of journal.h share. */
#ifndef AML_ENGINE_JOURNAL_INTERNAL_H
#define AML_ENGINE_JOURNAL_INTERNAL_H

#include <pthread.h>

#include "automl/engine/journal.h"

enum { AML_MOST_STORED = 64 };

/* A record of an earlier process. */
typedef struct aml_known {
    size_t id;
    const void *bytes;
    size_t size;
} aml_known;

/* A trial on its way to the disk. */
typedef struct aml_journal_item {
    aml_arena *keep;
    aml_entry entry;
    aml_progress progress;
    aml_leader last;
    struct aml_journal_item *next;
} aml_journal_item;

struct aml_journal {
    aml_arena *keep;
    aml_store *store;
    const aml_train_options *options;
    const aml_frame *data;
    char *all, *identity; /* options as JSON: all of them; hash of those that decide the result */
    char data_hash[20];
    const char *experiment, *validation;
    const aml_space *space;
    const aml_bench *bench;
    atomic_bool *stop;
    aml_run_handle run;
    bool begun, ended, higher_is_better;
    bool goes_on;           /* a process before this one began the run */
    atomic_bool has_states; /* of fits, in the store */
    char source[16];        /* the run that is replayed, "" = none */
    bool was_timed;
    aml_decisions decisions;
    size_t n_known, room_known;
    aml_known *known; /* by id */
    size_t n_stored;
    const aml_trial *stored[AML_MOST_STORED]; /* whose material is in the store */
    /* the writing thread */
    pthread_t thread;
    bool running, closing;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    aml_journal_item *first, **end; /* waiting */
    size_t pending;                 /* waiting or being written */
    aml_status status;
    aml_error error;
};

/* The writing thread (journal_write.c); to stop it waits until all is written. */
aml_status aml_journal_start_writer(aml_journal *j);
void aml_journal_stop_writer(aml_journal *j);

#endif
