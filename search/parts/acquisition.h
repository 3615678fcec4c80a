/* acquisition.h: what a normal belief about a loss is worth. */
#ifndef AML_SEARCH_ACQUISITION_H
#define AML_SEARCH_ACQUISITION_H

/* E[max(best - Y, 0)] for Y ~ N(mean, sd²): Jones, Schonlau and Welch 1998, eq. 15. sd > 0. */
double aml_expected_improvement(double mean, double sd, double best);

/* Its logarithm, accurate where the improvement itself underflows: Ament et al. 2023, eq. 9. */
double aml_log_expected_improvement(double mean, double sd, double best);

/* The same for many beliefs, some ten times faster: phi(z) + z Phi(z) by cubic interpolation between knots, 0 below the
 * first and z beyond the last; within 2e-9. E[max(best - Y, 0)] = sd × it at z = (best - mean) / sd. */
enum { AML_IMPROVEMENT_KNOTS = 769 };
typedef struct aml_improvement_table {
    double value[AML_IMPROVEMENT_KNOTS], slope[AML_IMPROVEMENT_KNOTS];
} aml_improvement_table;
void aml_improvement_table_init(aml_improvement_table *t);
double aml_improvement_at(const aml_improvement_table *t, double z);

#endif
