/* journal.c: a run in the store: which one it is, what earlier processes left of it, its end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/json.h"
#include "automl/core/sort.h"
#include "automl/engine/journal_internal.h"
#include "automl/engine/manifest.h"

/* ---- what the run is told by */

/* "iris" of "data/iris.csv.gz". */
static char *name_of(const char *path, aml_arena *keep) {
    const char *slash = path ? strrchr(path, '/') : NULL, *name = slash ? slash + 1 : path;
    if (!name || !*name || !strcmp(name, "memory") || strchr(name, ' ')) return "default";
    size_t n = strcspn(name, ".");
    return aml_strndup(keep, name, n ? n : strlen(name));
}

static aml_status describe(aml_journal *j) {
    const aml_train_options *o = j->options;
    aml_string all = {0}, deciding = {0};
    aml_options_put(&all, o, true);
    aml_options_put(&deciding, o, false);
    aml_string_printf(&deciding, "automl %s", aml_version());
    bool failed = all.failed || deciding.failed;
    if (!failed) {
        uint64_t h = aml_hash(deciding.text, deciding.length, 0),
                 again = aml_hash(deciding.text, deciding.length, h);
        j->all = aml_strdup(j->keep, all.text);
        j->identity =
            aml_printf(j->keep, "%016llx%016llx", (unsigned long long)h, (unsigned long long)again);
    }
    aml_string_free(&all);
    aml_string_free(&deciding);
    uint64_t content = aml_frame_hash(j->data, 0);
    if (o->valid) content = aml_frame_hash(o->valid, content);
    snprintf(j->data_hash, sizeof j->data_hash, "%016llx", (unsigned long long)content);
    j->experiment = o->experiment ? o->experiment : name_of(j->data->source, j->keep);
    return failed || !j->all || !j->identity || !j->experiment ? AML_ENOMEM : AML_OK;
}

/* ---- records of earlier processes */

static aml_status keep_record(size_t id, const void *bytes, size_t size, void *arg) {
    aml_journal *j = arg;
    if (j->n_known == j->room_known) {
        size_t room = j->room_known * 2 + 64;
        aml_known *grown = aml_realloc(j->known, room * sizeof *grown);
        if (!grown) return AML_ENOMEM;
        j->known = grown;
        j->room_known = room;
    }
    aml_known *k = &j->known[j->n_known++];
    *k = (aml_known){id, aml_copy(j->keep, bytes, size), size};
    return k->bytes ? AML_OK : AML_ENOMEM;
}

static int by_id(const void *a, const void *b, void *arg) {
    const aml_known *x = a, *y = b;
    (void)arg;
    return (x->id > y->id) - (x->id < y->id);
}

