/* reading.h: the public options of reading as those of the CSV reader; and what a file was read by, with the kinds of
 * its columns, as JSON that a person may edit. */
#ifndef AML_ENGINE_READING_H
#define AML_ENGINE_READING_H

#include "automl/core/csv.h"
#include "automl/core/json_keys.h"

/* NULL gives the defaults. Lists live in `keep`. AML_EUSAGE, or what reading the schema's file gives. */
aml_status aml_reading_options(aml_csv_options *out, const aml_read_options *options,
                               aml_arena *keep);

/* {"separator": ";", "skip_lines": 2, …} into aml_read_options. */
extern const aml_key aml_reading_keys[];
/* The file o->schema: its kinds, and of its `reading` what `o` does not have. */
aml_status aml_schema_read(aml_csv_kind **kinds, size_t *n_kinds, aml_read_options *o,
                           aml_arena *keep);
/* Such an object for what was found; NULL: out of memory. */
char *aml_reading_json(const aml_csv_report *report, const aml_csv_options *options,
                       aml_arena *keep);

#endif
