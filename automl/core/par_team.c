/* par_team.c: threads that stay at hand between loops. */
#include "automl/core/par_team.h"

#include <pthread.h>
#include <stdatomic.h>

#include "automl/core/arena.h"

/* How often a thread looks for work before it sleeps: more often after a wait that was over in time, less often after
 * one that was not, as on processors that others want. A look takes about 50 ns. */
enum { FEWEST_LOOKS = 16, MOST_LOOKS = 1024 };

/* Thread 0 puts a loop up and counts `turn` on; the others take part, or see that it is not for them, and count
 * themselves in `done`. A new loop is put up only when all have. */
struct aml_team {
    _Atomic unsigned turn;
    _Atomic int done, asleep;
    _Atomic size_t next;
    const aml_loop *loop; /* NULL: go home */
    int n_threads, looks; /* of thread 0 */
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

/* The team that the running function is thread 0 of. */
static _Thread_local aml_team *mine;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

aml_team *aml_team_open(int n_threads) {
    aml_team *t = aml_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->n_threads = n_threads;
    t->looks = MOST_LOOKS;
    if (!pthread_mutex_init(&t->lock, NULL)) {
        if (!pthread_cond_init(&t->wake, NULL)) return t;
        pthread_mutex_destroy(&t->lock);
    }
    aml_free(t);
    return NULL;
}

void aml_team_close(aml_team *t) {
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    aml_free(t);
}

static void wake_all(aml_team *t) {
    if (!atomic_load(&t->asleep)) return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

/* Is the turn no longer `turn`, or, with turn NULL, are all done? */
static bool is_due(aml_team *t, const unsigned *turn) {
    return turn ? atomic_load(&t->turn) != *turn : atomic_load(&t->done) == t->n_threads - 1;
}

static void wait_for(aml_team *t, const unsigned *turn, int *looks) {
    for (int i = 0; i < *looks; i++) {
        if (is_due(t, turn)) {
            *looks = *looks < MOST_LOOKS ? 2 * *looks : MOST_LOOKS;
            return;
        }
        pause_briefly();
    }
    *looks = *looks > FEWEST_LOOKS ? *looks / 2 : FEWEST_LOOKS;
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->asleep, 1);
    while (!is_due(t, turn)) pthread_cond_wait(&t->wake, &t->lock);
    atomic_fetch_sub(&t->asleep, 1);
    pthread_mutex_unlock(&t->lock);
}

static void take_blocks(aml_team *t, const aml_loop *l, int thread) {
    size_t b;
    while ((b = atomic_fetch_add(&t->next, 1)) < l->n_blocks) {
        size_t begin = b * l->size, end = begin + l->size < l->n ? begin + l->size : l->n;
        l->fn(l->arg, b, begin, end, thread);
    }
}

static void put_up(aml_team *t, const aml_loop *loop) {
    t->loop = loop;
    atomic_store(&t->next, 0);
    atomic_store(&t->done, 0);
    atomic_fetch_add(&t->turn, 1);
    wake_all(t);
}

static void work(aml_team *t, int thread) {
    int looks = MOST_LOOKS;
    for (unsigned turn = 0;; turn++) {
        wait_for(t, &turn, &looks);
        const aml_loop *loop = t->loop;
        if (!loop) return;
        if (thread < loop->n_threads) take_blocks(t, loop, thread);
        if (atomic_fetch_add(&t->done, 1) == t->n_threads - 2) wake_all(t);
    }
}

void aml_team_run(aml_team *t, int thread, int n_threads, void (*fn)(void *arg), void *arg) {
    if (thread) {
        work(t, thread);
        return;
    }
    t->n_threads = n_threads; /* no more than were asked for, and read by others after a turn */
    aml_team *outer = mine;
    mine = n_threads > 1 ? t : NULL;
    fn(arg);
    mine = outer;
    if (n_threads > 1) put_up(t, NULL);
}

bool aml_team_take(const aml_loop *loop) {
    aml_team *t = mine;
    if (!t) return false;
    mine = NULL; /* loops within the loop are on their own */
    put_up(t, loop);
    take_blocks(t, loop, 0);
    wait_for(t, NULL, &t->looks);
    mine = t;
    return true;
}