static const aml_known *find(const aml_journal *j, size_t id) {
    size_t low = 0, high = j ? j->n_known : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (j->known[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return j && low < j->n_known && j->known[low].id == id ? &j->known[low] : NULL;
}

bool aml_journal_knows(const aml_journal *j, size_t id) { return find(j, id) != NULL; }

aml_status aml_journal_restore(aml_trial *t, const aml_journal *j) {
    const aml_known *k = find(j, t->id);
    AML_TRY(aml_record_read(t, k->bytes, k->size, j->space->n, j->bench));
    return aml_record_check(t, j->space);
}

bool aml_journal_revive(aml_trial *t, const aml_journal *j) {
    char name[32];
    const void *bytes;
    size_t size;
    aml_arena *keep = aml_arena_new(NULL);
    snprintf(name, sizeof name, "trial-%zu", t->id);
    const char *run = *j->source ? j->source : j->run.id;
    bool found = keep && !aml_store_get(&bytes, &size, j->store, run, name, keep) && bytes &&
                 !aml_material_read(t, bytes, size, j->bench);
    aml_arena_free(keep);
    return found;
}

static aml_status look_for_run(aml_journal *j) {
    const aml_run_wanted wanted = {.experiment = j->experiment,
                                   .identity = j->identity,
                                   .data_hash = j->data_hash,
                                   .options = j->all,
                                   .trials_limit = j->options->trials,
                                   .time_limit = j->options->time_limit};
    AML_TRY(aml_store_resume(&j->begun, &j->run, &j->validation, j->store, &wanted, j->keep));
    if (!j->begun) return AML_OK;
    j->goes_on = true;
    atomic_store(&j->has_states, true);
    AML_TRY(aml_store_records(j->store, j->run.id, false, keep_record, j));
    return aml_sort(j->known, j->n_known, sizeof *j->known, by_id, NULL);
}

/* ---- a run to be repeated */

static aml_status not_the_run(const char *id, const char *what) {
    return aml_help(aml_fail(AML_EUSAGE, "run %s cannot be replayed: %s", id, what), NULL,
                    "give the data and options that it had: `automl runs show %s`", id);
}

static aml_status take_decisions(aml_journal *j) {
    const void *bytes;
    size_t size, n = 0;
    AML_TRY(aml_store_get(&bytes, &size, j->store, j->source, "decisions", j->keep));
    aml_reader r = {.data = bytes, .size = size, .file = "run store"};
    const double *at = bytes ? aml_get_f64s(&r, j->keep, SIZE_MAX, &n) : NULL;
    if (!at) return not_the_run(j->source, "its record is not complete");
    j->decisions.at = aml_malloc(n * sizeof *at + 1);
    if (!j->decisions.at) return AML_ENOMEM;
    memcpy(j->decisions.at, at, n * sizeof *at);
    j->decisions.n = n;
    j->decisions.replayed = true;
    return AML_OK;
}

static aml_status is_same_search(bool *same, const aml_journal *j, const char *id) {
    const char *identity, *data;
    AML_TRY(aml_store_identity(&identity, &data, j->store, id, j->keep));
    *same = !strcmp(identity, j->identity) && !strcmp(data, j->data_hash);
    return AML_OK;
}

/* Of a replay the run that it replayed: that one has what cannot be repeated. */
static aml_status find_source(aml_journal *j) {
    aml_runs *found;
    aml_run_info r = {.size = sizeof r};
    bool same, ended;
    AML_TRY(aml_store_find(&found, j->store, j->options->replay));
    aml_runs_at(found, 0, &r);
    snprintf(j->source, sizeof j->source, "%s", *r.parent ? r.parent : r.id);
    ended = !strcmp(r.status, "finished") || !strcmp(r.status, "stopped");
    j->was_timed = r.time_limit > 0;
    j->validation = aml_strdup(j->keep, r.validation);
    aml_runs_free(found);
    if (!j->validation) return AML_ENOMEM;
    if (!ended) return not_the_run(j->source, "it has not come to its end");
    AML_TRY(is_same_search(&same, j, j->source));
    if (!same)
        return not_the_run(j->source,
                           "these are other data or options, or another version of automl");
    AML_TRY(take_decisions(j));
    AML_TRY(aml_store_records(j->store, j->source, true, keep_record, j));
    return aml_sort(j->known, j->n_known, sizeof *j->known, by_id, NULL);
}

/* ---- life */

aml_status aml_journal_open(aml_journal **out, const aml_train_options *o, const aml_frame *data) {
    aml_journal *j = *out = aml_calloc(1, sizeof *j);
    if (!j) return AML_ENOMEM;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->changed, NULL);
    j->end = &j->first;
    j->store = o->store;
    j->options = o;
    j->data = data;
    j->keep = aml_arena_new(NULL);
    if (!j->keep) return AML_ENOMEM;
    AML_TRY(describe(j));
    if (o->replay) return find_source(j);
    return o->resume < 0 ? AML_OK : look_for_run(j);
}

bool aml_journal_replays(const aml_journal *j) { return j && *j->source; }
bool aml_journal_was_timed(const aml_journal *j) { return j->was_timed; }
aml_decisions *aml_journal_decisions(aml_journal *j) { return &j->decisions; }

const char *aml_journal_run(const aml_journal *j) { return j->begun ? j->run.id : ""; }
size_t aml_journal_count(const aml_journal *j) { return j->n_known; }
double aml_journal_seconds(const aml_journal *j) { return j->begun ? j->run.seconds : 0; }
const char *aml_journal_validation(const aml_journal *j) {
    bool given = j->begun || *j->source;
    return given && j->validation && j->validation[0] ? j->validation : NULL;
}

aml_status aml_journal_begin(aml_journal *j, const aml_journal_facts *f) {
    const aml_train_options *o = j->options;
    j->space = f->space;
    j->bench = f->bench;
    j->stop = f->stop;
    j->higher_is_better = f->higher_is_better;
    const aml_run_start start = {.experiment = j->experiment,
                                 .verb = *j->source ? "replay"
                                         : o->verb  ? o->verb
                                                    : "train",
                                 .parent = *j->source ? j->source : NULL,
                                 .identity = j->identity,
                                 .options = j->all,
                                 .task = f->task,
                                 .metric = f->metric,
                                 .target = o->target,
                                 .validation = f->validation,
                                 .higher_is_better = f->higher_is_better,
                                 .data = j->data->source,
                                 .data_hash = j->data_hash,
                                 .rows = j->data->n,
                                 .columns = j->data->p,
                                 .trials_limit = o->trials,
                                 .time_limit = o->time_limit,
                                 .model = o->model_path,
                                 .tags = o->tags};
    if (!j->begun) AML_TRY(aml_store_begin(&j->run, j->store, &start));
    j->begun = true;
    return aml_journal_start_writer(j);
}

void aml_journal_free(aml_journal *j) {
    if (!j) return;
    aml_journal_stop_writer(j);
    if (j->begun && !j->ended) aml_journal_end(j, NULL, AML_EINTERNAL, false);
    for (aml_journal_item *next; j->first; j->first = next) {
        next = j->first->next;
        aml_arena_free(j->first->keep);
    }
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    aml_free(j->known);
    aml_decisions_free(&j->decisions);
    aml_arena_free(j->keep);
    aml_free(j);
}

/* ---- what cannot be repeated */

aml_status aml_journal_keep_fit(aml_journal *j, size_t number, const aml_fit_of *fit) {
    char name[32];
    aml_writer w = {0};
    snprintf(name, sizeof name, "refit-%zu", number);
    aml_status status = aml_fits_put(&w, fit, 1);
    if (!status) status = aml_store_put(j->store, &j->run, name, w.data, w.size);
    aml_writer_free(&w);
    return status;
}

aml_status aml_journal_give_fit(bool *found, aml_journal *j, size_t number, const aml_fit_of *fit) {
    char name[32];
    const void *bytes = NULL;
    size_t size;
    *found = false;
    if (!*j->source) return AML_OK;
    snprintf(name, sizeof name, "refit-%zu", number);
    AML_TRY(aml_store_get(&bytes, &size, j->store, j->source, name, j->keep));
    aml_reader r = {.data = bytes, .size = size, .file = "run store"};
    *found = bytes != NULL;
    return bytes ? aml_fits_get(fit, 1, &r, j->bench->account) : AML_OK;
}

aml_status aml_journal_put(aml_journal *j, const char *name, const void *text, size_t size) {
    return aml_store_put(j->store, &j->run, name, text, size);
}

aml_status aml_journal_get(const void **text, size_t *size, aml_journal *j, const char *name) {
    const char *run = *j->source ? j->source : j->run.id;
    return aml_store_get(text, size, j->store, run, name, j->keep);
}

static aml_status put_decisions(aml_journal *j) {
    aml_writer w = {0};
    if (*j->source || j->decisions.failed) return AML_OK;
    aml_put_f64s(&w, j->decisions.at, j->decisions.n);
    aml_status status = w.status;
    if (!status) status = aml_store_put(j->store, &j->run, "decisions", w.data, w.size);
    aml_writer_free(&w);
    return status;
}

/* A replay has come to the same manifest, which has all scores, or it is none. */
static aml_status is_same_model(const aml_journal *j, const char *board) {
    const char *was;
    if (!*j->source) return AML_OK;
    AML_TRY(aml_store_board(&was, j->store, j->source, j->keep));
    if (!strcmp(was, board)) return AML_OK;
    return aml_help(aml_fail(AML_EDATA, "the replay of run %s came to another model", j->source),
                    "another machine or other libraries than then",
                    "`automl runs compare %s %s` tells the scores", j->source, j->run.id);
}

/* ---- the end */

aml_status aml_journal_end(aml_journal *j, const aml_model *m, aml_status status, bool stopped) {
    const aml_error error = *aml_last_error();
    aml_string board = {0};
    aml_run_end end = {.status = stopped ? "stopped"
                                 : m     ? "finished"
                                         : "failed",
                       .reason = m || stopped ? NULL : error.message,
                       .score = NAN,
                       .low = NAN,
                       .high = NAN,
                       .baseline = NAN};
    if (!j->begun || j->ended) return AML_OK;
    aml_journal_stop_writer(j);
    j->ended = true;
    aml_status written = m ? aml_manifest_write(&board, m) : AML_OK;
    if (m && !written) written = put_decisions(j);
    if (m) {
        end.score = m->score.value;
        end.low = m->score.low, end.high = m->score.high;
        end.baseline = m->score.baseline;
        end.board = board.text;
    }
    if (!written) written = aml_store_end(j->store, &j->run, &end);
    if (m && !written) written = is_same_model(j, board.text);
    aml_string_free(&board);
    if (status) aml_set_error(&error);
    return written;
}
