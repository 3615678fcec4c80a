/* space.h: search spaces that users write, as JSON (space_json.c) or in the short form (space_text.c); automl.h
 * says what both mean. */
#ifndef AML_TUNE_SPACE_H
#define AML_TUNE_SPACE_H

#include "automl/core/json.h"
#include "automl/core/param.h"

typedef struct aml_user_space {
    aml_space space;
    const aml_json_type *const *types; /* n; of a choice: what each value is in JSON, else NULL */
    const char *const *notes;          /* what a user may want to know, NULL-ended */
} aml_user_space;

/* A parsed JSON object, in the arena that holds it; `constraints` is a list of texts or NULL. AML_ECONFIG with the place
 * in `file`. */
aml_status aml_user_space_read(aml_user_space **out, const aml_json *space,
                               const aml_json *constraints, const char *file, aml_arena *keep);
aml_status aml_user_space_rules(aml_user_space *s, const aml_json *list, const char *file,
                                aml_arena *keep);
/* Texts: JSON when they begin with a brace (bracket), else the short form. constraints may be NULL. */
aml_status aml_user_space_parse(aml_user_space **out, const char *space, const char *constraints,
                                aml_arena *keep);

/* A configuration as JSON: {"lr":0.1,"booster":"dart"}; and back, where missing ones get their default:
 * AML_ECONFIG for unknown names and values. */
void aml_user_space_write(aml_string *out, const aml_user_space *s, const double *config);
aml_status aml_user_space_config(double *config, const aml_user_space *s, const aml_json *object,
                                 const char *file);

/* ---- making one, from either form ---- */

typedef enum aml_range_key {
    AML_RANGE_MIN,
    AML_RANGE_MAX,
    AML_RANGE_Q,
    AML_RANGE_MU,
    AML_RANGE_SIGMA,
    AML_RANGE_UPPER,
    AML_RANGE_STEP,
    AML_N_RANGE
} aml_range_key;

/* One parameter as it is written. */
typedef struct aml_definition {
    const char *name, *type;
    size_t line, column;
    bool given[AML_N_RANGE], log;
    bool plain; /* bounds of loguniform are values, not exponents */
    double number[AML_N_RANGE];
    size_t n_values;
    const char **values; /* texts */
    aml_json_type *types;
    const char *fallback; /* text, or NULL */
    int parent;           /* dimension, -1 = none */
    double when;
    bool *whens; /* several values of the parent; NULL = `when` alone */
} aml_definition;

typedef struct aml_space_maker {
    aml_arena *keep;
    const char *file;
    size_t n, room, n_notes, room_notes;
    aml_dim *dims;
    aml_param *params;
    const aml_json_type **types;
    const char **notes;
} aml_space_maker;

/* Adds a dimension, number maker->n - 1 afterwards. */
aml_status aml_space_add(aml_space_maker *m, const aml_definition *d);
aml_status aml_space_finish(aml_user_space **out, aml_space_maker *m);
/* The keys that a type takes, in the order of the short form: needed ones, then those that may be left out. False:
 * there is no such type (the failure is recorded). */
bool aml_space_type_keys(const aml_space_maker *m, const aml_definition *d, unsigned *needed,
                         unsigned *optional, bool *values);
/* The dimension that a condition names, visible from below `parent`, with its values: AML_ECONFIG. */
aml_status aml_space_condition(aml_definition *d, const aml_space_maker *m, const char *name,
                               const char *const *values, size_t n);
/* "error at this definition": `near` may be NULL. */
aml_status aml_space_wrong(const aml_space_maker *m, const aml_definition *d, const char *help,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
