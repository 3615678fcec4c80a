/* arena.c: blocks in a list, bump allocation, every block charged to the account. */
#include "automl/core/arena.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGN = 64,
    FIRST_BLOCK = 4096,
    LARGEST_BLOCK = 1 << 20,
    MOST_UNCOUNTED = 64 << 20,
    OWN_PAGES = 1 << 19
};

typedef struct block {
    struct block *next; /* the block before this one */
    size_t size, used;  /* of the payload that follows at ALIGN */
    char pad[ALIGN - sizeof(void *) - 2 * sizeof(size_t)];
} block;

/* Memory from elsewhere, or something else to be given up with the arena. */
typedef struct guest {
    struct guest *next;
    void (*drop)(void *p);
    void *p;
    size_t size;
} guest;

struct aml_arena {
    aml_memory *account;
    block *top;
    guest *guests;
    size_t bytes, most; /* now, and ever in blocks since the last reset */
};

static _Atomic uint64_t calls, fail_at;
static _Atomic bool fail_forever;

uint64_t aml_fail_alloc(uint64_t n, bool forever) {
    uint64_t seen = atomic_exchange(&calls, 0);
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_at, n);
    return seen;
}

static bool injected(void) {
    uint64_t now = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    return at && (now == at || (now > at && atomic_load(&fail_forever)));
}

static void *short_of_memory(size_t size) {
    aml_fail(AML_ENOMEM, "out of memory: %zu bytes could not be had", size);
    aml_help(AML_ENOMEM, NULL, "free memory, or use fewer rows or a lower --memory-limit");
    return NULL;
}

void *aml_malloc(size_t size) {
    void *p = injected() ? NULL : malloc(size ? size : 1);
    return p ? p : short_of_memory(size);
}

void *aml_calloc(size_t count, size_t size) {
    void *p = injected() ? NULL : calloc(count ? count : 1, size ? size : 1);
    return p ? p : short_of_memory(count * size);
}

void *aml_realloc(void *old, size_t size) {
    void *p = injected() ? NULL : realloc(old, size ? size : 1);
    return p ? p : short_of_memory(size);
}

void aml_free(void *p) { free(p); }

static bool charge_one(aml_memory *m, size_t bytes) {
    size_t now = atomic_fetch_add(&m->used, bytes) + bytes;
    if (m->limit && now > m->limit) {
        atomic_fetch_sub(&m->used, bytes);
        return false;
    }
    size_t peak = atomic_load(&m->peak);
    while (now > peak && !atomic_compare_exchange_weak(&m->peak, &peak, now)) {}
    return true;
}

aml_status aml_memory_charge(aml_memory *m, size_t bytes) {
    for (aml_memory *at = m; at; at = at->parent) {
        if (charge_one(at, bytes)) continue;
        for (aml_memory *back = m; back != at; back = back->parent)
            atomic_fetch_sub(&back->used, bytes);
        aml_fail(AML_ENOMEM, "memory limit reached: %zu bytes more than the %zu of %zu in use",
                 bytes, (size_t)atomic_load(&at->used), at->limit);
        return aml_help(AML_ENOMEM, NULL, "raise --memory-limit, or use fewer rows or columns");
    }
    return AML_OK;
}

void aml_memory_release(aml_memory *m, size_t bytes) {
    for (; m; m = m->parent) atomic_fetch_sub(&m->used, bytes);
}

size_t aml_memory_share(size_t bytes) {
#ifdef __GLIBC__
    if (bytes) mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
#endif
    size_t uncounted = bytes / 16;
    return bytes - (uncounted < MOST_UNCOUNTED ? uncounted : MOST_UNCOUNTED);
}

aml_arena *aml_arena_new(aml_memory *account) {
    aml_arena *a = aml_calloc(1, sizeof *a);
    if (a) a->account = account;
    return a;
}

static void pop(aml_arena *a) {
    block *b = a->top;
    a->top = b->next;
    size_t total = b->size + sizeof *b;
    a->bytes -= total;
    aml_memory_release(a->account, total);
    aml_free(b);
}

