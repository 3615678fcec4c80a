/* fuzz_space.c: any text as a search space, and what stands behind a line "---" as constraints, sampler, scheduler and goals: it
 * is refused with a message, or trials can be asked for, told, and read again from their lines. */
#include "automl/automl.h"
#include "fuzz.h"

static char *next_part(char **rest) {
    char *part = *rest, *end = part ? strstr(part, "\n---\n") : NULL;
    *rest = end ? end + 5 : NULL;
    if (end) *end = 0;
    return part && *part ? part : NULL;
}

static void use(aml_tuner *t, size_t goals) {
    double values[64];
    for (size_t i = 0; i < 6; i++) {
        size_t trial;
        aml_status status = aml_tuner_ask(t, &trial);
        if (status) return;
        char *params = aml_tuner_params_json(t, trial);
        PROMISE(params);
        aml_text_free(params);
        int go_on = 1;
        PROMISE(!aml_tuner_report(t, trial, 1, (double)i, &go_on));
        for (size_t g = 0; g < goals; g++) values[g] = (double)(i * 7 % 5) - (double)g;
        PROMISE(!aml_tuner_tell(t, trial, i == 3 ? AML_OUTCOME_FAILED : AML_OUTCOME_DONE, values));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = as_text(data, size), *rest = text;
    aml_tuner_options o = {.size = sizeof o, .seed = 3, .trials = 6};
    o.space = next_part(&rest);
    o.constraints = next_part(&rest);
    o.sampler = next_part(&rest);
    o.scheduler = next_part(&rest);
    o.goals = next_part(&rest);
    aml_tuner *t;
    if (aml_tuner_new(&t, &o)) {
        PROMISE(aml_last_error()->message[0]);
    } else {
        const char *name;
        int maximize;
        size_t goals = 0;
        while (aml_tuner_goal(t, goals, &name, &maximize)) goals++;
        if (goals <= 64) use(t, goals);
        aml_tuner_free(t);
    }
    free(text);
    return 0;
}
