/* fuzz_search.c: any bytes as the file of a search (search.jsonl): refused, or its trials can be read and it goes on. */
#include "automl/automl.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_tuner *t;
    const char *path = as_file(data, size);
    if (aml_tuner_load(&t, path)) {
        PROMISE(aml_last_error()->message[0]);
        return 0;
    }
    for (size_t i = 0; i < aml_tuner_trials(t) && i < 100; i++) {
        aml_tuner_trial trial = {.size = sizeof trial};
        double step, value;
        PROMISE(aml_tuner_trial_at(t, i, &trial) && trial.id == i);
        char *params = aml_tuner_params_json(t, i);
        PROMISE(params);
        aml_text_free(params);
        for (size_t r = 0; r < 100 && aml_tuner_trial_report(t, i, r, &step, &value);) r++;
    }
    size_t trial;
    if (aml_tuner_trials(t) < 1000) (void)aml_tuner_ask(t, &trial);
    aml_tuner_free(t);
    return 0;
}
