/* watch.h: stopping early by rows that are watched, without flattering what is said of those rows. Watched row i lies in
 * part i % AML_WATCH_PARTS. There is a judge for the model, who looks at all rows, and one for each part, who looks at the
 * other parts only and whose choice makes the predictions of that part: as if its rows had not been there. */
#ifndef AML_LEARNERS_PARTS_WATCH_H
#define AML_LEARNERS_PARTS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "automl/core/bytes.h"

enum { AML_WATCH_PARTS = 8, AML_WATCH_ALL = AML_WATCH_PARTS };

/* Of one state: sums over the rows of each part. */
typedef struct aml_watch_sums {
    double loss[AML_WATCH_PARTS], weight[AML_WATCH_PARTS];
} aml_watch_sums;

/* The judge of part p is number p, that of the model AML_WATCH_ALL. */
typedef struct aml_watch {
    size_t patience;                   /* rounds without a better one, after which a judge leaves */
    double loss[AML_WATCH_PARTS + 1];  /* lowest mean so far, INFINITY before the first */
    size_t round[AML_WATCH_PARTS + 1]; /* of that loss */
    unsigned gone;
} aml_watch;

aml_watch aml_watch_begin(size_t patience);

/* Shows the state after `round` (1, 2, … or any numbers upwards). Bit j of the answer: judge j finds it the best so far. */
unsigned aml_watch_see(aml_watch *w, const aml_watch_sums *sums, size_t round);

/* Have all judges left? */
bool aml_watch_over(const aml_watch *w);

/* For checkpoints. */
void aml_watch_save(const aml_watch *w, aml_writer *out);
void aml_watch_load(aml_watch *w, aml_reader *r);

#endif
