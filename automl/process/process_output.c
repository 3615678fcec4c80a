/* process_output.c: lines, head and tail of a stream without end. */
#include "automl/process/process_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "automl/core/arena.h"
#include "automl/core/io.h"

aml_status aml_output_tap_open(aml_output_tap *t, int stream, const char *log, size_t log_bytes) {
    *t = (aml_output_tap){.fd = -1, .stream = stream};
    if (!log_bytes) log_bytes = (size_t)1 << 20;
    t->half = log ? log_bytes / 2 : 0;
    t->room = t->half > AML_PROCESS_TAIL ? t->half : AML_PROCESS_TAIL;
    t->line = aml_malloc(AML_PROCESS_LINE);
    if (!t->line) return AML_ENOMEM;
    if (!log) return AML_OK;
    t->fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (t->fd < 0) return aml_fail_errno(AML_ECANTCREATE, errno, "create", log);
    return AML_OK;
}

/* A log that cannot be written (a full disk) must not end the search: it is then short. */
static void write_log(aml_output_tap *t, const char *data, size_t size) {
    while (t->fd >= 0 && size) {
        ssize_t n = write(t->fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            close(t->fd);
            t->fd = -1;
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

/* ---- the last bytes: byte number i of the stream is at i modulo room */

static void keep(aml_output_tap *t, const char *data, size_t size) {
    if (!t->ring) t->ring = aml_malloc(t->room);
    if (!t->ring) return;
    size_t skip = size > t->room ? size - t->room : 0;
    for (size_t i = skip; i < size;) {
        size_t at = (t->total + i) % t->room, n = t->room - at;
        if (n > size - i) n = size - i;
        memcpy(t->ring + at, data + i, n);
        i += n;
    }
    t->kept += size - skip;
    if (t->kept > t->room) t->kept = t->room;
}

/* The last n bytes, oldest first, in one or two pieces. */
static void copy_last(char *out, const aml_output_tap *t, size_t n) {
    size_t at = (t->total - n) % t->room, first = t->room - at < n ? t->room - at : n;
    memcpy(out, t->ring + at, first);
    memcpy(out + first, t->ring, n - first);
}

static void write_rest(aml_output_tap *t) {
    size_t head = t->total < t->half ? t->total : t->half, rest = t->total - head;
    size_t n = rest < t->kept ? rest : t->kept;
    char text[96];
    if (t->fd < 0 || !n) return;
    if (n < rest) {
        snprintf(text, sizeof text, "\n[... %zu bytes left out ...]\n", rest - n);
        write_log(t, text, strlen(text));
    }
    size_t at = (t->total - n) % t->room, first = t->room - at < n ? t->room - at : n;
    write_log(t, t->ring + at, first);
    write_log(t, t->ring, n - first);
}

/* ---- lines */

static void end_line(aml_output_tap *t, aml_process_line on_line, void *arg) {
    if (t->length && on_line) on_line(arg, t->stream, t->line, t->length);
    t->length = 0;
}

static const char *line_end(const char *data, const char *end) {
    const char *newline = memchr(data, '\n', (size_t)(end - data));
    const char *back = memchr(data, '\r', (size_t)((newline ? newline : end) - data));
    return back ? back : newline;
}

static void put_lines(aml_output_tap *t, const char *data, size_t size, aml_process_line on_line,
                      void *arg) {
    const char *end = data + size;
    while (data < end) {
        const char *stop = line_end(data, end);
        size_t n = (size_t)((stop ? stop : end) - data);
        if (stop && !t->length) { /* the usual case: a whole line, not copied */
            if (n && on_line)
                on_line(arg, t->stream, data, n < AML_PROCESS_LINE ? n : AML_PROCESS_LINE);
        } else {
            size_t space = AML_PROCESS_LINE - t->length, more = n < space ? n : space;
            memcpy(t->line + t->length, data, more);
            t->length += more;
            if (stop) end_line(t, on_line, arg);
        }
        data += n + (stop != NULL);
    }
}

void aml_output_tap_put(aml_output_tap *t, const char *data, size_t size, aml_process_line on_line,
                        void *arg) {
    size_t head = t->total < t->half ? t->half - t->total : 0;
    if (on_line) put_lines(t, data, size, on_line, arg);
    write_log(t, data, size < head ? size : head);
    keep(t, data, size);
    t->total += size;
}

void aml_output_tap_finish(aml_output_tap *t, aml_process_line on_line, void *arg) {
    end_line(t, on_line, arg);
    write_rest(t);
    t->n_tail = t->kept < AML_PROCESS_TAIL ? t->kept : AML_PROCESS_TAIL;
    if (t->n_tail) copy_last(t->tail, t, t->n_tail);
    t->tail[t->n_tail] = 0;
}

void aml_output_tap_close(aml_output_tap *t) {
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
    aml_free(t->ring);
    aml_free(t->line);
    t->ring = t->line = NULL;
}
