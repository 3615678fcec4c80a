/* ranks_message.c: messages between ranks: a kind, a length and bytes. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "automl/engine/ranks.h"

enum { HEAD = 12, GONE_AFTER = 30000 }; /* bytes; milliseconds without a byte within a message */

static aml_status gone(void) { return aml_fail(AML_EIO, "the connection was closed"); }

/* More than a moment passes only where the other side is busy with its own reading. */
static aml_status send_all(int socket, const unsigned char *data, size_t size) {
    while (size) {
        ssize_t n = send(socket, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return gone();
        data += n;
        size -= (size_t)n;
    }
    return AML_OK;
}

static aml_status wait_for(int socket, int milliseconds) {
    struct pollfd p = {.fd = socket, .events = POLLIN};
    int n = poll(&p, 1, milliseconds);
    if (n == 0 || (n < 0 && errno == EINTR)) return AML_EAGAIN;
    return n < 0 ? gone() : AML_OK;
}

static aml_status receive_all(int socket, unsigned char *to, size_t size) {
    while (size) {
        aml_status status = wait_for(socket, GONE_AFTER);
        if (status == AML_EAGAIN && errno != EINTR) return gone();
        if (status == AML_EAGAIN) continue;
        AML_TRY(status);
        ssize_t n = recv(socket, to, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return gone();
        to += n;
        size -= (size_t)n;
    }
    return AML_OK;
}

aml_status aml_message_send(int socket, uint32_t kind, const void *data, size_t size) {
    aml_writer head = {0};
    aml_put_u32(&head, kind);
    aml_put_u64(&head, size);
    aml_status status = head.status ? head.status : send_all(socket, head.data, head.size);
    aml_writer_free(&head);
    return status ? status : send_all(socket, data, size);
}

aml_status aml_message_receive(aml_message *m, int socket, double seconds) {
    unsigned char head[HEAD];
    *m = (aml_message){0};
    errno = 0;
    AML_TRY(wait_for(socket, seconds > 0 ? (int)(1e3 * seconds) : 0));
    AML_TRY(receive_all(socket, head, HEAD));
    aml_reader r = {.data = head, .size = HEAD};
    m->kind = aml_get_u32(&r);
    uint64_t size = aml_get_u64(&r);
    if (m->kind < AML_MESSAGE_HELLO || m->kind > AML_MESSAGE_END || size > (uint64_t)1 << 40)
        return gone();
    m->size = (size_t)size;
    m->data = aml_malloc(m->size + 1);
    if (!m->data) return AML_ENOMEM;
    aml_status status = receive_all(socket, m->data, m->size);
    if (status) aml_message_free(m);
    return status;
}

void aml_message_free(aml_message *m) {
    aml_free(m->data);
    *m = (aml_message){0};
}
