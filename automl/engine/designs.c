/* designs.c: a small table of designs under one lock; the least recently used goes first. */
#include "automl/engine/designs.h"

#include <pthread.h>
#include <string.h>

typedef struct entry {
    struct entry *next;
    uint64_t key;
    char *name; /* features and fold */
    bool ready;
    size_t users, used_at;
    aml_design design;
    aml_chain *chain;
    aml_arena *arena;
} entry;

struct aml_designs {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    entry *entries;
    size_t room, clock;
    aml_memory *account;
};

aml_designs *aml_designs_new(size_t room, aml_memory *account) {
    aml_designs *d = aml_calloc(1, sizeof *d);
    if (!d) return NULL;
    d->room = room;
    d->account = account;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    return d;
}

static void entry_free(entry *e) {
    aml_chain_release(e->chain);
    aml_arena_free(e->arena);
    aml_free(e->name);
    aml_free(e);
}

void aml_designs_free(aml_designs *d) {
    if (!d) return;
    for (entry *e = d->entries, *next; e; e = next) {
        next = e->next;
        entry_free(e);
    }
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    aml_free(d);
}

static entry *find(aml_designs *d, const char *name, uint64_t key) {
    for (entry *e = d->entries; e; e = e->next)
        if (e->key == key && !strcmp(e->name, name)) return e;
    return NULL;
}

static void unlink_entry(aml_designs *d, entry *e) {
    entry **at = &d->entries;
    while (*at != e) at = &(*at)->next;
    *at = e->next;
}

/* Drops designs that nobody uses, oldest first, until no more than `room` is kept. Were there any? */
static bool make_room(aml_designs *d, size_t room) {
    for (bool dropped = false;; dropped = true) {
        size_t bytes = 0;
        entry *oldest = NULL;
        for (entry *e = d->entries; e; e = e->next) {
            if (!e->ready) continue;
            bytes += aml_arena_bytes(e->arena);
            if (!e->users && (!oldest || e->used_at < oldest->used_at)) oldest = e;
        }
        if (bytes <= room || !oldest) return dropped;
        unlink_entry(d, oldest);
        entry_free(oldest);
    }
}

static aml_status make(entry *e, aml_designs *d, const aml_plan *plan, const aml_table *table,
                       const aml_data *target, uint64_t seed, aml_ctx *ctx) {
    e->arena = aml_arena_new(d->account);
    if (!e->arena) return AML_ENOMEM;
    aml_ctx own = *ctx;
    own.keep = e->arena;
    own.rng = aml_rng_stream(seed, AML_RNG_STEP, e->key, 0);
    return aml_chain_fit(&e->chain, &e->design, plan, table, target, d->account, &own);
}

static char *entry_name(const aml_plan *plan, size_t fold) {
    aml_string s = {0};
    aml_plan_features_text(&s, plan);
    aml_string_printf(&s, "|%u", aml_plan_build(plan));
    if (aml_plan_sees_target(plan)) aml_string_printf(&s, "|fold %zu", fold);
    if (!s.failed) return s.text;
    aml_string_free(&s);
    return NULL;
}

static aml_status lease(aml_lease *out, aml_designs *d, entry *e) {
    e->users++;
    e->used_at = ++d->clock;
    *out = (aml_lease){.design = &e->design, .chain = e->chain, .entry = e};
    return AML_OK;
}

/* Called with the lock held; gives it up while the design is made. */
static aml_status add(aml_lease *out, aml_designs *d, char *name, const aml_plan *plan,
                      const aml_table *table, const aml_data *target, uint64_t seed, aml_ctx *ctx) {
    entry *e = aml_calloc(1, sizeof *e);
    if (!e) {
        aml_free(name);
        return AML_ENOMEM;
    }
    *e = (entry){.next = d->entries, .key = aml_hash(name, strlen(name), 0), .name = name};
    d->entries = e;
    pthread_mutex_unlock(&d->lock);
    aml_status status = make(e, d, plan, table, target, seed, ctx);
    pthread_mutex_lock(&d->lock);
    if (status) {
        unlink_entry(d, e);
        entry_free(e);
    } else {
        e->ready = true;
        lease(out, d, e);
        if (d->room) make_room(d, d->room);
    }
    pthread_cond_broadcast(&d->changed);
    return status;
}

aml_status aml_designs_get(aml_lease *out, aml_designs *d, const aml_plan *plan, size_t fold,
                           const aml_table *table, const aml_data *target, uint64_t seed,
                           aml_ctx *ctx) {
    char *name = entry_name(plan, fold);
    if (!name) return AML_ENOMEM;
    uint64_t key = aml_hash(name, strlen(name), 0);
    pthread_mutex_lock(&d->lock);
    entry *e;
    while ((e = find(d, name, key)) && !e->ready) pthread_cond_wait(&d->changed, &d->lock);
    aml_status status;
    if (e) {
        aml_free(name);
        status = lease(out, d, e);
    } else {
        status = add(out, d, name, plan, table, target, seed, ctx);
    }
    pthread_mutex_unlock(&d->lock);
    return status;
}

void aml_designs_give_back(aml_designs *d, aml_lease *l) {
    if (!l->entry) return;
    pthread_mutex_lock(&d->lock);
    ((entry *)l->entry)->users--;
    if (d->room) make_room(d, d->room);
    pthread_mutex_unlock(&d->lock);
    *l = (aml_lease){0};
}

bool aml_designs_trim(aml_designs *d) {
    pthread_mutex_lock(&d->lock);
    bool dropped = make_room(d, 0);
    pthread_mutex_unlock(&d->lock);
    return dropped;
}
