/* seeded.c: faults on purpose, one a name. What looks for faults of the kind has to report it: tests.cmake runs them in the
 * builds with sanitizers, and they fail where nothing is said. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/core/par.h"

enum { TURNS = 20000 };

static volatile long shared;

static void *add(void *unused) {
    (void)unused;
    for (int i = 0; i < TURNS; i++) shared++;
    return NULL;
}

/* Two threads and no lock. */
static void race(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, add, NULL)) return;
    add(NULL);
    pthread_join(other, NULL);
}

static void add_block(void *unused, size_t block, size_t begin, size_t end, int thread) {
    (void)unused, (void)block, (void)begin, (void)end, (void)thread;
    add(NULL);
    usleep(2000); /* there is a block for the other thread, too */
}

/* The same between blocks of one of our loops: OpenMP's own threads. */
static void race_of_blocks(void) { aml_par_for(2, 8, 1, add_block, NULL); }

static void overflow(void) {
    volatile char *volatile text = malloc(16); /* the compiler does not know how long it is */
    volatile size_t at = 16;
    if (text) text[at] = 'x';
    free((void *)text);
}

static void leak(void) {
    char *volatile lost = malloc(100);
    if (lost) lost[0] = 'x';
    lost = NULL;
}

static void shift(void) {
    volatile int by = 32;
    printf("%d\n", 1 << by);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*fault)(void);
    } faults[] = {{"race", race},
                  {"race_of_blocks", race_of_blocks},
                  {"overflow", overflow},
                  {"leak", leak},
                  {"shift", shift}};
    for (size_t i = 0; argc == 2 && i < sizeof faults / sizeof *faults; i++)
        if (!strcmp(argv[1], faults[i].name)) {
            faults[i].fault();
            return 0;
        }
    return 64;
}
