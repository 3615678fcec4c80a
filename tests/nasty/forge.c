/* forge.c: damages model files. usage: forge MODEL OUT HOW…
 *
 *     truncate STRIDE       every STRIDE bytes a shorter file
 *     flip COUNT            one byte changed, at COUNT places
 *     fits BYTES WORD       with right checksums, as a forger would: BYTES (hexadecimal) at the first place of the fits where
 *                           the message then has WORD
 *     length BYTES          with right checksums: as the length of the fits
 *     version N             with right checksums: as the version of the format
 *
 * Whatever is made is loaded: but for `fits`, where a change may be harmless, it must be refused as bad data. The last one, or
 * the one that was looked for, is written to OUT. Exits with 1 when something is not as it should be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/io.h"
#include "automl/engine/model.h"

/* As modelfile.c has it. */
enum { VERSION = 8, CHECKED = 24, HEADER = 28, ENTRY = 24, SECTIONS = 2, TABLE = SECTIONS * ENTRY };
enum { FITS = HEADER + ENTRY, CRC = 4, OFFSET = 8, LENGTH = 16 }; /* of the entry of the fits */

typedef struct file {
    unsigned char *data;
    size_t size;
} file;

static uint64_t get_u64(const unsigned char *at) {
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static void put_crc(unsigned char *at, const void *data, size_t size) {
    uint32_t crc = aml_crc32(0, data, size);
    memcpy(at, &crc, sizeof crc);
}

static void mend_header(file f) { put_crc(f.data + CHECKED, f.data, CHECKED); }
static void mend_table(file f) { put_crc(f.data + HEADER + TABLE, f.data + HEADER, TABLE); }

/* 1: refused as bad data. 0: loaded. -1: neither, and it is said. */
static int refused(file f) {
    aml_model *m = NULL;
    unsigned char *copy =
        malloc(f.size + 1); /* exactly as long, so that a read past the end is seen */
    if (!copy) abort();
    memcpy(copy, f.data, f.size);
    aml_status status = aml_model_load_memory(&m, copy, f.size);
    aml_model_free(m);
    free(copy);
    if (status == AML_EDATA || !status) return status != AML_OK;
    fprintf(stderr, "status %d: %s\n", (int)status, aml_last_error()->message);
    return -1;
}

static int truncate_each(file *f, size_t stride) {
    size_t whole = f->size;
    for (f->size = 0; f->size < whole; f->size += stride)
        if (refused(*f) != 1) return 1;
    f->size = whole - 1;
    return refused(*f) != 1;
}

static int flip_each(file f, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i) f.data[at] ^= (unsigned char)(1 + (i - 1) % 255);
        at = (size_t)((double)i / (double)n * (double)f.size);
        f.data[at] ^= (unsigned char)(1 + i % 255);
        if (refused(f) != 1) return fprintf(stderr, "byte %zu can be changed\n", at), 1;
    }
    return 0;
}

static size_t parse_bytes(unsigned char *out, const char *digits) {
    size_t n = strlen(digits) / 2;
    for (size_t i = 0; i < n && i < 16; i++)
        out[i] = (unsigned char)strtoul((char[]){digits[2 * i], digits[2 * i + 1], 0}, NULL, 16);
    return n < 16 ? n : 16;
}

static int look_for(file f, const char *digits, const char *word) {
    unsigned char bytes[16], before[16], *entry = f.data + FITS;
    size_t n = parse_bytes(bytes, digits), tried = 0;
    for (uint64_t at = get_u64(entry + OFFSET); at + n <= f.size; at++, tried++) {
        memcpy(before, f.data + at, n);
        memcpy(f.data + at, bytes, n);
        put_crc(entry + CRC, f.data + get_u64(entry + OFFSET), get_u64(entry + LENGTH));
        mend_table(f);
        int r = refused(f);
        if (r < 0) return 1;
        if (r && strstr(aml_last_error()->message, word)) return 0;
        memcpy(f.data + at, before, n);
    }
    fprintf(stderr, "%s at none of %zu places is `%s`\n", digits, tried, word);
    return 1;
}

static void set(file f, size_t at, const char *digits) {
    unsigned char bytes[16];
    size_t n = parse_bytes(bytes, digits);
    memcpy(f.data + at, bytes, n);
}

static int forge(file *f, char **how, int n) {
    if (!strcmp(how[0], "truncate") && n == 2) return truncate_each(f, strtoul(how[1], NULL, 10));
    if (!strcmp(how[0], "flip") && n == 2) return flip_each(*f, strtoul(how[1], NULL, 10));
    if (!strcmp(how[0], "fits") && n == 3) return look_for(*f, how[1], how[2]);
    if (!strcmp(how[0], "length") && n == 2) set(*f, FITS + LENGTH, how[1]);
    else if (!strcmp(how[0], "version") && n == 2)
        f->data[VERSION] = (unsigned char)strtoul(how[1], NULL, 10);
    else return fprintf(stderr, "cannot %s\n", how[0]), 64;
    mend_header(*f);
    mend_table(*f);
    return refused(*f) != 1;
}

int main(int argc, char **argv) {
    file f = {NULL, 0};
    char *data = NULL;
    if (argc < 4 || aml_read_file(&data, &f.size, argv[1], SIZE_MAX, NULL)) return 64;
    f.data = (unsigned char *)data;
    int status = forge(&f, argv + 3, argc - 3);
    FILE *out = status ? NULL : fopen(argv[2], "wb");
    if (out) {
        if (fwrite(f.data, 1, f.size, out) != f.size) status = 1;
        if (fclose(out)) status = 1;
    }
    aml_free(data);
    return status || !out;
}
