/* fuzz_schema.c: any bytes as a schema of a table, and as the rules of featurization: refused with a message, or used. */
#include "automl/automl.h"
#include "fuzz.h"

static const char table[] =
    "a,b,c,when\n1,x,red,2024-01-05\n2,y,\"blue, green\",2024-02-05\n3,x,red,\n";

static const char *table_file(void) {
    static char path[80];
    if (*path) return path;
    /* a name of its own beside that of the input */
    snprintf(path, sizeof path, "%s.csv", as_file((const uint8_t *)table, sizeof table - 1));
    FILE *f = fopen(path, "wb");
    if (!f || fputs(table, f) < 0 || fclose(f)) abort();
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *csv = table_file();
    aml_read_options o = {.size = sizeof o, .threads = 1, .schema = as_file(data, size)};
    aml_frame *f;
    if (aml_frame_read(&f, csv, &o)) PROMISE(aml_last_error()->message[0]);
    else aml_frame_free(f);
    char *text = as_text(data, size);
    aml_featurization *rules;
    if (aml_featurization_parse(&rules, text)) PROMISE(aml_last_error()->message[0]);
    else aml_featurization_free(rules);
    free(text);
    return 0;
}
