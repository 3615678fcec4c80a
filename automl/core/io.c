/* io.c: reading: files and standard input, through gzip and zstd. */
#include "automl/core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "automl/core/io_internal.h"

enum { RAW_SIZE = 1 << 17 };

typedef enum packing { PLAIN, GZIP, ZSTD } packing;

struct aml_input {
    int fd;
    bool own;
    packing packing;
    bool ended;   /* the file has no more bytes */
    bool inside;  /* a gzip member or zstd frame has begun and not ended */
    size_t at, n; /* unread bytes of raw */
    off_t start;  /* where reading began, or -1: it cannot begin again */
    off_t size;   /* of the file */
    char *name;
    z_stream gzip;
    ZSTD_DStream *zstd;
    unsigned char raw[RAW_SIZE];
};

const char *aml_show_path(aml_shown *s, const char *path) {
    return aml_printable(s->text, sizeof s->text, path, strlen(path), 255);
}

const char *aml_errno_text(int code) {
    const char *text = strerrordesc_np(code);
    return text ? text : "error without a name";
}

aml_status aml_fail_errno(aml_status status, int code, const char *what, const char *path) {
    aml_shown shown;
    if (code == EMFILE || code == ENFILE || code == ENOMEM) status = AML_ENOMEM;
    aml_fail(status, "cannot %s %s: %s", what, aml_show_path(&shown, path), aml_errno_text(code));
    if (code == EMFILE || code == ENFILE)
        return aml_help(status, "this process has too many open files", "raise `ulimit -n`");
    if (code == ENOENT) return aml_help(status, NULL, "check the spelling of the path");
    if (code == ENOSPC || code == EDQUOT)
        return aml_help(status, NULL, "make room on the disk, or write elsewhere");
    if (code == EACCES || code == EPERM || code == EROFS)
        return aml_help(status, NULL, "check the permissions with `ls -l`");
    if (code == ENAMETOOLONG) return aml_help(status, NULL, "give a shorter name");
    if (code == EIO) return aml_help(status, NULL, "check the disk, or use another");
    return status;
}

/* Reads until `size` bytes are there or the file ends. */
static aml_status read_some(aml_input *in, void *data, size_t size, size_t least, size_t *got) {
    size_t n = 0;
    while (n < least && !in->ended) {
        ssize_t r = read(in->fd, (char *)data + n, size - n);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) {
            if (errno == EISDIR) return aml_fail_errno(AML_ENOINPUT, errno, "read", in->name);
            return aml_fail_errno(AML_EIO, errno, "read", in->name);
        }
        if (r == 0) in->ended = true;
        n += (size_t)r;
    }
    *got = n;
    return AML_OK;
}

static aml_status refill(aml_input *in, size_t least) {
    memmove(in->raw, in->raw + in->at, in->n);
    in->at = 0;
    size_t got = 0;
    aml_status status = in->n < least
                            ? read_some(in, in->raw + in->n, RAW_SIZE - in->n, least - in->n, &got)
                            : AML_OK;
    in->n += got;
    return status;
}

static void *zlib_alloc(void *arg, unsigned count, unsigned size) {
    (void)arg;
    return aml_calloc(count, size);
}

static void zlib_free(void *arg, void *p) {
    (void)arg;
    aml_free(p);
}

static bool begins(const aml_input *in, const char *magic, size_t n) {
    return in->n >= n && !memcmp(in->raw + in->at, magic, n);
}

static bool gzip_begins(const aml_input *in) { return begins(in, "\x1F\x8B", 2); }

/* A frame, or one of the skippable frames 0x184D2A50 … 5F. */
static bool zstd_begins(const aml_input *in) {
    if (begins(in, "\x28\xB5\x2F\xFD", 4)) return true;
    return in->n >= 4 && (in->raw[in->at] & 0xF0) == 0x50 &&
           !memcmp(in->raw + in->at + 1, "\x2A\x4D\x18", 3);
}

static aml_status begin_unpacking(aml_input *in) {
    if (gzip_begins(in)) {
        in->gzip.zalloc = zlib_alloc;
        in->gzip.zfree = zlib_free;
        if (inflateInit2(&in->gzip, 15 + 16) != Z_OK) return AML_ENOMEM;
        in->packing = GZIP;
    } else if (zstd_begins(in)) {
        in->zstd = ZSTD_createDStream();
        if (!in->zstd) return aml_fail(AML_ENOMEM, "out of memory for reading zstd");
        in->packing = ZSTD;
    }
    return AML_OK;
}

