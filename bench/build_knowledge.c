/* build_knowledge.c: makes the meta-knowledge: fits a fixed set of pipelines on every table of a folder and writes what they scored.
 *
 *   build_knowledge FOLDER OUTPUT.tsv [--rows N[,N…]] [--draws N] [--seconds-per-table S] [--jobs N]
 *
 * FOLDER holds CSV files and index.csv with the columns name, file, rows, columns, task, target, id_columns and leak_columns. Each
 * table is measured on a sample of each number of rows that it has, and those of many columns on half of them: each in a process
 * of its own and kept in OUTPUT.tsv.parts/NAME.tsv: a second run, perhaps of more draws, fills the gaps that the first left.
 * Losses are relative to the constant predictor's, on folds of the sample. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/io.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/study.h"
#include "search/parts/knowledge.h"
#include "search/parts/metafeatures.h"
#include "search/parts/prior.h"
#include "search/parts/similarity.h"

enum { MOST_PIPELINES = 400, MOST_METRICS = 3, MOST_SIZES = 8, MOST_DROPPED = 512 };
enum { MANY_COLUMNS = 12 }; /* half of them are a task of their own */

typedef struct setup {
    const char *folder, *output, *sizes;
    size_t rows[MOST_SIZES], n_sizes, draws, jobs; /* rows: of the samples, upwards */
    double seconds;
} setup;

static const char *const class_metrics[] = {"log_loss", "auc_weighted", "accuracy"};
static const char *const value_metrics[] = {"rmse", "mae"};

static void stop(const char *what) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fprintf(stderr, "%s: %s", what, text);
    exit(1);
}

static void *need(void *p) {
    if (!p) stop("memory");
    return p;
}

/* ---- the pipelines: each learner's default, then draws from its space */

/* As if the data had everything, so that every dimension is there. */
static aml_facts everything(aml_task_kind task) {
    return (aml_facts){
        .shape = {.n = 100000, .p = 100, .task = task, .n_classes = task == AML_REGRESSION ? 0 : 3},
        .kinds = AML_NUMBER | AML_CATEGORY | AML_DATETIME,
        .most_levels = 1000,
        .missing = true};
}

static aml_pipeline settings_of(const aml_space *space, const double *config, aml_arena *a) {
    aml_pipeline p;
    if (aml_pipeline_of(&p, space, config, a)) stop("memory");
    return p;
}

/* How many draws of a learner: the flexible ones have more to say. */
static size_t draws_of(const aml_learner *l, size_t draws) {
    size_t n = aml_params_count(l->params);
    if (l->can & AML_EARLY_STOPS) return l->can & AML_WANTS_DENSE ? draws / 2 : draws;
    return n >= 3 ? draws / 4 : n >= 1 ? draws / 8 : 0;
}

static size_t make_pipelines(aml_pipeline *out, aml_task_kind task, size_t draws, aml_arena *a) {
    aml_composer *c = need(AML_NEW(a, aml_composer));
    aml_facts facts = everything(task);
    size_t n = 0;
    if (aml_composer_init(c, &facts, NULL, a)) stop("space");
    double *config = need(AML_ARRAY(a, c->space.n, double));
    for (size_t l = 0; l < c->n_learners; l++) {
        aml_rng rng = aml_rng_stream(7, AML_RNG_SEARCH, l, task == AML_REGRESSION);
        aml_space_default(config, &c->space, (double)l);
        out[n++] = settings_of(&c->space, config, a);
        for (size_t k = draws_of(c->learners[l], draws); k && n < MOST_PIPELINES; k--) {
            aml_space_default(config, &c->space, (double)l);
            for (size_t d = 1; d < c->space.n; d++)
                if (aml_space_live(&c->space, config, d))
                    config[d] = aml_dim_decode(&c->space.dims[d], aml_rng_uniform(&rng));
            out[n++] = settings_of(&c->space, config, a);
        }
    }
    return n;
}

static void configure(double *config, const aml_space *space, const aml_pipeline *p) {
    double root = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->settings[i].name, "learner") &&
            aml_param_read(&root, space->dims[0].param, p->settings[i].value))
            stop("learner");
    aml_space_default(config, space, root);
    for (size_t i = 0; i < p->n; i++)
        for (size_t d = 1; d < space->n; d++)
            if (!strcmp(p->settings[i].name, space->dims[d].name))
                (void)aml_param_read(&config[d], space->dims[d].param, p->settings[i].value);
    aml_space_repair(config, space);
}

