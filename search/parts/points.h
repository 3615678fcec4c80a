/* points.h: moving about in a space of configurations without going anywhere twice. */
#ifndef AML_SEARCH_POINTS_H
#define AML_SEARCH_POINTS_H

#include "automl/core/ctx.h"
#include "automl/core/history.h"

/* A space falls into one group for each value of dimension 0 when other dimensions hang on it (the
 * learner), else it is one group. Group g has the root value first + g. */
typedef struct aml_groups {
    size_t n;
    double first;
    bool rooted;
} aml_groups;
aml_groups aml_space_groups(const aml_space *space);
size_t aml_group_of(const aml_groups *groups, const double *config);

/* Is this configuration among the records (in whatever state)? */
bool aml_is_told(const aml_space *space, const aml_told *told, const double *config);

/* A copy of `from` with some live dimensions changed: numbers by a normal step of width `scale` of
 * the range, choices to another value, at least one of them; the root stays. Whole afterwards. */
void aml_perturb(double *config, const aml_space *space, const double *from, double scale,
                 aml_rng *rng);

/* Leaves a new configuration as it is. One that was told already is moved further and further away
 * until it is new; a space that seems to be used up leaves a told one. `scratch` for a copy:
 * AML_ENOMEM. */
aml_status aml_make_new(double *config, const aml_space *space, const aml_told *told, aml_rng rng,
                        aml_arena *scratch);

/* Random, and new if that can be had. */
aml_status aml_random_new(double *config, const aml_space *space, const aml_told *told, aml_rng rng,
                          aml_arena *scratch);

/* The default configuration of the cheapest group (problem->default_cost; else the first) that was
 * not told yet; false when all were. */
bool aml_next_default(double *config, const aml_space *space, const aml_told *told,
                      const aml_problem *problem);

/* A record's loss is a finite number (done, or pruned after some folds). */
bool aml_has_loss(const aml_record *r);

/* best[0 … returned-1]: record numbers of the lowest losses, best first, at most max. */
size_t aml_best_records(size_t *best, size_t max, const aml_told *told);

/* Marks m of n points (0 < m <= n, taken all false): half of them those of the lowest y, the rest spread evenly over the
 * others in order. */
void aml_pick_subset(bool *taken, const double *y, size_t n, size_t m);

#endif
