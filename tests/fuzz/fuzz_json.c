/* fuzz_json.c: any bytes as JSON, with and without comments: what is accepted is written and read to the same again. */
#include "automl/core/json.h"
#include "fuzz.h"

static char *written(const char *text, size_t size, unsigned flags, aml_arena *a) {
    aml_json *x;
    aml_string s = {0};
    if (aml_json_parse(&x, a, text, size, "input", flags, AML_EDATA)) return NULL;
    aml_json_put(&s, x);
    PROMISE(!s.failed && s.text);
    return s.text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = as_text(data, size);
    for (unsigned flags = 0; flags < 2; flags++) {
        aml_arena *a = aml_arena_new(NULL);
        char *once = written(text, size, flags ? AML_JSON_COMMENTS : 0, a);
        char *twice = once ? written(once, strlen(once), 0, a) : NULL;
        PROMISE(!once || (twice && !strcmp(once, twice)));
        aml_free(once);
        aml_free(twice);
        aml_arena_free(a);
    }
    free(text);
    return 0;
}
