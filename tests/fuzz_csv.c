/* fuzz_csv.c: bytes to the CSV reader: no crash, and the same frame whatever the windows and threads.
 *
 *   cmake -B build-fuzz -DCMAKE_C_COMPILER=clang -DAUTOML_FUZZ=ON -DAUTOML_OPENMP=OFF
 *   cmake --build build-fuzz --target fuzz_csv
 *   build-fuzz/fuzz_csv -max_total_time=600 -max_len=4096 -timeout=5 -dict=tests/fuzz_csv.dict CORPUS
 *
 * The first two bytes choose options. */
#include <stdint.h>

#include "csv_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char separators[] = {0, ',', ';', '\t', '|', ' ', '"', 'a'};
    static const char *const texts[] = {"a", NULL};
    if (size < 2) return 0;
    const char *text = (const char *)data + 2;
    aml_csv_options o = {.separator = separators[data[0] & 7],
                         .header = (data[0] >> 3) % 3 - 1,
                         .ragged = (csv_ragged)((data[0] >> 5) % 3),
                         .decimal = data[1] & 1 ? ',' : 0,
                         .max_rows = (data[1] >> 1) & 7,
                         .text_columns = data[1] & 16 ? texts : NULL};
    aml_frame *f;
    if (!aml_csv_parse(&f, NULL, text, size - 2, "t.csv", &o)) aml_frame_free(f);
    /* What is guessed is guessed from the first window. */
    o.separator = o.separator && o.separator != '"' ? o.separator : ',';
    o.header = data[0] & 8 ? 1 : -1;
    o.decimal = data[1] & 1 && o.separator != ',' ? ',' : '.';
    char *differs = reading_differs(text, size - 2, o);
    if (!differs) return 0;
    fputs(differs, stderr);
    abort();
}
