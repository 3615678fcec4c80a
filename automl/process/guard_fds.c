/* guard_fds.c: three descriptors through a socket, with a byte. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "automl/process/guard.h"

typedef struct parcel {
    char byte;
    struct iovec data;
    struct msghdr message;
    union {
        char room[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control;
} parcel;

static void wrap(parcel *p) {
    memset(p, 0, sizeof *p);
    p->data = (struct iovec){&p->byte, 1};
    p->message = (struct msghdr){.msg_iov = &p->data,
                                 .msg_iovlen = 1,
                                 .msg_control = p->control.room,
                                 .msg_controllen = sizeof p->control.room};
}

bool aml_fds_send(int socket, const int fds[3]) {
    parcel p;
    ssize_t n;
    wrap(&p);
    struct cmsghdr *c = CMSG_FIRSTHDR(&p.message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(3 * sizeof(int));
    memcpy(CMSG_DATA(c), fds, 3 * sizeof(int));
    while ((n = sendmsg(socket, &p.message, MSG_NOSIGNAL)) < 0 && errno == EINTR) {}
    return n == 1;
}

bool aml_fds_receive(int fds[3], int socket) {
    parcel p;
    ssize_t n;
    wrap(&p);
    while ((n = recvmsg(socket, &p.message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {}
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&p.message) : NULL;
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(3 * sizeof(int))) return false;
    memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    return true;
}