/* ---- one table */

typedef struct table_job {
    const char *name, *file, *target, *task, *row; /* row: of the matrix */
    const char *drop[MOST_DROPPED + 1];            /* NULL-ended */
    uint32_t family;
} table_job;

static double relative(const aml_study *s, const aml_trial *t, const char *metric) {
    const aml_metric *m = aml_metric_find(metric);
    const aml_bench *b = &s->bench;
    size_t n = b->n_scored * (size_t)b->n_outputs;
    double *p = need(aml_malloc(n * sizeof *p)), score[2] = {NAN, NAN};
    const aml_trial *both[2] = {t, s->yardstick};
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++) p[i] = both[k]->out_of_fold[i];
        if (m->score(&score[k], b->y, b->w, p, b->n_scored, s->task.n_classes)) score[k] = NAN;
    }
    aml_free(p);
    double loss = aml_metric_loss(m, score[0]), base = aml_metric_loss(m, score[1]);
    return base > 0 && isfinite(loss) ? loss / base : NAN;
}

static aml_frame *sample(const aml_frame *all, size_t rows) {
    aml_frame *out;
    uint32_t *pick = need(aml_malloc(all->n * sizeof *pick));
    for (size_t i = 0; i < all->n; i++) pick[i] = (uint32_t)i;
    aml_rng rng = aml_rng_stream(11, AML_RNG_SAMPLE, 0, 0);
    if (all->n > rows) aml_rng_shuffle(&rng, pick, all->n);
    if (aml_frame_rows(&out, all, pick, all->n > rows ? rows : all->n, NULL)) stop("sample");
    aml_free(pick);
    return out;
}

static bool is_same(const aml_pipeline *x, const aml_pipeline *y) {
    for (size_t i = 0; i < x->n && x->n == y->n; i++)
        if (strcmp(x->settings[i].name, y->settings[i].name) != 0 ||
            strcmp(x->settings[i].value, y->settings[i].value) != 0)
            return false;
    return x->n == y->n;
}

/* What an earlier run, perhaps of fewer draws, measured of these pipelines. */
static void take_over(aml_knowledge_table *now, double *loss, double *seconds, const char *part,
                      aml_arena *a) {
    char *text;
    size_t size, p = now->n_pipelines;
    aml_knowledge *k = NULL;
    if (access(part, R_OK)) return;
    if (aml_read_file(&text, &size, part, 1 << 28, NULL) ||
        aml_knowledge_parse(&k, text, size, part, a))
        stop(part);
    const aml_knowledge_table *t = &k->tables[0];
    for (size_t i = 0; i < t->n_pipelines && t->n_metrics == now->n_metrics; i++)
        for (size_t j = 0; j < p; j++) {
            if (!is_same(&t->pipelines[i], &now->pipelines[j])) continue;
            for (size_t m = 0; m < t->n_metrics; m++)
                loss[m * p + j] = t->rows[0].loss[m * t->n_pipelines + i];
            seconds[j] = t->rows[0].seconds_log[i];
        }
    aml_free(text);
}

/* Of this process, whatever else the machine does. */
static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Defaults first, the others mixed: a table that runs out of time has some of every learner. */
static size_t *make_order(const aml_pipeline *pipelines, size_t p, aml_arena *a) {
    size_t *order = need(AML_ARRAY(a, p, size_t)), n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < p; i++) {
            size_t j = p % 37 ? i * 37 % p : i;
            bool first = !j || strcmp(pipelines[j].settings[0].value,
                                      pipelines[j - 1].settings[0].value) != 0;
            if (first == !pass) order[n++] = j;
        }
    return order;
}

