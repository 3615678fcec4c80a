/* arena.h: memory that is dropped as a whole, counted against a limit.
 *
 * A model lives in one arena, temporaries in another, so that plug-ins have no free() and a
 * failing fit cannot leak. Every byte is charged to an aml_memory; beyond its limit the
 * allocation fails with AML_ENOMEM, and nothing aborts. */
#ifndef AML_CORE_ARENA_H
#define AML_CORE_ARENA_H

#ifndef __cplusplus
#include <stdatomic.h>
#endif
#include <stdint.h>

#include "automl/core/status.h"

/* An account of bytes; safe to share between threads. A charge goes to all ancestors. */
#ifndef __cplusplus
struct aml_memory {
    aml_memory *parent; /* may be NULL */
    size_t limit;       /* 0 = none */
    _Atomic size_t used, peak;
};
#endif

aml_status aml_memory_charge(aml_memory *m, size_t bytes);
void aml_memory_release(aml_memory *m, size_t bytes);

/* The limit of an account so that the process keeps to `bytes`: less a sixteenth, at most 64 MiB, for what nobody charges (code, stacks,
 * the buffers of OpenBLAS). From then on malloc gives blocks of half a megabyte back to the system when they are freed: what it
 * would keep for a thread, no other can use. 0, no limit, stays 0. */
size_t aml_memory_share(size_t bytes);

/* malloc, realloc and free of the project: the only callers of the C library's. They can be made
 * to fail. On failure NULL and an AML_ENOMEM text. */
void *aml_malloc(size_t size);
void *aml_calloc(size_t count, size_t size);
void *aml_realloc(void *p, size_t size);
void aml_free(void *p);

/* Fault injection for tests: the n-th allocation from now fails (n from 1), and with `forever`
 * every later one. n = 0 switches it off. Returns how many allocations there were since the
 * last call. */
uint64_t aml_fail_alloc(uint64_t n, bool forever);

/* Not thread-safe: one thread uses an arena at a time. */
typedef struct aml_arena aml_arena;

aml_arena *aml_arena_new(aml_memory *account); /* account may be NULL; NULL when memory is short */
void aml_arena_free(aml_arena *a);             /* NULL is fine */

/* Zeroed memory for count * size bytes, aligned to 64 (to 16 below 64 bytes). NULL when memory or limit is short (the
 * error text is set). A zero size gives a valid pointer. */
AML_PLUGIN void *aml_alloc(aml_arena *a, size_t count, size_t size);
AML_PLUGIN void *aml_alloc_raw(aml_arena *a, size_t count, size_t size); /* the same, not zeroed */
AML_PLUGIN void *aml_copy(aml_arena *a, const void *data, size_t size);
AML_PLUGIN char *aml_strdup(aml_arena *a, const char *text);
AML_PLUGIN char *aml_strndup(aml_arena *a, const char *text, size_t length);
AML_PLUGIN char *aml_printf(aml_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes over memory from aml_malloc with the `size` bytes that were charged for it to the arena's account: it goes
 * with the arena, whatever is released before. */
aml_status aml_arena_adopt(aml_arena *a, void *p, size_t size);

/* drop(arg) when the arena goes, before its memory does; the latest first. On AML_ENOMEM it has been called. */
aml_status aml_arena_defer(aml_arena *a, void (*drop)(void *arg), void *arg);

size_t aml_arena_bytes(const aml_arena *a);
void aml_arena_leave(
    aml_arena *a); /* its bytes are no longer counted: for results that outlive the account */

/* Scratch used inside a function: everything allocated after the mark goes with the release. */
typedef struct aml_mark {
    void *block;
    size_t used;
} aml_mark;
/* Everything goes but the room, which the next round finds in one block: where a round needs no more than the one
 * before, nothing is allocated. */
void aml_arena_reset(aml_arena *a);
AML_PLUGIN aml_mark aml_arena_mark(const aml_arena *a);
AML_PLUGIN void aml_arena_release(aml_arena *a, aml_mark mark);

#define AML_NEW(arena, type) ((type *)aml_alloc((arena), 1, sizeof(type)))
#define AML_ARRAY(arena, count, type) ((type *)aml_alloc((arena), (count), sizeof(type)))

#endif
