/* stress.h: what the files of stress_api share: chance, what a call gave, the objects at hand, and calls as tables. */
#ifndef AML_TESTS_STRESS_H
#define AML_TESTS_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/automl.h"

enum { ROWS = 30, ROOM = 4 };

/* ---- chance.c: arguments, a function of the seed; now and then such as nobody should give */

void chance_start(uint64_t seed);
uint64_t next(void);
size_t below(size_t n);
bool one_in(size_t n);
#define PICK(list) ((list)[below(sizeof(list) / sizeof *(list))])

const char *text(void);
const char *name(void);   /* of a column */
const char *path(void);   /* files that are there, that are something else, and that are not */
const char *output(void); /* where something is written: never over what is read */
size_t number(void);
double real(void);
int threads(void);
const char *const *names(void);

/* A struct of the interface in room for a larger one, with a size that may be wrong. */
typedef union any_size {
    size_t size;
    char bytes[4096];
    double alignment;
} any_size;
size_t size_of(size_t right);

/* ---- outcome.c: a failure has a name and words of its own */

size_t calls_made(void);
void count_call(void);
void mark(const char *what); /* before a call: the last error is none of its own */
void named(aml_status s);    /* after it */
__attribute__((format(printf, 1, 2))) void die(const char *format, ...);

#define CALL(call) (mark(#call), named(call))
#define VALUE(call) (mark(#call), count_call(), (call))
#define FREE_TEXT(call) aml_text_free(VALUE(call))
/* A call that hands out an object by its first argument. */
#define MAKE(kind, object, call)                                     \
    do {                                                             \
        aml_status status_;                                          \
        mark(#call);                                                 \
        status_ = (call);                                            \
        named(status_);                                              \
        if ((status_ == AML_OK) != ((object) != NULL))               \
            die("status %d and %p", (int)status_, (void *)(object)); \
        put(kind, object);                                           \
    } while (0)

/* ---- objects.c: some of each kind, which calls find and replace */

typedef enum kind {
    FRAME,
    BUILDER,
    MODEL,
    TUNER,
    CHECK,
    EVALUATION,
    EXPLANATION,
    PERMUTATION,
    LINEAGE,
    EXPERIMENT,
    FEATURES,
    STORE,
    RUNS,
    COMPARISON,
    SWEEP,
    KINDS
} kind;

void *get(kind k);          /* one of them, or NULL */
void put(kind k, void *p);  /* in the place of another, which is freed */
void keep(kind k, void *p); /* for all calls: it is never replaced or freed before the end */
void forget(kind k, const void *p); /* the call has taken it */
void free_all(void);
void say_what_was_made(void);

/* ---- the calls */

typedef struct op {
    int weight; /* how often, in proportion; 0 ends a table */
    void (*run)(void);
} op;
extern const op frame_ops[], training_ops[], model_ops[], document_ops[], tuning_ops[], store_ops[],
    object_ops[];

/* Options of calls of more than one file, in the room that is given; now and then NULL. */
aml_read_options *read_options(any_size *room);
aml_train_options *train_options(any_size *room);

#endif
