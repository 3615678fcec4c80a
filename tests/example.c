/* example.c: a program that uses the library: trains on a CSV file, saves the model, predicts its first row. */
#include <automl.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(aml_status status) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fputs(text, stderr);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) return fputs("usage: example DATA TARGET MODEL\n", stderr), AML_EUSAGE;
    aml_train_options options = {.size = sizeof options, .target = argv[2], .trials = 4};
    aml_frame *data = NULL;
    aml_model *model = NULL;
    double *p = NULL;
    aml_status status = aml_frame_read(&data, argv[1], NULL);
    if (!status) status = aml_train(&model, data, &options);
    if (!status) status = aml_model_save(model, argv[3]);
    if (!status) p = calloc(aml_frame_rows_count(data) * aml_model_outputs(model), sizeof *p);
    if (p) status = aml_model_predict(p, model, data, 0);
    for (size_t i = 0; p && !status && i < aml_model_outputs(model); i++) printf("%g\n", p[i]);
    free(p);
    aml_model_free(model);
    aml_frame_free(data);
    return status ? fail(status) : 0;
}
