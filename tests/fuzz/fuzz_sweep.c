/* fuzz_sweep.c: any bytes as SWEEP.json: refused with a message, or its first commands can be shown. Nothing is run. */
#include "automl/automl.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_sweep_options o = {.size = sizeof o, .path = as_file(data, size), .dry_run = 1};
    aml_sweep *s;
    if (aml_sweep_open(&s, &o)) {
        PROMISE(aml_last_error()->message[0]);
        return 0;
    }
    for (size_t i = 0; i < 3; i++) aml_text_free(aml_sweep_command(s, i));
    aml_sweep_free(s);
    return 0;
}
