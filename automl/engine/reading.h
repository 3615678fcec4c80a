/* reading.h: the public options of reading as those of the CSV reader, and the kinds of columns as a file that a
 * person may edit. */
#ifndef AML_ENGINE_READING_H
#define AML_ENGINE_READING_H

#include "automl/core/csv.h"

/* NULL gives the defaults. Lists live in `keep`. AML_EUSAGE, or what reading the schema's file gives. */
aml_status aml_reading_options(aml_csv_options *out, const aml_read_options *options,
                               aml_arena *keep);

#endif
