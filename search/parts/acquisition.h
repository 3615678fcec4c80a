/* acquisition.h: what a normal belief about a loss is worth. */
#ifndef AML_SEARCH_ACQUISITION_H
#define AML_SEARCH_ACQUISITION_H

/* E[max(best - Y, 0)] for Y ~ N(mean, sd²): Jones, Schonlau and Welch 1998, eq. 15. sd > 0. */
double aml_expected_improvement(double mean, double sd, double best);

/* Its logarithm, accurate where the improvement itself underflows: Ament et al. 2023, eq. 9. */
double aml_log_expected_improvement(double mean, double sd, double best);

#endif
