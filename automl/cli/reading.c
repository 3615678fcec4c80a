/* reading.c: models and data by the options of the command line. */
#include <stdlib.h>

#include "automl/cli/cli.h"

aml_read_options cli_read_options(const cli_args *args) {
    return (aml_read_options){.size = sizeof(aml_read_options),
                              .separator = args->separator,
                              .decimal = args->decimal,
                              .header = args->header      ? 1
                                        : args->no_header ? -1
                                                          : 0,
                              .threads = args->threads,
                              .memory_limit = args->memory_limit,
                              .encoding = args->encoding,
                              .quote = args->quote,
                              .ragged = args->ragged,
                              .skip_lines = args->skip_lines,
                              .skip_footer = args->skip_footer,
                              .schema = args->schema,
                              .thousands = args->thousands,
                              .escape = args->escape};
}

int cli_load(aml_model **model, aml_frame **data, const cli_args *args, bool with_target) {
    aml_read_options options = cli_read_options(args);
    int status = aml_model_load(model, args->operands[0]);
    if (status || !data) return cli_report(status);
    status = aml_model_read(data, *model, args->operands[1], &options, args->keep, with_target);
    if (!status && !args->quiet) cli_notes(*data);
    return cli_report(status);
}

int cli_put_text(const cli_call *call, char *text) {
    if (!text) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    fputs(text, call->out);
    aml_text_free(text);
    return 0;
}
