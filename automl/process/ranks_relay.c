/* ranks_relay.c: the leader's side of commands that run on other ranks. */
#include "automl/process/ranks_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536 };

typedef struct lane {
    uint32_t id;
    size_t peer;
    int fd[AML_LANE_CHANNELS];
} lane;

/* What a pipe has no room for yet. Until it has, nothing more is taken from its rank: so all comes in order. */
typedef struct backlog {
    unsigned char *data; /* heap; NULL = nothing */
    size_t size, at;
    uint32_t id;
    int channel;
} backlog;

struct aml_relay {
    aml_ranks *ranks;
    pthread_t thread;
    pthread_mutex_t lock; /* of lanes */
    lane *lanes;
    size_t n, room;
    backlog *backlogs;  /* one a peer */
    struct pollfd *fds; /* the thread's: wake, peers, then lanes */
    size_t n_fds;
    uint32_t next_id;
    int wake[2];
    bool over;
};

/* ---- lanes, with the lock held */

static lane *find(const aml_relay *r, uint32_t id) {
    for (size_t i = 0; i < r->n; i++)
        if (r->lanes[i].id == id) return &r->lanes[i];
    return NULL;
}

static void drop(aml_relay *r, lane *l) {
    for (int c = 0; c < AML_LANE_CHANNELS; c++) close(l->fd[c]);
    *l = r->lanes[--r->n];
}

/* Its commands are lost: whoever waits for them sees their sockets close. */
static void lose(aml_relay *r, size_t peer) {
    aml_peer *p = &r->ranks->peers[peer];
    for (size_t i = r->n; i-- > 0;)
        if (r->lanes[i].peer == peer) drop(r, &r->lanes[i]);
    aml_free(r->backlogs[peer].data);
    r->backlogs[peer] = (backlog){0};
    pthread_mutex_lock(&r->ranks->lock);
    close(p->socket);
    p->socket = -1;
    pthread_mutex_unlock(&r->ranks->lock);
}

static aml_status send_lane(const aml_relay *r, const lane *l, uint32_t kind, const void *data,
                            size_t size) {
    aml_writer w = {0};
    aml_put_u32(&w, l->id);
    if (kind == AML_MESSAGE_DATA) aml_put_u8(&w, 0);
    aml_put_bytes(&w, data, size);
    aml_status status = w.status;
    if (!status) status = aml_message_send(r->ranks->peers[l->peer].socket, kind, w.data, w.size);
    aml_writer_free(&w);
    return status;
}

/* ---- from the rank to the pipes */