static void drop_guests(aml_arena *a) {
    while (a->guests) {
        guest *g = a->guests;
        a->guests = g->next;
        a->bytes -= g->size;
        aml_memory_release(a->account, g->size);
        g->drop(g->p);
        aml_free(g);
    }
}

void aml_arena_free(aml_arena *a) {
    if (!a) return;
    drop_guests(a); /* before the blocks: what they are dropped by may lie there */
    while (a->top) pop(a);
    aml_free(a);
}

static aml_status invite(aml_arena *a, void (*drop)(void *p), void *p, size_t size) {
    guest *g = aml_malloc(sizeof *g);
    if (!g) return AML_ENOMEM;
    *g = (guest){a->guests, drop, p, size};
    a->guests = g;
    a->bytes += size;
    return AML_OK;
}

aml_status aml_arena_adopt(aml_arena *a, void *p, size_t size) {
    return invite(a, aml_free, p, size);
}

aml_status aml_arena_defer(aml_arena *a, void (*drop)(void *arg), void *arg) {
    aml_status status = invite(a, drop, arg, 0);
    if (status) drop(arg);
    return status;
}

static bool push(aml_arena *a, size_t size) {
    size_t want = a->top ? a->top->size * 2 : FIRST_BLOCK;
    if (want > LARGEST_BLOCK) want = LARGEST_BLOCK;
    if (want < size) want = size;
    if (want > SIZE_MAX / 2) return short_of_memory(want);
    size_t total = (want + sizeof(block) + ALIGN - 1) / ALIGN * ALIGN;
    if (aml_memory_charge(a->account, total)) return false;
    block *b = injected() ? NULL : aligned_alloc(ALIGN, total);
    if (!b) {
        aml_memory_release(a->account, total);
        return short_of_memory(total);
    }
    *b = (block){.next = a->top, .size = total - sizeof *b};
    a->top = b;
    a->bytes += total;
    if (a->bytes > a->most) a->most = a->bytes;
    return true;
}

void *aml_alloc_raw(aml_arena *a, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4)
        return short_of_memory(SIZE_MAX);
    size_t align = bytes >= ALIGN ? ALIGN : 16; /* powers of two */
    size_t at = a->top ? (a->top->used + align - 1) & ~(align - 1) : 0;
    if (!a->top || at > a->top->size || a->top->size - at < bytes) {
        if (!push(a, bytes + ALIGN)) return NULL;
        at = 0;
    }
    a->top->used = at + bytes;
    return (char *)(a->top + 1) + at;
}

void *aml_alloc(aml_arena *a, size_t count, size_t size) {
    void *p = aml_alloc_raw(a, count, size);
    if (p) memset(p, 0, count * size);
    return p;
}

void *aml_copy(aml_arena *a, const void *data, size_t size) {
    void *p = aml_alloc_raw(a, size, 1);
    if (p && size) memcpy(p, data, size);
    return p;
}

char *aml_strndup(aml_arena *a, const char *text, size_t length) {
    char *p = aml_alloc_raw(a, length + 1, 1);
    if (!p) return NULL;
    memcpy(p, text, length);
    p[length] = 0;
    return p;
}

char *aml_strdup(aml_arena *a, const char *text) { return aml_strndup(a, text, strlen(text)); }

char *aml_printf(aml_arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : aml_alloc_raw(a, (size_t)n + 1, 1);
    if (p) vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

size_t aml_arena_bytes(const aml_arena *a) { return a->bytes; }

void aml_arena_leave(aml_arena *a) {
    aml_memory_release(a->account, a->bytes);
    a->account = NULL;
}

aml_mark aml_arena_mark(const aml_arena *a) {
    return (aml_mark){a->top, a->top ? a->top->used : 0};
}

void aml_arena_release(aml_arena *a, aml_mark mark) {
    while (a->top && a->top != mark.block) pop(a);
    if (a->top) a->top->used = mark.used;
}

void aml_arena_reset(aml_arena *a) {
    drop_guests(a);
    if (a->bytes < a->most || (a->top && a->top->next)) {
        size_t most = a->most;
        while (a->top) pop(a);
        if (!push(a, most)) aml_clear_error(); /* smaller blocks do, too */
        a->most = a->bytes;
    }
    if (a->top) a->top->used = 0;
}