static void measure(const setup *u, const table_job *job, size_t rows, const char *part) {
    char path[4096];
    aml_frame *all;
    aml_study s;
    aml_par_init();
    aml_linalg_init();
    snprintf(path, sizeof path, "%s/%s", u->folder, job->file);
    if (aml_frame_read(&all, path, NULL)) stop(job->name);
    aml_frame *data = sample(all, rows);
    aml_frame_free(all);
    aml_train_options o = {.size = sizeof o,
                           .target = job->target,
                           .threads = 1,
                           .drop = job->drop,
                           .validation = "cv3",
                           .task = !strcmp(job->task, "regression") ? "regression" : NULL};
    if (aml_study_init(&s, &o, data) || aml_study_data(&s, data)) stop(job->name);
    bool values = s.task.kind == AML_REGRESSION;
    const char *const *metrics = values ? value_metrics : class_metrics;
    size_t n_metrics = values ? 2 : 3;
    o.metric = metrics[0];
    if (aml_study_bench(&s)) stop(job->name);
    aml_arena *a = need(aml_arena_new(NULL));
    aml_pipeline *pipelines = need(AML_ARRAY(a, MOST_PIPELINES, aml_pipeline));
    size_t p = make_pipelines(pipelines, values ? AML_REGRESSION : AML_MULTICLASS, u->draws, a);
    double *loss = need(AML_ARRAY(a, n_metrics * p, double)),
           *seconds = need(AML_ARRAY(a, p, double)),
           *features = need(AML_ARRAY(a, AML_METAFEATURES, double));
    s.ctx.rng = aml_rng_stream(0, AML_RNG_SAMPLE, 1, 0);
    if (aml_metafeatures(features, &s.view, NULL, &s.task, &s.ctx)) stop(job->name);
    aml_knowledge_row row = {.dataset = job->row,
                             .family = job->family,
                             .features = features,
                             .loss = loss,
                             .seconds_log = seconds};
    aml_knowledge_table table = {.name = values ? "regression" : "classification",
                                 .n_metrics = n_metrics,
                                 .n_pipelines = p,
                                 .n_rows = 1,
                                 .metrics = metrics,
                                 .pipelines = pipelines,
                                 .rows = &row,
                                 .weights = need(AML_ARRAY(a, n_metrics, const double *))};
    double start = aml_now();
    size_t done = 0;
    for (size_t j = 0; j < p; j++) {
        seconds[j] = NAN;
        for (size_t m = 0; m < n_metrics; m++) loss[m * p + j] = NAN;
    }
    take_over(&table, loss, seconds, part, a);
    const size_t *order = make_order(pipelines, p, a);
    for (size_t i = 0; i < p; i++) {
        size_t j = order[i];
        double left = start + u->seconds - aml_now();
        if (left <= 0) break;
        if (!isnan(loss[j])) continue;
        aml_trial *t = need(aml_calloc(1, sizeof *t));
        t->id = j;
        t->config = need(aml_calloc(s.composer.space.n, sizeof(double)));
        configure(t->config, &s.composer.space, &pipelines[j]);
        aml_compose(&t->plan, &s.composer, t->config);
        aml_ctx ctx = {.n_threads = 1, .deadline = aml_now() + u->seconds / 6};
        double cpu = cpu_seconds();
        aml_trial_run(t, &s.bench, NULL, NULL, &ctx);
        if (t->state == AML_TRIAL_DONE) {
            seconds[j] = log(fmax(cpu_seconds() - cpu, 1e-4));
            for (size_t m = 0; m < n_metrics; m++) loss[m * p + j] = relative(&s, t, metrics[m]);
            done++;
        }
        aml_trial_free(t);
    }
    aml_knowledge k = {.provenance = "one table",
                       .n_features = AML_METAFEATURES,
                       .n_tables = 1,
                       .features = aml_metafeature_names,
                       .tables = &table};
    aml_string text = {0};
    aml_knowledge_write(&text, &k);
    if (text.failed || aml_write_file(part, text.text, text.length)) stop(part);
    size_t known = 0;
    for (size_t j = 0; j < p; j++) known += !isnan(loss[j]);
    printf("%-30s %5zu rows %3zu of %zu pipelines, %zu of them now, %6.1f s\n", job->row, s.task.n,
           known, p, done, aml_now() - start);
}

/* ---- all tables */

static const char *cell(const aml_frame *f, size_t row, const char *column, aml_arena *a) {
    int c = aml_frame_find(f, column);
    char buffer[64];
    size_t n;
    if (c < 0) return "";
    const char *text = aml_frame_cell(&n, &f->columns[c], row, buffer);
    return need(aml_strndup(a, text, n));
}

