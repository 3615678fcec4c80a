/* documents.c: calls that read experiments and featurization options. */
#include "stress.h"

static const char *document(void) {
    static const char *const documents[] = {
        "{\"data\":{\"train\":\"t.csv\",\"target\":\"y\"},\"limits\":{\"max_trials\":1}}",
        "{\"mode\":\"all\",\"blocked\":[\"pca\"]}",
        "{\"kinds\":{\"c\":\"category\",\"x\":\"drop\"}}",
        "off",
        "{\"params\":{\"target_encode\":{\"smoothing\":20}}}",
        "{\"extends\":\"e.json\"}",
        "{\"a\":",
        "[[[[[[[["};
    return one_in(3) ? text() : PICK(documents);
}

static void op_experiment(void) {
    any_size a, b;
    aml_experiment *e, *made = NULL;
    aml_experiment_files f = {.size = size_of(sizeof f)};
    const char *n, *v;
    char *draft = NULL;
    if (one_in(3))
        MAKE(EXPERIMENT, made,
             aml_experiment_parse(one_in(30) ? NULL : &made, document(), path(), names()));
    else if (one_in(3))
        MAKE(EXPERIMENT, made, aml_experiment_read(one_in(30) ? NULL : &made, path(), names()));
    e = get(EXPERIMENT);
    VALUE(aml_experiment_reading(e)), VALUE(aml_experiment_options(e)),
        VALUE(aml_experiment_name(e));
    VALUE(aml_experiment_description(e));
    mark("paths"), aml_experiment_paths(e, one_in(20) ? NULL : &f);
    VALUE(aml_experiment_tag(e, number(), one_in(20) ? NULL : &n, &v));
    CALL(aml_experiment_check(e, get(FRAME)));
    FREE_TEXT(aml_experiment_json(e));
    if (!one_in(20)) return;
    FREE_TEXT(aml_experiment_schema());
    CALL(aml_experiment_draft(one_in(20) ? NULL : &draft, get(FRAME), path(), output(),
                              read_options(&a), train_options(&b)));
    aml_text_free(draft);
}

static void op_featurization(void) {
    aml_featurization *f = NULL;
    VALUE(aml_featurization_texts(get(FEATURES)));
    if (one_in(2)) MAKE(FEATURES, f, aml_featurization_parse(one_in(30) ? NULL : &f, document()));
    else MAKE(FEATURES, f, aml_featurization_read(one_in(30) ? NULL : &f, path()));
}

const op document_ops[] = {{60, op_experiment}, {60, op_featurization}, {0}};