static aml_status open_file(aml_input *in, const char *path) {
    do in->fd = open(path, O_RDONLY | O_CLOEXEC);
    while (in->fd < 0 && errno == EINTR);
    if (in->fd < 0) return aml_fail_errno(AML_ENOINPUT, errno, "open", path);
    in->own = true;
    struct stat st;
    if (fstat(in->fd, &st)) return aml_fail_errno(AML_ENOINPUT, errno, "read", path);
    if (S_ISDIR(st.st_mode)) {
        aml_shown shown;
        aml_fail(AML_ENOINPUT, "%s is a directory", aml_show_path(&shown, path));
        return aml_help(AML_ENOINPUT, NULL, "name a file in it");
    }
    return AML_OK;
}

static void find_start(aml_input *in) {
    struct stat st;
    in->start = -1;
    if (fstat(in->fd, &st) || !S_ISREG(st.st_mode)) return;
    in->start = lseek(in->fd, 0, SEEK_CUR);
    in->size = st.st_size;
}

static aml_status open_input(aml_input **out, const char *path, bool unpack) {
    bool standard = !strcmp(path, "-");
    const char *name = standard ? "standard input" : path;
    aml_input *in = aml_malloc(sizeof *in);
    *out = NULL;
    if (!in) return AML_ENOMEM;
    memset(in, 0, offsetof(aml_input, raw));
    in->fd = STDIN_FILENO;
    in->name = aml_malloc(strlen(name) + 1);
    aml_status status = in->name ? AML_OK : AML_ENOMEM;
    if (!status) memcpy(in->name, name, strlen(name) + 1);
    if (!status && !standard) status = open_file(in, path);
    if (!status) find_start(in);
    if (!status) status = refill(in, 4);
    if (!status && unpack) status = begin_unpacking(in);
    if (status) {
        aml_input_close(in);
        return status;
    }
    *out = in;
    return AML_OK;
}

aml_status aml_input_open(aml_input **out, const char *path) { return open_input(out, path, true); }

static aml_status damaged(const aml_input *in, const char *kind, const char *why) {
    aml_shown shown;
    aml_fail(AML_EDATA, "damaged %s data in %s", kind, aml_show_path(&shown, in->name));
    return aml_help(AML_EDATA, why, "check it with `%s -t`, and copy or download the file again",
                    kind);
}

/* After a gzip member: another one, padding with zeros, or nothing. */
static aml_status next_member(aml_input *in) {
    in->inside = false;
    AML_TRY(refill(in, 2));
    while (in->n && in->raw[in->at] == 0) {
        in->at++;
        in->n--;
        if (in->n < 2) AML_TRY(refill(in, 2));
    }
    if (in->n == 0) return AML_OK;
    if (!gzip_begins(in)) return damaged(in, "gzip", "other bytes follow the compressed data");
    inflateReset(&in->gzip);
    return AML_OK;
}

static aml_status read_gzip(aml_input *in, unsigned char *data, size_t size, size_t *got) {
    unsigned room = size > 1u << 30 ? 1u << 30 : (unsigned)size;
    in->gzip.next_out = data;
    in->gzip.avail_out = room;
    while (in->gzip.avail_out == room) {
        if (in->n == 0) AML_TRY(refill(in, 1));
        if (in->n == 0) {
            if (in->inside) return damaged(in, "gzip", "it ends too early");
            break;
        }
        in->inside = true;
        in->gzip.next_in = in->raw + in->at;
        in->gzip.avail_in = (unsigned)in->n;
        int r = inflate(&in->gzip, Z_NO_FLUSH);
        in->at += in->n - in->gzip.avail_in;
        in->n = in->gzip.avail_in;
        if (r == Z_MEM_ERROR) return AML_ENOMEM;
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return damaged(in, "gzip", in->gzip.msg ? in->gzip.msg : "it does not decompress");
        if (r == Z_STREAM_END) AML_TRY(next_member(in));
    }
    *got = room - in->gzip.avail_out;
    return AML_OK;
}

