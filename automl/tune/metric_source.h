/* metric_source.h: where the value of a metric comes from when a command is tuned, and what has come so far.
 *
 * Lines are looked at as they are printed. A metric may be reported many times, with a step (epoch, round) or without; its
 * value is then the last one, or what `take` says. Numbers may be nan and inf: such a report is kept, and
 * a metric whose value is not finite in the end has failed. */
#ifndef AML_TUNE_METRIC_SOURCE_H
#define AML_TUNE_METRIC_SOURCE_H

#include <regex.h>

#include "automl/core/json.h"
#include "automl/process/process.h"

typedef enum aml_source_kind {
    AML_SOURCE_PRINTED, /* as JSON or as a pair, whichever comes */
    AML_SOURCE_JSON, /* {"loss": 0.5, "step": 3}, alone on a line or behind other text; "a.b": b in a */
    AML_SOURCE_PAIR, /* loss=0.5, loss: 0.5, 'loss': 0.5 anywhere in a line */
    AML_SOURCE_REGEX,
    AML_SOURCE_FILE, /* read when the command has ended */
    AML_SOURCE_EXIT_STATUS,
    AML_SOURCE_WALL_TIME, /* seconds */
    AML_SOURCE_CPU_TIME,
    AML_SOURCE_PEAK_MEMORY /* bytes */
} aml_source_kind;

typedef enum aml_take { AML_TAKE_LAST, AML_TAKE_BEST, AML_TAKE_FIRST } aml_take;

typedef struct aml_metric_source {
    const char *name;
    aml_source_kind kind;
    aml_take take;
    bool maximize;        /* what TAKE_BEST goes by */
    const char *key;      /* its name in the output or the file */
    const char *step_key; /* NULL: step, epoch, iteration, iter, round, in this order */
    int stream;           /* 1, 2; 0 = both */
    const char *path;     /* FILE */
    regex_t regex;        /* REGEX; the groups that hold value and step (0 = none) */
    int group, step_group;
} aml_metric_source;

const char *aml_source_word(size_t i); /* "printed", "json" … by kind; NULL after the last */
const char *aml_take_word(size_t i);
bool aml_source_is_printed(aml_source_kind kind); /* comes in lines */

/* Compiles a POSIX extended regular expression; groups are those that `group` and `step_group` want. AML_ECONFIG. */
aml_status aml_source_regex(aml_metric_source *source, const char *pattern);
void aml_source_close(aml_metric_source *source);

/* What one trial has reported of one metric. Zero is the beginning. */
typedef struct aml_metric_track {
    size_t reports;
    double value, step; /* of the last report */
    double best, first;
    bool ambiguous; /* one line gave it twice, with different values */
    double other;   /* the second of them */
} aml_metric_track;

/* True: the line has reported the metric; value and step are those of `track`. */
bool aml_source_line(aml_metric_track *track, const aml_metric_source *source, int stream,
                     const char *line, size_t length);
/* When the command has ended: reads the file, or takes the value from the result. `folder` is where relative paths begin. */
void aml_source_end(aml_metric_track *track, const aml_metric_source *source,
                    const aml_process_result *result, const char *folder);
/* The value in the end; NAN and a sentence in `reason` where there is none that counts. `result` is looked through for a
 * name that may have been meant. */
double aml_source_value(char *reason, size_t size, const aml_metric_track *track,
                        const aml_metric_source *source, const aml_process_result *result);

#endif
