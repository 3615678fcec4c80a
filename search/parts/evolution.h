/* evolution.h: the state of a covariance matrix adaptation evolution strategy in the unit cube (Hansen 2016, "The CMA evolution
 * strategy: a tutorial", figure 6, with negative weights), rebuilt from the points that were tried. */
#ifndef AML_SEARCH_EVOLUTION_H
#define AML_SEARCH_EVOLUTION_H

#include "automl/core/arena.h"
#include "automl/core/rng.h"

typedef struct aml_evolution {
    size_t d, lambda, generation; /* generations since the last restart */
    double sigma, mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi;
    double *mean;     /* d */
    double *c;        /* d × d */
    double *b, *root; /* eigenvectors in columns (d × d), square roots of the eigenvalues (d) */
    double *p_sigma, *p_c;
    double *weight; /* lambda */
    double *recent; /* best losses of the last generations, a ring of AML_EVOLUTION_MEMORY */
    aml_arena *arena;
} aml_evolution;
enum { AML_EVOLUTION_MEMORY = 64 };

/* At `mean` with step `sigma`. AML_ENOMEM. */
aml_status aml_evolution_new(aml_evolution *e, size_t d, size_t lambda, const double *mean,
                             double sigma, aml_arena *arena);
/* lambda points (rows of d), the best first, with their losses in that order. Points that are not the strategy's own count
 * with at most the length that its own have (Hansen 2011, "Injecting external solutions into CMA-ES"). AML_EINTERNAL
 * where the matrix degenerates: restart. */
aml_status aml_evolution_update(aml_evolution *e, const double *const *x, const double *loss);
/* A point; coordinates vary by at least `least` (d). Drawn again, at last cut off, until it lies within the cube. */
void aml_evolution_draw(double *x, const aml_evolution *e, const double *least, aml_rng *rng);
/* Has it converged, or stopped making progress? */
bool aml_evolution_is_done(const aml_evolution *e);

#endif