static aml_status read_zstd(aml_input *in, void *data, size_t size, size_t *got) {
    ZSTD_outBuffer to = {data, size, 0};
    while (to.pos == 0) {
        if (in->n == 0) AML_TRY(refill(in, 1));
        if (in->n == 0 && !in->inside) break;
        ZSTD_inBuffer from = {in->raw + in->at, in->n, 0};
        size_t r = ZSTD_decompressStream(in->zstd, &to, &from);
        if (ZSTD_isError(r)) return damaged(in, "zstd", ZSTD_getErrorName(r));
        if (in->n == 0 && to.pos == 0) return damaged(in, "zstd", "it ends too early");
        in->at += from.pos;
        in->n -= from.pos;
        in->inside = r != 0;
    }
    *got = to.pos;
    return AML_OK;
}

aml_status aml_input_read(aml_input *in, void *data, size_t size, size_t *got) {
    *got = 0;
    if (size == 0) return AML_OK;
    if (in->packing == GZIP) return read_gzip(in, data, size, got);
    if (in->packing == ZSTD) return read_zstd(in, data, size, got);
    if (in->n == 0) return read_some(in, data, size, 1, got);
    *got = in->n < size ? in->n : size;
    memcpy(data, in->raw + in->at, *got);
    in->at += *got;
    in->n -= *got;
    return AML_OK;
}

const char *aml_input_compression(const aml_input *in) {
    return in->packing == GZIP ? "gzip" : in->packing == ZSTD ? "zstd" : "none";
}

const char *aml_input_name(const aml_input *in) { return in->name; }

size_t aml_input_size(const aml_input *in) {
    bool known = in->packing == PLAIN && in->start >= 0 && in->size > in->start;
    return known ? (size_t)(in->size - in->start) : 0;
}

bool aml_input_can_rewind(const aml_input *in) { return in->start >= 0; }

aml_status aml_input_rewind(aml_input *in) {
    if (lseek(in->fd, in->start, SEEK_SET) < 0)
        return aml_fail_errno(AML_EIO, errno, "read again", in->name);
    in->at = in->n = 0;
    in->ended = in->inside = false;
    if (in->packing == GZIP) inflateReset(&in->gzip);
    if (in->packing == ZSTD) ZSTD_initDStream(in->zstd);
    return AML_OK;
}

void aml_input_close(aml_input *in) {
    if (!in) return;
    if (in->packing == GZIP) inflateEnd(&in->gzip);
    ZSTD_freeDStream(in->zstd);
    if (in->own) close(in->fd);
    aml_free(in->name);
    aml_free(in);
}

/* ---- whole files */

static size_t size_hint(const aml_input *in, size_t limit) {
    struct stat st;
    size_t size = 1 << 16;
    if (!fstat(in->fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) size = (size_t)st.st_size;
    return size < limit ? size : limit;
}

static aml_status grow(char **data, size_t *room, size_t want, aml_memory *account) {
    AML_TRY(aml_memory_charge(account, want - *room));
    char *more = aml_realloc(*data, want);
    if (!more) {
        aml_memory_release(account, want - *room);
        return AML_ENOMEM;
    }
    *data = more;
    *room = want;
    return AML_OK;
}

/* Stops behind the first byte beyond `limit`. */
static aml_status read_all(char **data, size_t *size, size_t *room, aml_input *in, size_t limit,
                           aml_memory *account) {
    size_t got = 1;
    AML_TRY(grow(data, room, size_hint(in, limit) + 2, account));
    while (got && *size <= limit) {
        if (*size + 1 == *room) {
            size_t want = *room < limit / 2 ? *room * 2 : limit + 2;
            AML_TRY(grow(data, room, want, account));
        }
        AML_TRY(aml_input_read(in, *data + *size, *room - 1 - *size, &got));
        *size += got;
    }
    return AML_OK;
}

aml_status aml_read_file(char **data, size_t *size, const char *path, size_t limit,
                         aml_memory *account) {
    aml_input *in;
    size_t room = 0;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    *data = NULL;
    *size = 0;
    AML_TRY(open_input(&in, path, false));
    aml_status status = read_all(data, size, &room, in, limit, account);
    if (!status && *size > limit) {
        aml_shown shown;
        status = aml_fail(AML_EDATA, "%s is longer than the limit of %zu bytes",
                          aml_show_path(&shown, in->name), limit);
    }
    aml_input_close(in);
    if (status) {
        aml_memory_release(account, room);
        aml_free(*data);
        *data = NULL;
        return status;
    }
    (*data)[*size] = 0;
    char *less = aml_realloc(*data, *size + 1);
    if (less) *data = less;
    aml_memory_release(account, room - (*size + 1));
    return AML_OK;
}
