/* fuzz_csv.c: bytes to the CSV reader and the kinds it finds: no crash, and the same frame whatever the windows.
 * The last two bytes choose options; every other input is read twice, in windows of two sizes. */
#include <stdint.h>

#include "csv_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *wrong = read_strange((const char *)data, size);
    if (!wrong) return 0;
    fputs(wrong, stderr);
    abort();
}
