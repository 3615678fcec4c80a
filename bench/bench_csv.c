/* bench_csv.c: seconds and memory of reading CSV files to typed tables in memory.
 *
 *   bench_csv FILE [--threads N] [--repeat N]      one line of JSON: best of the repeats
 *   bench_csv --bandwidth                          bytes a second that memcpy moves, for comparison */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "automl/core/csv.h"
#include "automl/core/par.h"

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_bytes(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return 1024.0 * (double)u.ru_maxrss;
}

static int bandwidth(void) {
    enum { BYTES = 1 << 28, REPEATS = 8 };
    char *from = malloc(BYTES), *to = malloc(BYTES);
    double best = 1e30;
    if (!from || !to) return 71;
    memset(from, 1, BYTES);
    memset(to, 2, BYTES);
    for (int i = 0; i < REPEATS; i++) {
        double start = seconds(CLOCK_MONOTONIC);
        memcpy(to, from, BYTES);
        __asm__ volatile("" : : "r"(to) : "memory");
        double took = seconds(CLOCK_MONOTONIC) - start;
        if (took < best) best = took;
    }
    printf("%.0f\n", 2.0 * BYTES / best); /* read and written */
    free(from);
    free(to);
    return 0;
}

static int fail(void) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fputs(text, stderr);
    return 65;
}

int main(int argc, char **argv) {
    int threads = 1, repeats = 1;
    double best = 1e30, cpu = 0;
    if (argc == 2 && !strcmp(argv[1], "--bandwidth")) return bandwidth();
    if (argc < 2) return 64;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads")) threads = (int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--repeat")) repeats = (int)strtol(argv[i + 1], NULL, 10);
    }
    aml_par_init();
    for (int k = 0; k < repeats; k++) {
        aml_frame *f;
        aml_csv_report report;
        double wall = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
        if (aml_csv_read(&f, &report, argv[1], &(aml_csv_options){.n_threads = threads}))
            return fail();
        wall = seconds(CLOCK_MONOTONIC) - wall;
        used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
        if (wall < best) best = wall, cpu = used;
        if (k + 1 == repeats)
            printf("{\"rows\": %zu, \"columns\": %zu, \"bytes\": %zu, \"wall\": %.4f, "
                   "\"cpu\": %.4f, \"frame\": %zu, \"peak\": %.0f}\n",
                   f->n, f->p, report.n_bytes, best, cpu, aml_arena_bytes(f->arena), peak_bytes());
        aml_frame_free(f);
    }
    return 0;
}
