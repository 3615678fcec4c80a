/* io.h: the one door to files, zlib and zstd. */
#ifndef AML_CORE_IO_H
#define AML_CORE_IO_H

#include "automl/core/arena.h"

/* A source of bytes: a file, standard input, or either through gzip or zstd (recognised by content). */
typedef struct aml_input aml_input;
aml_status aml_input_open(aml_input **out, const char *path); /* "-" = standard input */
/* Up to `size` bytes; *got = 0 at the end. AML_EIO, AML_EDATA (damaged compression). */
aml_status aml_input_read(aml_input *in, void *data, size_t size, size_t *got);
const char *aml_input_compression(const aml_input *in); /* "none", "gzip", "zstd" */
const char *aml_input_name(const aml_input *in);        /* path, or "standard input" */
/* Bytes of the file where that is what will be read (no compression, no pipe), else 0. */
size_t aml_input_size(const aml_input *in);
/* A file can be read again from where reading began; a pipe cannot. */
bool aml_input_can_rewind(const aml_input *in);
aml_status aml_input_rewind(aml_input *in); /* AML_EIO */
void aml_input_close(aml_input *in);

/* The whole of a file, as it is (nothing is decompressed), into heap memory (aml_free), NUL added behind it;
 * "-" = standard input. Fails beyond `limit` bytes with AML_EDATA. size + 1 bytes are charged to `account` (may
 * be NULL): release them with the memory. */
aml_status aml_read_file(char **data, size_t *size, const char *path, size_t limit,
                         aml_memory *account);

/* "cannot <what> <path>: <what errno says>", with what to do about it. Too few descriptors or memory gives AML_ENOMEM. */
aml_status aml_fail_errno(aml_status status, int code, const char *what, const char *path);
/* What errno says, in English whatever the locale; never NULL. */
const char *aml_errno_text(int code);

/* Writes a whole file: beside it under a temporary name, fsync, rename, fsync of the folder; so there is either
 * the old file or the new one. Devices and pipes ("/dev/full") are written to directly. AML_ECANTCREATE, AML_EIO. */
aml_status aml_write_file(const char *path, const void *data, size_t size);
/* Can a file be created there? Asked before hours of work. AML_ECANTCREATE. */
aml_status aml_check_writable(const char *path);

/* A file written piece by piece under a temporary name; commit makes it visible, drop leaves no trace.
 * "-" = standard output. */
typedef struct aml_output aml_output;
aml_status aml_output_open(aml_output **out, const char *path);
aml_status aml_output_write(aml_output *o, const void *data, size_t size);
aml_status aml_output_commit(aml_output *o); /* frees it in every case */
void aml_output_drop(aml_output *o);         /* NULL is fine */

uint32_t aml_crc32(uint32_t crc, const void *data, size_t size); /* zlib's CRC-32; start with 0 */

#endif