/* "id, when (a remark)" to names of columns that are there. */
static void add_drops(table_job *job, const char *list, aml_arena *a) {
    size_t n = 0;
    while (job->drop[n]) n++;
    while (*list && n < MOST_DROPPED) {
        size_t length = strcspn(list, ",(");
        const char *begin = list;
        size_t used = length;
        while (used && *begin == ' ') begin++, used--;
        while (used && begin[used - 1] == ' ') used--;
        if (used && !memchr(begin, '*', used) && !memchr(begin, '.', 2))
            job->drop[n++] = need(aml_strndup(a, begin, used));
        list += length;
        if (*list == '(') list += strcspn(list, ",");
        if (*list == ',') list++;
    }
}

/* Leaves out what the table does not have, and of `half` a table every other column by chance. */
static void choose_columns(table_job *job, const setup *u, bool half, aml_arena *a) {
    char path[4096];
    aml_frame *f;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", u->folder, job->file);
    if (aml_frame_read(&f, path, NULL)) stop(job->name);
    for (size_t i = 0; job->drop[i]; i++)
        if (aml_frame_find(f, job->drop[i]) >= 0) job->drop[n++] = job->drop[i];
    aml_rng rng = aml_rng_stream(11, AML_RNG_SAMPLE, 1, job->family);
    for (size_t j = 0; half && j < f->p && n < MOST_DROPPED; j++)
        if (strcmp(f->columns[j].name, job->target) != 0 && aml_rng_uniform(&rng) < 0.5)
            job->drop[n++] = need(aml_strdup(a, f->columns[j].name));
    job->drop[n] = NULL;
    aml_frame_free(f);
}

/* What of the meta-features matters, learnt for each metric from the table's own rows. */
static void learn_weights(aml_knowledge_table *t, size_t n_features, aml_arena *a) {
    const double **weights = need(AML_ARRAY(a, t->n_metrics, const double *));
    double *x = need(AML_ARRAY(a, t->n_rows * n_features, double)),
           *rows = need(AML_ARRAY(a, t->n_rows * t->n_pipelines, double));
    uint32_t *family = need(AML_ARRAY(a, t->n_rows, uint32_t));
    for (size_t m = 0; m < t->n_metrics; m++) {
        for (size_t j = 0; j < t->n_pipelines; j++) {
            double sum = 0, n = 0;
            for (size_t i = 0; i < t->n_rows; i++) {
                double loss = t->rows[i].loss[m * t->n_pipelines + j];
                if (isfinite(loss)) sum += fmin(loss, 2), n++;
            }
            for (size_t i = 0; i < t->n_rows; i++) { /* a gap is filled by the pipeline's mean */
                double loss = t->rows[i].loss[m * t->n_pipelines + j];
                rows[i * t->n_pipelines + j] = isfinite(loss) ? fmin(loss, 2) : n > 0 ? sum / n : 1;
            }
        }
        for (size_t i = 0; i < t->n_rows; i++) {
            memcpy(x + i * n_features, t->rows[i].features, n_features * sizeof *x);
            family[i] = t->rows[i].family;
        }
        double *metric = need(AML_ARRAY(a, n_features, double));
        aml_ctx ctx = {.keep = a,
                       .scratch = a,
                       .n_threads = 1,
                       .rng = aml_rng_stream(1, AML_RNG_SEARCH, m, 0)};
        if (aml_similarity_learn(metric, x, t->n_rows, n_features, family, rows, t->n_pipelines,
                                 &ctx))
            stop("weights");
        weights[m] = metric;
    }
    t->weights = weights;
}

/* Tasks of a table: samples of each size, named TABLE and TABLE@ROWS, and last half of the columns, TABLE@half. */
static size_t tasks_count(const setup *u) { return u->n_sizes + 1; }

static const char *task_name(const setup *u, const char *table, size_t task, aml_arena *a) {
    if (task == u->n_sizes) return need(aml_printf(a, "%s@half", table));
    return task ? need(aml_printf(a, "%s@%zu", table, u->rows[task])) : table;
}

/* A sample that is not half as large again as the one before says nothing new. */
static bool is_worth_it(const setup *u, size_t task, double rows, double columns) {
    if (task == u->n_sizes) return columns > MANY_COLUMNS;
    return !task || rows >= 1.5 * (double)u->rows[task - 1];
}

