/* io_output.c: writing: under a temporary name first, so that nobody sees half a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "automl/core/call.h"
#include "automl/core/io_internal.h"

enum { BUFFER = 1 << 16, NAME_TRIES = 1000 };

struct aml_output {
    int fd;
    bool direct; /* standard output, a device or a pipe: there is no temporary file */
    bool standard;
    char *path;   /* as given, for messages */
    char *target; /* where a symbolic link leads */
    char *folder; /* of the target, ends with '/' or is empty */
    char *temporary;
    aml_status failed;
    size_t n;
    char buffer[BUFFER];
};

uint32_t aml_crc32(uint32_t crc, const void *data, size_t size) {
    return (uint32_t)crc32_z(crc, data, size);
}

static char *joined(const char *a, size_t n, const char *b) {
    size_t m = strlen(b);
    char *s = aml_malloc(n + m + 1);
    if (!s) return NULL;
    memcpy(s, a, n);
    memcpy(s + n, b, m + 1);
    return s;
}

static void destroy(aml_output *o) {
    if (o->temporary) unlink(o->temporary);
    if (o->fd >= 0 && !o->standard) close(o->fd);
    aml_free(o->temporary);
    aml_free(o->folder);
    aml_free(o->target);
    aml_free(o->path);
    aml_free(o);
}

void aml_output_drop(aml_output *o) {
    if (o) destroy(o);
}

static aml_status fail(aml_output *o, aml_status status, const char *what) {
    o->failed = aml_fail_errno(status, errno, what, o->path);
    return o->failed;
}

static aml_status write_all(aml_output *o, const char *data, size_t size) {
    while (size) {
        ssize_t n = write(o->fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(o, AML_EIO, "write");
        data += n;
        size -= (size_t)n;
    }
    return AML_OK;
}

/* The file a path stands for: behind symbolic links when it exists. */
static aml_status resolve(aml_output *o) {
    char *real = realpath(o->path, NULL);
    const char *target = real ? real : o->path;
    const char *slash = strrchr(target, '/');
    o->target = joined(target, strlen(target), "");
    o->folder = joined(target, slash ? (size_t)(slash - target) + 1 : 0, "");
    free(real);
    return o->target && o->folder ? AML_OK : AML_ENOMEM;
}

/* The name is short, so that a target of the greatest length works. */
static aml_status open_temporary(aml_output *o) {
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        char name[64];
        snprintf(name, sizeof name, ".automl-%ld-%u.tmp", (long)getpid(), i);
        char *temporary = joined(o->folder, strlen(o->folder), name);
        if (!temporary) return AML_ENOMEM;
        o->fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (o->fd >= 0) {
            o->temporary = temporary;
            return AML_OK;
        }
        aml_free(temporary);
        if (errno != EEXIST && errno != EINTR) break;
    }
    return fail(o, AML_ECANTCREATE, "create");
}

static aml_status open_direct(aml_output *o) {
    o->direct = true;
    do o->fd = open(o->path, O_WRONLY | O_CLOEXEC);
    while (o->fd < 0 && errno == EINTR);
    return o->fd < 0 ? fail(o, AML_ECANTCREATE, "open") : AML_OK;
}

static aml_status is_directory(const char *path) {
    aml_shown shown;
    aml_fail(AML_ECANTCREATE, "cannot write %s: it is a directory", aml_show_path(&shown, path));
    return aml_help(AML_ECANTCREATE, NULL, "name a file in it");
}

static aml_status open_path(aml_output *o) {
    struct stat st;
    bool exists = !stat(o->path, &st);
    if (exists && S_ISDIR(st.st_mode)) return is_directory(o->path);
    if (exists && !S_ISREG(st.st_mode)) return open_direct(o);
    if (exists && access(o->path, W_OK)) return fail(o, AML_ECANTCREATE, "write");
    AML_TRY(resolve(o));
    AML_TRY(open_temporary(o));
    if (exists && fchmod(o->fd, st.st_mode & 07777)) return fail(o, AML_ECANTCREATE, "create");
    return AML_OK;
}

aml_status aml_output_open(aml_output **out, const char *path) {
    *out = NULL;
    aml_output *o = aml_malloc(sizeof *o);
    if (!o) return AML_ENOMEM;
    memset(o, 0, offsetof(aml_output, buffer));
    o->fd = -1;
    o->standard = !strcmp(path, "-");
    const char *name = o->standard ? "standard output (stdout)" : path;
    o->path = joined(name, strlen(name), "");
    aml_status status = o->path ? AML_OK : AML_ENOMEM;
    if (o->standard) {
        o->direct = true;
        o->fd = STDOUT_FILENO;
    } else if (!status) {
        status = open_path(o);
    }
    if (status) {
        destroy(o);
        return status;
    }
    *out = o;
    return AML_OK;
}

static aml_status flush(aml_output *o) {
    size_t n = o->n;
    o->n = 0;
    return write_all(o, o->buffer, n);
}

aml_status aml_output_write(aml_output *o, const void *data, size_t size) {
    if (o->failed) return o->failed;
    if (size > BUFFER - o->n) AML_TRY(flush(o));
    if (size >= BUFFER) return write_all(o, data, size);
    if (size) memcpy(o->buffer + o->n, data, size);
    o->n += size;
    return AML_OK;
}

/* A rename lasts through a power cut only when its folder was synced. Some file systems cannot. */
static aml_status sync_folder(aml_output *o) {
    int fd = open(*o->folder ? o->folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? AML_OK : fail(o, AML_EIO, "open the folder of");
    int failed = fsync(fd) && errno != EINVAL && errno != ENOTSUP;
    if (failed) fail(o, AML_EIO, "fsync the folder of");
    close(fd);
    return failed ? AML_EIO : AML_OK;
}

static aml_status close_file(aml_output *o) {
    int fd = o->fd;
    o->fd = -1;
    return close(fd) && errno != EINTR ? fail(o, AML_EIO, "write") : AML_OK;
}

static aml_status finish(aml_output *o) {
    if (o->failed) return o->failed;
    AML_TRY(flush(o));
    if (o->standard) return AML_OK;
    if (o->direct) return close_file(o);
    if (fsync(o->fd)) return fail(o, AML_EIO, "fsync");
    AML_TRY(close_file(o));
    if (rename(o->temporary, o->target)) return fail(o, AML_ECANTCREATE, "create");
    aml_free(o->temporary);
    o->temporary = NULL;
    return sync_folder(o);
}

aml_status aml_output_commit(aml_output *o) {
    aml_status status = finish(o);
    destroy(o);
    return status;
}

aml_status aml_write_file(const char *path, const void *data, size_t size) {
    aml_output *o;
    AML_TRY(aml_output_open(&o, path));
    aml_status status = aml_output_write(o, data, size);
    if (!status) return aml_output_commit(o);
    aml_output_drop(o);
    return status;
}

aml_status aml_check_writable(const char *path) {
    AML_NEED(path);
    struct stat st;
    aml_output *o;
    if (!strcmp(path, "-")) return AML_OK;
    if (!stat(path, &st) && !S_ISREG(st.st_mode) &&
        !S_ISDIR(st.st_mode)) /* opening a pipe would wait */
        return access(path, W_OK) ? aml_fail_errno(AML_ECANTCREATE, errno, "write", path) : AML_OK;
    AML_TRY(aml_output_open(&o, path));
    aml_output_drop(o);
    return AML_OK;
}
