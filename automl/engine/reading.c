/* reading.c: the public options of reading as those of the CSV reader. */
#include "automl/engine/reading.h"

#include <string.h>

#include "automl/core/call.h"
#include "automl/core/par.h"

static aml_status fail_choice(const char *option, const char *value, const char *choices) {
    aml_fail(AML_EUSAGE, "%s cannot be `%.40s`", option, value);
    return aml_help(AML_EUSAGE, NULL, "use %s", choices);
}

/* One character, or "none". */
static aml_status choose_mark(char *out, const char *option, const char *value) {
    if (!value) return AML_OK;
    bool one = value[0] && !value[1] && (unsigned char)*value < 128 && *value >= ' ';
    if (strcmp(value, "none") != 0 && !one)
        return fail_choice(option, value, "one character, or none");
    *out = one ? *value : '\1';
    return AML_OK;
}

static aml_status choose(aml_csv_options *out, const aml_read_options *o) {
    const char *r = o->ragged ? o->ragged : "error";
    if (!strcmp(r, "pad")) out->ragged = CSV_RAGGED_PAD;
    else if (!strcmp(r, "skip")) out->ragged = CSV_RAGGED_SKIP;
    else if (strcmp(r, "error") != 0) return fail_choice("ragged", r, "error, pad or skip");
    AML_TRY(choose_mark(&out->quote, "quote", o->quote));
    AML_TRY(choose_mark(&out->thousands, "thousands", o->thousands));
    AML_TRY(choose_mark(&out->escape, "escape", o->escape));
    if (out->thousands && (out->thousands == o->decimal || out->thousands == '-'))
        return fail_choice("thousands", o->thousands, "another character than the decimal sign");
    return AML_OK;
}

aml_status aml_reading_options(aml_csv_options *out, const aml_read_options *options,
                               aml_arena *keep) {
    aml_read_options o = {.size = sizeof o};
    aml_csv_kind *kinds = NULL;
    size_t n_kinds = 0;
    if (options) AML_TRY(aml_call_options(&o, sizeof o, options, "aml_read_options"));
    if (o.schema) AML_TRY(aml_schema_read(&kinds, &n_kinds, &o, keep));
    *out = (aml_csv_options){.separator = o.separator,
                             .decimal = o.decimal,
                             .header = o.header,
                             .text_columns = o.text,
                             .encoding = o.encoding,
                             .skip_lines = o.skip_lines,
                             .skip_footer = o.skip_footer,
                             .kinds = kinds,
                             .n_kinds = n_kinds,
                             .n_threads = aml_par_threads(o.threads)};
    return choose(out, &o);
}
