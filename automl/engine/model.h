/* model.h: what training gives: fitted pipelines with weights, and all that is to be known about them. */
#ifndef AML_ENGINE_MODEL_H
#define AML_ENGINE_MODEL_H

#include "automl/core/csv.h"
#include "automl/engine/calibration.h"
#include "automl/engine/profile.h"
#include "automl/engine/trial.h"

/* One pipeline of the model: the mean of its fits. */
typedef struct aml_member {
    const char *pipeline;
    const aml_learner *learner;
    double weight;
    size_t n_fits, bytes;
    aml_fit *fits; /* chains may be shared */
} aml_member;

struct aml_model {
    aml_arena *arena; /* of all that lies here but the fits' own */
    aml_memory account;
    aml_task_kind kind;
    int n_classes;
    const char *const *classes;
    const aml_metric *metric;
    const char *target;
    aml_schema inputs;
    size_t n_members;
    aml_member *members;
    size_t n_leaders;
    aml_leader *leaders;
    aml_guardrail_list guardrails;
    size_t n_alternatives;
    aml_forecast forecast;         /* trials 0: there is none */
    aml_alternative *alternatives; /* of the run that made it; not in the file */
    aml_score score;
    aml_calibrator calibrator; /* of the members' mean */
    double threshold;   /* two classes: the second is predicted from above this probability */
    double *importance; /* by input column; NULL when no learner has it */
    /* lineage */
    const char *run; /* in the store; NULL = none. Not in the file */
    const char *validation, *fingerprint, *version;
    size_t n_rows;
    uint64_t seed;
};

aml_model *aml_model_new(void);

/* A frame whose columns are the model's inputs in order: kinds as trained, levels as trained (others -2). Borrows from
 * `data` where it can, else ctx->keep. AML_EDATA names missing columns and cells of the wrong kind. */
aml_status aml_conform(aml_frame *view, const aml_schema *inputs, const aml_frame *data,
                       aml_ctx *ctx);

/* What to read for the model: its inputs, then the columns `keep` and the target as text. */
aml_status aml_model_columns(aml_schema *out, const aml_model *m, const char *const *keep,
                             bool with_target, aml_arena *a);

/* AML_EUSAGE for what aml_store_leaderboard gives, which tells of a run and cannot predict. */
aml_status aml_model_predicts(const aml_model *m);

/* The manifest: all but the fits, as JSON, and back. */
aml_status aml_manifest_write(aml_string *out, const aml_model *m);
aml_status aml_manifest_read(aml_model *m, const char *text, size_t length, const char *file);

/* Best first, with their ranks (study_board.c). */
aml_status aml_rank_leaders(aml_model *m);

/* Size of its file. AML_ENOMEM. */
aml_status aml_model_bytes(double *bytes, const aml_model *m);

/* JSON of parts that several outputs share. */
void aml_put_leader(aml_string *s, const aml_leader *l, unsigned flags);
void aml_put_score(aml_string *s, const aml_score *score);
void aml_put_guardrails(aml_string *s, const aml_guardrail_list *list);

#endif