static void merge(const setup *u, const char *parts, const char *const *names, size_t n,
                  aml_arena *a) {
    aml_knowledge *all = NULL;
    for (size_t i = 0; i < n * tasks_count(u); i++) {
        char path[4096], *text;
        size_t size;
        aml_knowledge *one, *both;
        snprintf(path, sizeof path, "%s/%s.tsv", parts,
                 task_name(u, names[i / tasks_count(u)], i % tasks_count(u), a));
        if (access(path, R_OK)) continue;
        if (aml_read_file(&text, &size, path, 1 << 28, NULL) ||
            aml_knowledge_parse(&one, text, size, path, a))
            stop(path);
        if (!all) all = one;
        else if (aml_knowledge_merge(&both, all, one, a)) stop(path);
        else all = both;
    }
    if (!all) return;
    aml_knowledge_table *tables =
        need(aml_copy(a, all->tables, all->n_tables * sizeof *all->tables));
    for (size_t t = 0; t < all->n_tables; t++)
        if (tables[t].n_rows >= 5) learn_weights(&tables[t], all->n_features, a);
    all->tables = tables;
    all->provenance =
        need(aml_printf(a, "automl %s, build_knowledge: up to %s rows a table, 3 folds, %zu draws",
                        aml_version(), u->sizes, u->draws));
    aml_string out = {0};
    aml_knowledge_write(&out, all);
    if (out.failed || aml_write_file(u->output, out.text, out.length)) stop(u->output);
    printf("%s: %zu bytes\n", u->output, out.length);
}

static size_t number(const char *text) {
    int64_t x;
    if (!aml_parse_int64(&x, text, strlen(text)) || x < 0)
        exit((fprintf(stderr, "not a number: %s\n", text), 64));
    return (size_t)x;
}

static void read_sizes(setup *u, const char *list) {
    u->sizes = list;
    for (u->n_sizes = 0; *list && u->n_sizes < MOST_SIZES; list += *list == ',') {
        char one[32] = "";
        size_t length = strcspn(list, ",");
        memcpy(one, list, length < sizeof one ? length : sizeof one - 1);
        u->rows[u->n_sizes++] = number(one);
        list += length;
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: build_knowledge FOLDER OUTPUT.tsv [--rows N] [--draws N] "
                               "[--seconds-per-table S] [--jobs N]\n"),
               64;
    setup u = {.folder = argv[1], .output = argv[2], .draws = 24, .seconds = 60, .jobs = 2};
    read_sizes(&u, "2000");
    for (int i = 3; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--rows")) read_sizes(&u, argv[i + 1]);
        else if (!strcmp(argv[i], "--draws")) u.draws = number(argv[i + 1]);
        else if (!strcmp(argv[i], "--jobs")) u.jobs = number(argv[i + 1]);
        else if (!strcmp(argv[i], "--seconds-per-table")) u.seconds = (double)number(argv[i + 1]);
    }
    char path[4096], parts[2048], part[4096];
    snprintf(path, sizeof path, "%s/index.csv", u.folder);
    snprintf(parts, sizeof parts, "%s.parts", u.output);
    mkdir(parts, 0777);
    aml_frame *index;
    aml_arena *a = need(aml_arena_new(NULL));
    const aml_read_options text = {.size = sizeof text, .threads = 1};
    if (aml_frame_read(&index, path, &text)) stop(path);
    const char **names = need(AML_ARRAY(a, index->n, const char *));
    size_t running = 0;
    for (size_t i = 0; i < index->n; i++) {
        table_job job = {.name = cell(index, i, "name", a),
                         .file = cell(index, i, "file", a),
                         .target = cell(index, i, "target", a),
                         .task = cell(index, i, "task", a),
                         .family = (uint32_t)i};
        names[i] = job.name;
        add_drops(&job, cell(index, i, "id_columns", a), a);
        add_drops(&job, cell(index, i, "leak_columns", a), a);
        double rows = strtod(cell(index, i, "rows", a), NULL),
               columns = strtod(cell(index, i, "columns", a), NULL);
        for (size_t task = 0; task < tasks_count(&u); task++) {
            bool half = task == u.n_sizes;
            if (!is_worth_it(&u, task, rows, columns)) continue;
            job.row = task_name(&u, job.name, task, a);
            snprintf(part, sizeof part, "%s/%s.tsv", parts, job.row);
            while (running >= u.jobs && wait(NULL) > 0) running--;
            fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
                choose_columns(&job, &u, half, a);
                measure(&u, &job, u.rows[half ? 0 : task], part);
                exit(0);
            }
            running += child > 0;
        }
    }
    while (wait(NULL) > 0) {}
    merge(&u, parts, names, index->n, a);
    return 0;
}
