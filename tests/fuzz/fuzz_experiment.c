/* fuzz_experiment.c: any bytes as an experiment: it is refused with a place and a message, or what it is understood as is an
 * experiment of the same meaning. */
#include "automl/automl.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = as_text(data, size);
    aml_experiment *e, *again;
    if (aml_experiment_parse(&e, text, "/nonexistent/input.json", NULL)) {
        PROMISE(aml_last_error()->message[0]);
    } else {
        char *json = aml_experiment_json(e);
        PROMISE(json);
        PROMISE(!aml_experiment_parse(&again, json, "/nonexistent/input.json", NULL));
        char *same = aml_experiment_json(again);
        PROMISE(same && !strcmp(json, same));
        aml_text_free(json);
        aml_text_free(same);
        aml_experiment_free(again);
        aml_experiment_free(e);
    }
    free(text);
    return 0;
}
