/* param.h: hyperparameters, and the spaces they span. */
#ifndef AML_CORE_PARAM_H
#define AML_CORE_PARAM_H

#include "automl/core/rng.h"
#include "automl/core/text.h"

typedef enum aml_param_kind { AML_REAL = 1, AML_INT, AML_CHOICE } aml_param_kind;

/* The only place where a hyperparameter is described. A plug-in has a constant array of them, ended by a row
 * without a name; fit receives one double for each, in that order. */
typedef struct aml_param {
    const char *name, *summary;
    aml_param_kind kind;
    bool log;        /* searched on a logarithmic scale; lo > 0 */
    double lo, hi;   /* inclusive; CHOICE: 0 … number of choices - 1, set by aml_param_hi */
    double fallback; /* the default; CHOICE: index */
    const char *const *choices; /* CHOICE: texts ended by NULL */
    bool fixed;                 /* not searched: a knob for users only */
} aml_param;

AML_PLUGIN extern const char *const aml_flag_choices[]; /* "false", "true": the choices of a flag */

size_t aml_params_count(const aml_param *params);              /* NULL gives 0 */
void aml_params_defaults(double *hp, const aml_param *params); /* hp: one for each */
int aml_params_find(const aml_param *params, const char *name);
AML_PLUGIN size_t aml_param_choices(const aml_param *p); /* number of choices, 0 unless CHOICE */
AML_PLUGIN double aml_param_hi(const aml_param *p);      /* hi, or number of choices - 1 */
/* The value nearest to x that the parameter allows (rounded, clamped). */
AML_PLUGIN double aml_param_clamp(const aml_param *p, double x);
/* "0.1", "31", "gini" to a value: AML_ECONFIG names the range or the nearest choice. */
aml_status aml_param_read(double *out, const aml_param *p, const char *text);
void aml_param_write(aml_string *out, const aml_param *p, double x);

/* A flat space. A dimension is live when its parent has the value `when` (one of `whens`); a configuration is n doubles, NaN
 * where not live. Parents stand before their children. */
typedef struct aml_dim {
    const char *name; /* unique: "learner", "gbdt.learning_rate" */
    const aml_param *param;
    double lo, hi; /* the parameter's own range or what the data's shape narrowed it to */
    int parent;    /* dimension number, or -1 */
    double when;
    const double *values; /* only these, ascending, from lo to hi; NULL = all */
    size_t n_values;
    /* What spaces of users have besides; 0 for the hyperparameters of plug-ins. */
    bool ordered;      /* CHOICE: the values are in an order */
    bool rounded;      /* step: round(x / step) * step of an x from lo to hi (the q of quniform) */
    const bool *whens; /* by the parent's value: live with it; NULL = with `when` alone */
    double step;       /* REAL, INT: lo, lo + step, …; 0 = every value */
    double mu,
        spread; /* spread > 0: normal around mu with that standard deviation (log: so is the logarithm) */
} aml_dim;

typedef struct aml_space {
    size_t n;
    const aml_dim *dims;
    /* May this whole configuration be tried? NULL = every one may. Answers fast and always the same. */
    bool (*allows)(const double *config, const void *arg);
    const void *arg;
} aml_space;

AML_PLUGIN bool aml_space_allows(const aml_space *s, const double *config);
bool aml_dim_lives_with(const aml_dim *d, double parent_value);
AML_PLUGIN bool aml_dim_is_nominal(const aml_dim *d); /* a choice among values without an order */

AML_PLUGIN bool aml_space_live(const aml_space *s, const double *config, size_t dim);
/* [0, 1] and back: the share of the dimension's distribution that is below; INT, CHOICE, steps and listed values take the
 * middle of their cells. */
AML_PLUGIN double aml_dim_encode(const aml_dim *d, double x);
AML_PLUGIN double aml_dim_decode(const aml_dim *d, double u);
AML_PLUGIN void aml_space_default(double *config, const aml_space *s,
                                  double root); /* root: value of dimension 0 */
/* Where the cell of x begins and ends in [0, 1]; from = to for real numbers without steps. */
AML_PLUGIN void aml_dim_cell(double *from, double *to, const aml_dim *d, double x);
AML_PLUGIN double aml_dim_values(const aml_dim *d); /* how many values there are; INFINITY */
/* From the dimensions' distributions; an allowed one, unless hundreds of tries find none. */
AML_PLUGIN void aml_space_random(double *config, const aml_space *s, aml_rng *rng);
/* Makes a configuration whole: live dimensions that are NaN get their fallback, dead ones NaN, all clamped. */
AML_PLUGIN void aml_space_repair(double *config, const aml_space *s);
AML_PLUGIN bool aml_space_equal(const aml_space *s, const double *a, const double *b);

#endif