/* False: the pipe is full. One whose reader is gone takes all. */
static bool flush(const aml_relay *r, backlog *b) {
    const lane *l = find(r, b->id);
    while (l && b->at < b->size) {
        ssize_t n = write(l->fd[b->channel], b->data + b->at, b->size - b->at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return false;
        if (n <= 0) break;
        b->at += (size_t)n;
    }
    aml_free(b->data);
    *b = (backlog){0};
    return true;
}

static aml_status take_in(aml_relay *r, size_t peer, aml_message *m) {
    aml_reader in = {.data = m->data, .size = m->size};
    uint32_t id = aml_get_u32(&in);
    lane *l = find(r, id);
    if (in.status || (l && l->peer != peer)) return AML_EIO;
    if (m->kind == AML_MESSAGE_CLOSE) {
        if (l) drop(r, l);
        return AML_OK;
    }
    int channel = aml_get_u8(&in);
    if (m->kind != AML_MESSAGE_DATA || in.status || channel >= AML_LANE_CHANNELS) return AML_EIO;
    r->backlogs[peer] = (backlog){m->data, m->size, in.at, id, channel};
    *m = (aml_message){0};
    flush(r, &r->backlogs[peer]);
    return AML_OK;
}

static void hear_peer(aml_relay *r, size_t peer) {
    aml_message m;
    aml_status status = aml_message_receive(&m, r->ranks->peers[peer].socket, 0);
    if (status == AML_EAGAIN) return;
    if (!status) status = take_in(r, peer, &m);
    aml_message_free(&m);
    if (status) lose(r, peer);
}

/* ---- from the socket to the rank */

/* What the caller says to a guard; when it closes, it has done with it. */
static void hear_lane(aml_relay *r, lane *l, unsigned char *buffer) {
    size_t peer = l->peer;
    ssize_t n = read(l->fd[0], buffer, CHUNK);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    aml_status status = n > 0 ? send_lane(r, l, AML_MESSAGE_DATA, buffer, (size_t)n)
                              : send_lane(r, l, AML_MESSAGE_CLOSE, NULL, 0);
    if (n <= 0) drop(r, l);
    if (status) lose(r, peer);
}

/* ---- the thread */

static bool make_list(aml_relay *r) {
    size_t n_peers = r->ranks->n_peers, n = 1 + n_peers + r->n;
    if (n > r->n_fds) {
        struct pollfd *more = aml_realloc(r->fds, 2 * n * sizeof *more);
        if (!more) return false;
        r->fds = more;
        r->n_fds = 2 * n;
    }
    r->fds[0] = (struct pollfd){.fd = r->wake[0], .events = POLLIN};
    for (size_t i = 0; i < n_peers; i++) {
        const backlog *b = &r->backlogs[i];
        const lane *l = b->data ? find(r, b->id) : NULL;
        r->fds[1 + i] = (struct pollfd){.fd = l ? l->fd[b->channel] : r->ranks->peers[i].socket,
                                        .events = l ? POLLOUT : POLLIN};
    }
    for (size_t i = 0; i < r->n; i++)
        r->fds[1 + n_peers + i] = (struct pollfd){.fd = r->lanes[i].fd[0], .events = POLLIN};
    return true;
}

/* Lanes that went or came since the list was made have no answer in it: each is found by its descriptor. */
static void answer(aml_relay *r, size_t n_lanes, unsigned char *buffer) {
    size_t n_peers = r->ranks->n_peers;
    for (size_t i = 0; i < n_peers; i++) {
        if (r->ranks->peers[i].socket < 0) continue;
        bool ready = r->fds[1 + i].revents != 0;
        if (r->backlogs[i].data && (ready || !find(r, r->backlogs[i].id)))
            flush(r, &r->backlogs[i]);
        else if (!r->backlogs[i].data && ready) hear_peer(r, i);
    }
    for (size_t k = 0; k < n_lanes; k++) {
        const struct pollfd *p = &r->fds[1 + n_peers + k];
        for (size_t i = 0; p->revents && i < r->n; i++) {
            if (r->lanes[i].fd[0] != p->fd) continue;
            hear_lane(r, &r->lanes[i], buffer);
            break;
        }
    }
}

static void *relay(void *arg) {
    aml_relay *r = arg;
    unsigned char *buffer = aml_malloc(CHUNK);
    bool over = !buffer;
    while (!over) {
        pthread_mutex_lock(&r->lock);
        size_t n = r->n;
        over = r->over || !make_list(r);
        pthread_mutex_unlock(&r->lock);
        if (over) break;
        int ready = poll(r->fds, 1 + r->ranks->n_peers + n, 1000);
        pthread_mutex_lock(&r->lock);
        if (ready > 0 && r->fds[0].revents) (void)!read(r->wake[0], buffer, CHUNK);
        if (ready > 0) answer(r, n, buffer);
        pthread_mutex_unlock(&r->lock);
    }
    aml_free(buffer);
    return NULL;
}

/* Commands whose readers are gone must not end us by a signal. */
static int start(aml_relay *r) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&r->thread, NULL, relay, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

aml_status aml_relay_new(aml_relay **out, aml_ranks *ranks) {
    aml_relay *r = aml_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return AML_ENOMEM;
    r->ranks = ranks;
    r->wake[0] = r->wake[1] = -1;
    r->backlogs = aml_calloc(ranks->n_peers + 1, sizeof *r->backlogs);
    pthread_mutex_init(&r->lock, NULL);
    if (r->backlogs && !pipe2(r->wake, O_CLOEXEC | O_NONBLOCK) && !start(r)) {
        *out = r;
        return AML_OK;
    }
    r->ranks = NULL; /* there is no thread */
    aml_relay_free(r);
    return aml_fail(AML_ENOMEM, "cannot start the thread that talks to the other ranks");
}

void aml_relay_free(aml_relay *r) {
    if (!r) return;
    if (r->ranks) {
        pthread_mutex_lock(&r->lock);
        r->over = true;
        pthread_mutex_unlock(&r->lock);
        (void)!write(r->wake[1], "", 1);
        pthread_join(r->thread, NULL);
        for (size_t i = 0; i < r->ranks->n_peers; i++) aml_free(r->backlogs[i].data);
    }
    while (r->n) drop(r, r->lanes);
    for (int i = 0; i < 2; i++)
        if (r->wake[i] >= 0) close(r->wake[i]);
    pthread_mutex_destroy(&r->lock);
    aml_free(r->backlogs);
    aml_free(r->lanes);
    aml_free(r->fds);
    aml_free(r);
}

/* ---- new commands */

static bool least_busy(size_t *out, const aml_relay *r) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < r->ranks->n_peers; i++) {
        size_t busy = 0;
        if (r->ranks->peers[i].socket < 0) continue;
        for (size_t k = 0; k < r->n; k++) busy += r->lanes[k].peer == i;
        if (busy >= best) continue;
        best = busy;
        *out = i;
    }
    return best != SIZE_MAX;
}

static bool add(aml_relay *r, const int fds[AML_LANE_CHANNELS], size_t peer) {
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 16;
        lane *more = aml_realloc(r->lanes, room * sizeof *more);
        if (!more) return false;
        r->lanes = more;
        r->room = room;
    }
    lane l = {.id = r->next_id++, .peer = peer};
    for (int c = 0; c < AML_LANE_CHANNELS; c++) {
        l.fd[c] = fcntl(fds[c], F_DUPFD_CLOEXEC, 0);
        if (l.fd[c] >= 0) fcntl(l.fd[c], F_SETFL, O_NONBLOCK | (c ? O_WRONLY : O_RDWR));
    }
    r->lanes[r->n++] = l;
    if (l.fd[0] >= 0 && l.fd[1] >= 0 && l.fd[2] >= 0) return true;
    drop(r, &r->lanes[r->n - 1]);
    return false;
}

bool aml_relay_open(aml_relay *r, const int fds[AML_LANE_CHANNELS]) {
    size_t peer = 0;
    bool good = false;
    pthread_mutex_lock(&r->lock);
    while (!good && least_busy(&peer, r)) {
        if (!add(r, fds, peer)) break;
        good = !send_lane(r, &r->lanes[r->n - 1], AML_MESSAGE_OPEN, NULL, 0);
        if (!good) lose(r, peer);
    }
    pthread_mutex_unlock(&r->lock);
    (void)!write(r->wake[1], "", 1);
    return good;
}
