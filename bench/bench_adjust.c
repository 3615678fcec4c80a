/* bench_adjust.c: do calibration and the threshold pay on rows that nothing has seen?
 *
 *   bench_adjust [--trials N] [--threads N] [--splits N] [--first-split N] [--learn-rows N] [--most-rows N] [TABLE …]
 *
 * Takes the classification tables of $AUTOML_DATASETS/index.csv (default ../shared/datasets); learns from at most N rows (1000) of
 * each and tests on others, at most 20,000. The same search is run without calibration and with it (log loss and expected
 * calibration error of the test), and, of two classes, for three metrics that see classes with the threshold at 0.5 and
 * chosen. Ends with how often the test was better, the same or worse, and the mean of what it gained. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tables.h"

typedef struct count {
    size_t better, same, worse;
    double before, after; /* sums */
} count;

enum { LOG_LOSS, ECE, F1, BALANCED, MATTHEWS, MEASURES };
static const char *const measures[MEASURES] = {"log_loss", "expected_calibration_error", "f1",
                                               "balanced_accuracy", "matthews_correlation"};

typedef struct runs {
    bench_options o;
    count counts[MEASURES];
} runs;

static aml_model *learn(const bench_table *t, const aml_frame *data, const char *metric,
                        bool adjusted, const bench_options *o, size_t split) {
    aml_train_options train = {.size = sizeof train,
                               .target = t->target,
                               .metric = metric,
                               .trials = o->trials,
                               .threads = o->threads,
                               .seed = split,
                               .forget = t->name,
                               .calibration = adjusted ? 0 : -1,
                               .threshold = adjusted || !strcmp(metric, "log_loss") ? 0 : 0.5};
    aml_model *m;
    if (aml_train(&m, data, &train)) bench_stop(t->name);
    return m;
}

static void add(count *c, const char *measure, double before, double after, bool higher) {
    double gain = higher ? after - before : before - after;
    if (!isfinite(gain)) return;
    c->better += gain > 1e-12;
    c->worse += gain < -1e-12;
    c->same += fabs(gain) <= 1e-12;
    c->before += before;
    c->after += after;
    printf("  %s %.4f -> %.4f", measure, before, after);
}

static void compare(runs *r, const bench_table *t, const aml_frame *data, const aml_frame *test,
                    size_t measure, size_t split) {
    const char *metric = measures[measure];
    aml_model *before = learn(t, data, metric, false, &r->o, split),
              *after = learn(t, data, metric, true, &r->o, split);
    for (size_t i = measure; i <= measure + (measure == LOG_LOSS); i++)
        add(&r->counts[i], measures[i], bench_score(before, test, measures[i], r->o.threads),
            bench_score(after, test, measures[i], r->o.threads), i >= F1);
    if (measure == LOG_LOSS) printf(" (%s)", aml_model_calibration(after));
    else printf(" (%.3f)", aml_model_threshold(after));
    aml_model_free(before);
    aml_model_free(after);
}

static void run(const bench_table *t, void *arg) {
    runs *r = arg;
    bool binary = !strcmp(t->task, "binary");
    if (!binary && strcmp(t->task, "multiclass") != 0) return;
    aml_frame *table = bench_read(t->file);
    for (size_t split = r->o.first_split; split < r->o.first_split + r->o.splits; split++) {
        aml_frame *data, *test;
        bench_divide(&data, &test, table, r->o.learn_rows, split);
        printf("%-26s", t->name);
        compare(r, t, data, test, LOG_LOSS, split);
        for (size_t m = F1; binary && m < MEASURES; m++) compare(r, t, data, test, m, split);
        printf("\n");
        fflush(stdout);
        aml_frame_free(data);
        aml_frame_free(test);
    }
    aml_frame_free(table);
}

int main(int argc, char **argv) {
    static runs r = {
        .o = {.trials = 6, .learn_rows = 1000, .most_rows = 1000000, .splits = 1, .threads = 1}};
    int at = bench_options_read(&r.o, argc, argv);
    bench_each_table(run, &r, 350, r.o.most_rows, argc - at, argv + at);
    for (size_t i = 0; i < MEASURES; i++) {
        const count *c = &r.counts[i];
        double n = (double)(c->better + c->same + c->worse);
        printf("%-28s better %zu, same %zu, worse %zu; mean %.4f -> %.4f\n", measures[i], c->better,
               c->same, c->worse, c->before / n, c->after / n);
    }
    return 0;
}
