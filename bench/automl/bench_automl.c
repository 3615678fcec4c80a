/* bench_automl.c: one run of the engine as compare.py runs every system: learns TRAIN, predicts TEST, writes the predictions.
 *
 *   bench_automl TRAIN TEST OUTPUT --target NAME --metric NAME --time-limit SECONDS --threads N [--forget TABLE]
 *                [--sampler NAME] [--scheduler NAME] [--ensemble no] [--featurization JSON]
 *
 * It prints how many rows the leaderboard has, the score's interval, the score, that of the best single pipeline, after how many
 * seconds a first pipeline was better than a constant, and how many trials ended in how many seconds.
 * OUTPUT is CSV as `automl predict` writes it. A program of its own and not the command line for the sake of --forget: a
 * table must not be known to the meta-knowledge it is judged with. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "bench/tables.h"

static aml_frame *read_file(const char *path) {
    aml_frame *f;
    if (aml_frame_read(&f, path, NULL)) bench_stop(path);
    return f;
}

/* ---- the search as it goes */

typedef struct pace {
    double start, first, last;
    size_t trials;
} pace;

static int watch(const aml_progress *now, void *arg) {
    pace *p = arg;
    const aml_leader *t = now->last;
    if (!t) return 0;
    p->last = aml_now() - p->start;
    p->trials = now->trials;
    bool usable = !strcmp(t->state, "done") && strcmp(t->learner, "baseline") != 0;
    if (isnan(p->first) && usable) p->first = p->last;
    return 0;
}

static void run(const char *const path[3], const aml_train_options *options) {
    pace seen = {.start = aml_now(), .first = NAN};
    aml_frame *train = read_file(path[0]), *rows;
    aml_train_options o = *options;
    aml_model *m;
    o.seconds_used = aml_now() - seen.start;
    o.progress = watch;
    o.progress_arg = &seen;
    o.save_reserve = fmax(0.05, 0.01 * o.time_limit); /* as `automl train` does */
    if (aml_train(&m, train, &o)) bench_stop(path[0]);
    size_t trials = 0;
    aml_leader leader = {.size = sizeof leader};
    double best = NAN;
    for (; aml_model_leader(m, trials, &leader); trials++)
        if (isnan(best) && leader.trial != SIZE_MAX) best = leader.score;
    if (aml_model_read(&rows, m, path[1], NULL, NULL, 0) ||
        aml_model_predict_csv(m, rows, path[2], NULL, o.threads))
        bench_stop(path[1]);
    aml_score score = {.size = sizeof score};
    aml_model_score(m, &score);
    printf("%zu %.9g %.9g %.9g %.9g %.3f %zu %.2f\n", trials, score.low, score.high, score.value, best,
           seen.first, seen.trials, seen.last);
    aml_frame_free(rows);
    aml_frame_free(train);
    aml_model_free(m);
}

int main(int argc, char **argv) {
    aml_train_options o = {.size = sizeof o};
    aml_featurization *featurization = NULL;
    const char *path[3];
    int paths = 0;
    for (int at = 1; at < argc; at++) {
        const char *value = at + 1 < argc ? argv[at + 1] : "";
        if (strncmp(argv[at], "--", 2) != 0 && paths < 3) {
            path[paths++] = argv[at];
            continue;
        }
        if (!strcmp(argv[at], "--target")) o.target = value;
        else if (!strcmp(argv[at], "--metric")) o.metric = value;
        else if (!strcmp(argv[at], "--time-limit")) o.time_limit = bench_number(value);
        else if (!strcmp(argv[at], "--threads")) o.threads = (int)bench_number(value);
        else if (!strcmp(argv[at], "--forget")) o.forget = value;
        else if (!strcmp(argv[at], "--sampler")) o.sampler = value;
        else if (!strcmp(argv[at], "--scheduler")) o.scheduler = value;
        else if (!strcmp(argv[at], "--ensemble")) o.ensemble = strcmp(value, "no") ? 0 : -1;
        else if (!strcmp(argv[at], "--featurization")) {
            if (aml_featurization_parse(&featurization, value)) bench_stop(value);
        } else paths = -argc;
        at++;
    }
    if (paths != 3) return fprintf(stderr, "bench_automl: see the first lines of its source\n"), 64;
    o.featurization = featurization;
    run(path, &o);
    aml_featurization_free(featurization);
    return 0;
}
