/* model.h: what stands behind the public names of automl_score.h. */
#ifndef AML_SCORE_MODEL_H
#define AML_SCORE_MODEL_H

#include "automl/engine/model.h"
#include "automl/automl_score.h"

struct aml_score_model {
    aml_model *m;
};

#endif
