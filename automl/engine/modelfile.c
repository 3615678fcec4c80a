/* modelfile.c: the model file.
 *
 *   header   8 bytes magic, u32 format, u32 number of sections, u64 size of the file, u32 CRC-32 of these
 *   table    for each section u32 tag, u32 CRC-32, u64 offset, u64 length; then u32 CRC-32 of the table
 *   sections one after the other, without gaps, to the end of the file
 *
 * MANI is the manifest (JSON), FITS the chains and models. Little-endian. Nothing in it is code. */
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/engine/fits.h"
#include "automl/engine/model.h"

static const unsigned char magic[8] = {0x89, 'A', 'U', 'T', 'O', 'M', 'L', '\n'};
enum { FORMAT = 2, SECTIONS = 2, HEADER = 28, ENTRY = 24 };
enum { MANI = 0x494E414D, FITS = 0x53544946 };
static const size_t largest = (size_t)64 << 30;

/* ---- saving */

/* The fits of all members in order; on the heap. */
static aml_fit_of *all_fits(size_t *n, const aml_model *m) {
    *n = 0;
    for (size_t i = 0; i < m->n_members; i++) *n += m->members[i].n_fits;
    aml_fit_of *all = aml_calloc(*n + 1, sizeof *all);
    for (size_t i = 0, k = 0; all && i < m->n_members; i++)
        for (size_t f = 0; f < m->members[i].n_fits; f++)
            all[k++] = (aml_fit_of){&m->members[i].fits[f], m->members[i].learner};
    return all;
}

static aml_status put_fits(aml_writer *w, const aml_model *m) {
    size_t n;
    aml_fit_of *all = all_fits(&n, m);
    aml_status status = all ? aml_fits_put(w, all, n) : AML_ENOMEM;
    aml_free(all);
    return status;
}

static void put_entry(aml_writer *w, uint32_t tag, const void *data, size_t length,
                      uint64_t *offset) {
    aml_put_u32(w, tag);
    aml_put_u32(w, aml_crc32(0, data, length));
    aml_put_u64(w, *offset);
    aml_put_u64(w, length);
    *offset += length;
}

/* Programs that know nothing of calibration and thresholds would predict something else: format 2. */
static uint32_t format_of(const aml_model *m) {
    return m->calibrator.kind || m->threshold != 0.5 ? 2 : 1;
}

static aml_status assemble(aml_writer *out, uint32_t format, const aml_string *manifest,
                           const aml_writer *fits) {
    uint64_t offset = HEADER + SECTIONS * ENTRY + 4;
    aml_put_bytes(out, magic, sizeof magic);
    aml_put_u32(out, format);
    aml_put_u32(out, SECTIONS);
    aml_put_u64(out, offset + manifest->length + fits->size);
    if (out->status) return out->status;
    aml_put_u32(out, aml_crc32(0, out->data, out->size));
    put_entry(out, MANI, manifest->text, manifest->length, &offset);
    put_entry(out, FITS, fits->data, fits->size, &offset);
    if (out->status) return out->status;
    aml_put_u32(out, aml_crc32(0, out->data + HEADER, SECTIONS * ENTRY));
    aml_put_bytes(out, manifest->text, manifest->length);
    aml_put_bytes(out, fits->data, fits->size);
    return out->status;
}

aml_status aml_model_save(const aml_model *m, const char *path) {
    AML_NEED(m);
    AML_NEED(path);
    AML_TRY(aml_model_predicts(m));
    aml_string manifest = {0};
    aml_writer fits = {0}, file = {0};
    aml_status status = aml_manifest_write(&manifest, m);
    if (!status) status = put_fits(&fits, m);
    if (!status) status = assemble(&file, format_of(m), &manifest, &fits);
    if (!status) status = aml_write_file(path, file.data, file.size);
    aml_string_free(&manifest);
    aml_writer_free(&fits);
    aml_writer_free(&file);
    return status;
}

aml_status aml_model_bytes(double *bytes, const aml_model *m) {
    aml_string manifest = {0};
    aml_writer fits = {0};
    aml_status status = aml_manifest_write(&manifest, m);
    if (!status) status = put_fits(&fits, m);
    *bytes = (double)(HEADER + SECTIONS * ENTRY + 4 + manifest.length + fits.size);
    aml_string_free(&manifest);
    aml_writer_free(&fits);
    return status;
}

/* ---- loading */

