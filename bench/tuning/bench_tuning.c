/* bench_tuning.c: samplers on the functions of functions.c, by the public interface.
 *
 *   bench_tuning quality SAMPLERS SEEDS [FIRST LAST]    a line a run: sampler, function, seed, best after 25, 50, 100 and
 *                                                       200 evaluations, CPU milliseconds
 * A sampler may have parameters: "tpe;gamma=0.1".
 *   bench_tuning cost SAMPLERS [N]                      CPU milliseconds a suggestion after N trials in 10 dimensions,
 *                                                       and bytes a trial
 * peers.py prints the same of Optuna, compare.py puts them side by side. */
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automl/automl.h"
#include "bench/tuning/functions.h"

static const size_t budgets[] = {25, 50, 100, 200};
enum { BUDGETS = 4 };

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void check(aml_status status) {
    if (!status) return;
    fprintf(stderr, "%s\n", aml_last_error()->message);
    exit(status);
}

/* The number of a choice's text in the short form. */
static double choice_number(const char *space, const char *name, const char *text) {
    char head[64];
    snprintf(head, sizeof head, "%s = choice(", name);
    const char *at = strstr(space, head);
    if (!at) return !strcmp(text, "true");
    double k = 0;
    size_t n = strlen(text);
    for (at += strlen(head); *at && *at != ')'; k++) {
        size_t length = strcspn(at, ",)");
        if (length == n && !strncmp(at, text, n)) return k;
        at += length + (at[length] == ',');
        at += strspn(at, " ");
    }
    return NAN;
}

/* Inputs of the function, from the parameters that the trial has: names stand in the order of the inputs. */
static void inputs_of(double *x, aml_tuner *t, size_t trial, const char *space) {
    aml_tuner_value v = {.size = sizeof v};
    size_t input = 0;
    for (const char *item = space; item; input++) {
        char name[32];
        item += strspn(item, " ");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(item, " ="), item);
        x[input] = NAN;
        for (size_t i = 0; aml_tuner_value_at(t, trial, i, &v); i++) {
            if (strcmp(v.name, name) != 0) continue;
            x[input] = v.is_number ? v.number : choice_number(space, name, v.text);
        }
        item = strchr(item, ';');
        if (item) item++;
    }
}

/* "tpe;gamma=0.1;n_startup=5" as JSON; a name alone as it is. */
static const char *sampler_json(char *out, size_t size, const char *text) {
    size_t n = (size_t)snprintf(out, size, "{\"type\": \"%.*s\"", (int)strcspn(text, ";"), text);
    for (const char *at = strchr(text, ';'); at; at = strchr(at + 1, ';')) {
        size_t name = strcspn(at + 1, "="), value = strcspn(at + 2 + name, ";");
        n += (size_t)snprintf(out + n, size - n, ", \"%.*s\": %.*s", (int)name, at + 1, (int)value,
                              at + 2 + name);
    }
    snprintf(out + n, size - n, "}");
    return strchr(text, ';') ? out : text;
}

static void quality(const char *sampler, size_t f, unsigned seed) {
    char space[1024], json[256];
    snprintf(space, sizeof space, "%s", tuning_space(f));
    aml_tuner_options o = {.size = sizeof o,
                           .space = space,
                           .sampler = sampler_json(json, sizeof json, sampler),
                           .seed = seed,
                           .trials = 200};
    aml_tuner *t;
    double best = INFINITY, x[MOST_INPUTS], start = cpu();
    check(aml_tuner_new(&t, &o));
    printf("%s %s %u", sampler, tuning_name(f), seed);
    for (size_t i = 0, b = 0; b < BUDGETS; i++) {
        size_t id;
        check(aml_tuner_ask(t, &id));
        inputs_of(x, t, id, space);
        double y = tuning_value(f, seed, x);
        check(aml_tuner_tell(t, id, AML_OUTCOME_DONE, &y));
        best = fmin(best, y);
        if (i + 1 == budgets[b]) printf(" %.9g", best), b++;
    }
    printf(" %.0f\n", cpu() - start);
    fflush(stdout);
    aml_tuner_free(t);
}

static void cost(const char *sampler, size_t n) {
    enum { ASKS = 20 };
    char space[1024] = "";
    for (int i = 0, end = 0; i < 10; i++)
        end += snprintf(space + end, sizeof space - (size_t)end, "%sx%d = uniform(-5, 5)",
                        i ? "; " : "", i);
    aml_tuner_options o = {.size = sizeof o, .space = space, .sampler = sampler};
    aml_tuner *t;
    check(aml_tuner_new(&t, &o));
    struct mallinfo2 before = mallinfo2();
    unsigned noise = 1;
    char params[1024];
    for (size_t i = 0; i < n; i++) { /* random trials, whatever the sampler */
        size_t at = 0, id;
        double y = 0;
        for (int k = 0; k < 10; k++) {
            noise = noise * 1664525u + 1013904223u;
            double x = (noise >> 8) / 1677721.6 - 5;
            y += (x - 1) * (x - 1);
            at += (size_t)snprintf(params + at, sizeof params - at, "%s\"x%d\":%.6f", k ? "," : "{",
                                   k, x);
        }
        snprintf(params + at, sizeof params - at, "}");
        check(aml_tuner_enqueue(t, params));
        check(aml_tuner_ask(t, &id));
        check(aml_tuner_tell(t, id, AML_OUTCOME_DONE, &y));
    }
    struct mallinfo2 after = mallinfo2();
    double start = cpu(), bytes = (double)(after.uordblks + after.hblkhd) -
                                  (double)(before.uordblks + before.hblkhd);
    for (size_t i = 0; i < ASKS; i++) {
        size_t id;
        double y = 100 + (double)i;
        check(aml_tuner_ask(t, &id));
        check(aml_tuner_tell(t, id, AML_OUTCOME_DONE, &y));
    }
    printf("%s %zu trials: %.3f ms a suggestion, %.0f bytes a trial\n", sampler, n,
           (cpu() - start) / ASKS, bytes / (double)n);
    aml_tuner_free(t);
}

int main(int argc, char **argv) {
    if (argc < 3 || (strcmp(argv[1], "quality") != 0 && strcmp(argv[1], "cost") != 0)) {
        fprintf(stderr, "usage: bench_tuning quality|cost SAMPLERS …\n");
        return AML_EUSAGE;
    }
    bool measured = argv[1][0] == 'c';
    size_t first = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    size_t last = argc > 5 ? strtoul(argv[5], NULL, 10) : tuning_functions();
    unsigned seeds = argc > 3 && !measured ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    for (size_t f = first; f < (measured ? first + 1 : last) && f < tuning_functions(); f++)
        for (unsigned seed = 0; seed < seeds; seed++)
            for (char *at = argv[2]; *at;) {
                char name[96];
                snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
                if (measured) cost(name, argc > 3 ? strtoul(argv[3], NULL, 10) : 1000);
                else quality(name, f, seed);
                at += strcspn(at, ",");
                at += *at == ',';
            }
    return 0;
}
