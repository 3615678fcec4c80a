/* tuner.h: the inside of aml_tuner (automl.h): what its files share, and a way to make one from JSON that was read
 * already. */
#ifndef AML_TUNE_TUNER_H
#define AML_TUNE_TUNER_H

#include <pthread.h>

#include "automl/core/history.h"
#include "automl/core/sampler.h"
#include "automl/core/scheduler.h"
#include "automl/tune/space.h"

enum { AML_MOST_GOALS = 8, AML_TUNER_PARAMS = 32 };

/* The parts of a sweep; all but the space may be NULL. Errors name the place in the file of the node. */
typedef struct aml_tuner_parts {
    const aml_json *space, *constraints, *sampler, *scheduler, *goals;
    uint64_t seed;
    size_t concurrency, trials;
    bool in_order;
} aml_tuner_parts;
aml_status aml_tuner_make(aml_tuner **out, const aml_tuner_parts *parts);
/* The same, with its state in a file, as aml_tuner_open. */
aml_status aml_tuner_make_at(aml_tuner **out, const char *path, const aml_tuner_parts *parts);

typedef struct aml_goal {
    const char *name;
    bool maximize;
} aml_goal;

struct aml_tuner {
    aml_arena *arena;
    pthread_mutex_t lock;
    const aml_user_space *space;
    const aml_sampler *sampler;
    const aml_scheduler *scheduler;
    double sampler_hp[AML_TUNER_PARAMS], scheduler_hp[AML_TUNER_PARAMS];
    size_t n_goals;
    aml_goal goals[AML_MOST_GOALS];
    uint64_t seed;
    size_t concurrency, planned;
    bool in_order;
    char *header; /* first line of the file, without its end */
    size_t n, room;
    aml_record *records; /* losses: values, negated where the goal is to be maximized */
    size_t n_queued, room_queued;
    double *queue; /* configurations that the next asks give */
    size_t n_past;
    aml_past_search *past; /* earlier searches, the newest last */
    char *path;            /* NULL: in memory alone */
    int fd;
    size_t read;                 /* bytes of the file that are known */
    size_t line;                 /* lines of the file that are known */
    size_t told;                 /* changes with every tell */
    struct aml_tuner_view *view; /* what was worked out of them, or NULL */
};

/* ---- with the lock held */

/* tuner_parts.c: reads the parts into t. */
aml_status aml_tuner_read_parts(aml_tuner *t, const aml_tuner_parts *parts);
aml_status aml_tuner_read_options(aml_tuner *t, const aml_tuner_options *options);

/* Are two first lines about the same space and goals? */
bool aml_tuner_same_search(const char *a, const char *b, aml_arena *scratch);

/* What happened, without a question: also for lines of a file. config is copied. */
aml_status aml_tuner_apply_ask(aml_tuner *t, const double *config);
aml_status aml_tuner_apply_report(aml_tuner *t, size_t trial, double step, double value);
aml_status aml_tuner_apply_tell(aml_tuner *t, size_t trial, aml_outcome outcome,
                                const double *values);
aml_status aml_tuner_apply_queue(aml_tuner *t, const double *config);
aml_status aml_tuner_apply_past(aml_tuner *t, const aml_json *trials, const char *file);

/* tuner_past.c: earlier searches. The trials of one that are done, at most 200 of them, as JSON: [{"loss": 0.5, "params": {…}}, …],
 * losses lower is better; NULL = out of memory. And such a text learnt by a search that nothing was asked of yet. */
char *aml_tuner_past_json(aml_tuner *t);
aml_status aml_tuner_learn_json(aml_tuner *t, const char *text, size_t size, const char *file);

/* tuner_told.c: what the suggestion or the reports of trial k may look at. In scratch. AML_ENOMEM. */
aml_status aml_tuner_tell_sampler(aml_told *told, const aml_tuner *t, aml_arena *scratch);
aml_status aml_tuner_tell_scheduler(aml_told *told, const aml_tuner *t, size_t trial,
                                    aml_arena *scratch);

/* tuner_file.c: the file's lock, with all lines read that others wrote; and a line of our own, which is in the file when
 * the call returns. Without a file nothing happens. */
aml_status aml_tuner_open_file(aml_tuner *t, const char *path);
aml_status aml_tuner_read_file(aml_tuner *t, const char *path); /* all lines, once */
void aml_tuner_close_file(aml_tuner *t);
aml_status aml_tuner_enter(aml_tuner *t);
aml_status aml_tuner_write(aml_tuner *t, const aml_string *line);
void aml_tuner_leave(aml_tuner *t);
void aml_tuner_line_ask(aml_string *out, const aml_tuner *t, const double *config);
void aml_tuner_line_report(aml_string *out, size_t trial, double step, double value);
void aml_tuner_line_tell(aml_string *out, const aml_tuner *t, size_t trial, aml_outcome outcome,
                         const double *values);
void aml_tuner_line_queue(aml_string *out, const aml_tuner *t, const double *config);
void aml_tuner_line_past(aml_string *out, const aml_json *trials);
void aml_tuner_save_past(aml_string *out,
                         const aml_tuner *t); /* the lines of all that was learnt */

void aml_tuner_free_view(aml_tuner *t); /* tuner_view.c */

/* Is trial a better than b in one goal and as good in all? */
bool aml_dominates(const double *a, const double *b, size_t n);
/* The losses of a trial that is done; n_goals of them. */
const double *aml_record_goals(const aml_record *r);

#endif
