/* files.c: a model file into memory, and its checksum, without zlib: the parts of core/io.h that loading needs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "automl/core/io.h"

/* CRC-32 of IEEE 802.3 by tables for 8 bytes at once (Kounavis and Berry 2005, "A systematic approach to building high
 * performance software-based CRC generators"). */
typedef uint32_t crc_tables[8][256];

static void make_tables(crc_tables t) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
        t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 0xFF];
}

uint32_t aml_crc32(uint32_t crc, const void *data, size_t size) {
    const unsigned char *p = data;
    crc_tables t;
    make_tables(t);
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8)
        crc = t[7][(crc ^ p[0]) & 0xFF] ^ t[6][(crc >> 8 ^ p[1]) & 0xFF] ^
              t[5][(crc >> 16 ^ p[2]) & 0xFF] ^ t[4][(crc >> 24 ^ p[3]) & 0xFF] ^ t[3][p[4]] ^
              t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    for (; size; size--) crc = crc >> 8 ^ t[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}

static aml_status fail(aml_status status, const char *verb, const char *path) {
    char shown[300];
    aml_printable(shown, sizeof shown, path, strlen(path), 60);
    return aml_fail(status, "cannot %s %s: %s", verb, shown, strerror(errno));
}

static aml_status read_stream(char **data, size_t *size, FILE *f, const char *path, size_t limit) {
    struct stat st;
    if (fstat(fileno(f), &st)) return fail(AML_ENOINPUT, "read", path);
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return fail(AML_ENOINPUT, "read", path);
    }
    if ((size_t)st.st_size > limit)
        return aml_fail_at(AML_EDATA, path, 0, 0, "longer than the limit of %zu bytes", limit);
    size_t room = (size_t)st.st_size + 1;
    for (*size = 0;;) { /* pipes have no size, and files grow */
        char *more = aml_realloc(*data, room);
        if (!more) return AML_ENOMEM;
        *data = more;
        *size += fread(*data + *size, 1, room - *size, f);
        if (*size < room) break;
        if (room > limit)
            return aml_fail_at(AML_EDATA, path, 0, 0, "longer than the limit of %zu bytes", limit);
        room = 2 * room + 4096;
    }
    return ferror(f) ? fail(AML_EIO, "read", path) : AML_OK;
}

aml_status aml_read_file(char **data, size_t *size, const char *path, size_t limit,
                         aml_memory *account) {
    (void)account; /* nobody asks for one */
    *data = NULL;
    FILE *f = fopen(path, "rb");
    if (!f) return fail(AML_ENOINPUT, "open", path);
    aml_status status = read_stream(data, size, f, path, limit);
    fclose(f);
    if (status) {
        aml_free(*data);
        *data = NULL;
    }
    return status;
}