static aml_status not_a_model(const char *path, const char *data, size_t size) {
    if (!size) aml_fail_at(AML_EDATA, path, 0, 0, "the model file is empty");
    else if (size >= 2 && (unsigned char)data[0] == 0x80 && data[1] <= 5)
        aml_fail_at(AML_EDATA, path, 0, 0, "this is a pickle, not a model of automl");
    else aml_fail_at(AML_EDATA, path, 0, 0, "this is not a model file of automl");
    return aml_help(AML_EDATA, "a model file begins with \\x89AUTOML",
                    "give a file that `automl train --output` wrote");
}

static aml_status damaged(const char *path, const char *what) {
    aml_fail_at(AML_EDATA, path, 0, 0, "damaged model: %s", what);
    return aml_help(AML_EDATA, "every byte of a model file is covered by a checksum",
                    "restore the file from a copy, or train the model again");
}

/* Checks header, table and checksums; section[i] are readers of the sections in the order MANI, FITS. */
static aml_status open_sections(aml_reader section[SECTIONS], const char *path, const char *data,
                                size_t size) {
    size_t known = size < sizeof magic ? size : sizeof magic;
    if (!size || memcmp(data, magic, known)) return not_a_model(path, data, size);
    if (size < HEADER) return damaged(path, "the file is cut short (truncated)");
    aml_reader r = {
        .data = (const unsigned char *)data, .size = size, .at = sizeof magic, .file = path};
    uint32_t format = aml_get_u32(&r), sections = aml_get_u32(&r);
    uint64_t length = aml_get_u64(&r);
    if (aml_get_u32(&r) != aml_crc32(0, data, HEADER - 4))
        return damaged(path, "the header's checksum is wrong");
    if (format > FORMAT) {
        aml_fail_at(AML_EDATA, path, 0, 0,
                    "the model has format version %u, this program reads up to %d", format, FORMAT);
        return aml_help(AML_EDATA, "a newer automl wrote it", "upgrade automl");
    }
    if (size < length) return damaged(path, "the file is cut short (truncated)");
    if (size > length) return damaged(path, "there are trailing bytes behind the model");
    if (sections != SECTIONS || size < HEADER + SECTIONS * ENTRY + 4)
        return damaged(path, "the number of sections");
    uint64_t offset = HEADER + SECTIONS * ENTRY + 4;
    static const uint32_t tags[SECTIONS] = {MANI, FITS};
    aml_reader table = r;
    table.at = HEADER + SECTIONS * ENTRY;
    if (aml_get_u32(&table) != aml_crc32(0, data + HEADER, SECTIONS * ENTRY))
        return damaged(path, "the section table's checksum is wrong");
    for (int i = 0; i < SECTIONS; i++) {
        uint32_t tag = aml_get_u32(&r), crc = aml_get_u32(&r);
        uint64_t at = aml_get_u64(&r), n = aml_get_u64(&r);
        if (tag != tags[i] || at != offset || n > size - offset)
            return damaged(path, "a section's place or length");
        if (crc != aml_crc32(0, data + at, (size_t)n))
            return damaged(path, "a section's checksum is wrong");
        section[i] =
            (aml_reader){.data = (const unsigned char *)data + at, .size = (size_t)n, .file = path};
        offset += n;
    }
    return offset == size ? AML_OK : damaged(path, "bytes outside of the sections");
}

static aml_status get_fits(aml_model *m, aml_reader *r) {
    size_t n;
    aml_fit_of *all = all_fits(&n, m);
    aml_status status = all ? aml_fits_get(all, n, r, &m->account) : AML_ENOMEM;
    aml_free(all);
    if (!status && r->at != r->size) status = aml_reader_fail(r, "bytes behind the last model");
    return status;
}

/* Nothing of the model points into `data`. */
static aml_status load(aml_model **out, const char *data, size_t size, const char *name) {
    aml_reader section[SECTIONS];
    AML_TRY(open_sections(section, name, data, size));
    aml_model *m = aml_model_new();
    if (!m) return AML_ENOMEM;
    aml_status status = aml_manifest_read(m, (const char *)section[0].data, section[0].size, name);
    if (!status) status = get_fits(m, &section[1]);
    if (status) aml_model_free(m);
    else *out = m;
    return status;
}

aml_status aml_model_load(aml_model **out, const char *path) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    char *data;
    size_t size;
    AML_TRY(aml_read_file(&data, &size, path, largest, NULL));
    aml_status status = load(out, data, size, path);
    aml_free(data);
    return status;
}

aml_status aml_model_load_memory(aml_model **out, const void *data, size_t size) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    return load(out, data, size, "memory");
}
