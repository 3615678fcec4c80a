/* ranks_commands.c: a rank that runs the commands of a sweep, each below a guard of its own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "automl/process/process_internal.h"
#include "automl/process/ranks_relay.h"

enum { CHUNK = 65536, LETTERS = 4096 };

typedef struct command {
    uint32_t id;
    int fd[AML_LANE_CHANNELS]; /* ends of ours; -1 = closed */
} command;

typedef struct commands {
    int leader;
    aml_processes *processes;
    command *list;
    struct pollfd *fds; /* the leader, then three a command */
    size_t n, room;
    unsigned char *buffer;
} commands;

static void drop(commands *s, size_t i) {
    for (int c = 0; c < AML_LANE_CHANNELS; c++)
        if (s->list[i].fd[c] >= 0) close(s->list[i].fd[c]);
    s->list[i] = s->list[--s->n];
}

static aml_status tell(const commands *s, uint32_t id, int channel, const void *data, size_t size) {
    aml_writer w = {0};
    aml_put_u32(&w, id);
    if (size) aml_put_u8(&w, (uint8_t)channel);
    aml_put_bytes(&w, data, size);
    aml_status status = w.status;
    if (!status)
        status = aml_message_send(s->leader, size ? AML_MESSAGE_DATA : AML_MESSAGE_CLOSE, w.data,
                                  w.size);
    aml_writer_free(&w);
    return status;
}

/* ---- from the leader */

static bool make_room(commands *s) {
    if (s->n < s->room) return true;
    size_t room = s->room ? 2 * s->room : 8;
    command *list = aml_realloc(s->list, room * sizeof *list);
    if (list) s->list = list;
    struct pollfd *fds = aml_realloc(s->fds, (1 + 3 * room) * sizeof *fds);
    if (fds) s->fds = fds;
    if (list && fds) s->room = room;
    return list && fds;
}

static bool open_ends(command *c, int guard[AML_LANE_CHANNELS]) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    c->fd[0] = pair[0];
    guard[0] = pair[1];
    for (int i = 1; i < AML_LANE_CHANNELS; i++) {
        if (pipe2(pair, O_CLOEXEC)) return false;
        c->fd[i] = pair[0];
        guard[i] = pair[1];
        if (fcntl(c->fd[i], F_SETFL, O_NONBLOCK)) return false;
    }
    return true;
}

/* A command that cannot be begun ends as one whose guard is lost. */
static aml_status begin(commands *s, uint32_t id) {
    command c = {id, {-1, -1, -1}};
    int guard[AML_LANE_CHANNELS] = {-1, -1, -1};
    bool good = make_room(s) && open_ends(&c, guard) && !aml_guard_request(s->processes, guard);
    for (int i = 0; i < AML_LANE_CHANNELS; i++)
        if (guard[i] >= 0) close(guard[i]);
    if (good) {
        s->list[s->n++] = c;
        return AML_OK;
    }
    for (int i = 0; i < AML_LANE_CHANNELS; i++)
        if (c.fd[i] >= 0) close(c.fd[i]);
    return tell(s, id, 0, NULL, 0);
}

/* A guard that is gone is noticed when its end is read. */
static void pass_on(const command *c, const unsigned char *data, size_t size) {
    while (size) {
        ssize_t n = send(c->fd[0], data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        data += n;
        size -= (size_t)n;
    }
}

static aml_status obey(commands *s, const aml_message *m) {
    aml_reader in = {.data = m->data, .size = m->size};
    uint32_t id = aml_get_u32(&in);
    size_t i = 0;
    if (in.status) return AML_EIO;
    if (m->kind == AML_MESSAGE_OPEN) return begin(s, id);
    while (i < s->n && s->list[i].id != id) i++;
    if (i == s->n) return AML_OK; /* it has ended meanwhile */
    if (m->kind == AML_MESSAGE_CLOSE) drop(s, i);
    else if (m->kind == AML_MESSAGE_DATA && aml_get_u8(&in) == 0 && !in.status)
        pass_on(&s->list[i], m->data + in.at, m->size - in.at);
    return AML_OK;
}

/* ---- to the leader */

static aml_status drain(const commands *s, command *c, int channel) {
    while (c->fd[channel] >= 0) {
        ssize_t n = read(c->fd[channel], s->buffer, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return AML_OK;
        if (n > 0) {
            AML_TRY(tell(s, c->id, channel, s->buffer, (size_t)n));
            continue;
        }
        close(c->fd[channel]);
        c->fd[channel] = -1;
    }
    return AML_OK;
}

/* All that a command has printed comes before the report that it has ended. */
static aml_status hear_guard(commands *s, size_t i) {
    unsigned char letters[LETTERS];
    command *c = &s->list[i];
    ssize_t n = recv(c->fd[0], letters, sizeof letters, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return AML_OK;
    AML_TRY(drain(s, c, 1));
    AML_TRY(drain(s, c, 2));
    if (n > 0) return tell(s, c->id, 0, letters, (size_t)n);
    AML_TRY(tell(s, c->id, 0, NULL, 0));
    drop(s, i);
    return AML_OK;
}

static void make_list(commands *s) {
    s->fds[0] = (struct pollfd){.fd = s->leader, .events = POLLIN};
    for (size_t i = 0; i < s->n; i++)
        for (size_t c = 0; c < AML_LANE_CHANNELS; c++)
            s->fds[1 + 3 * i + c] = (struct pollfd){.fd = s->list[i].fd[c], .events = POLLIN};
}

/* Backwards, for a command that has ended gives its place to the last one. */
static aml_status answer(commands *s, bool *over) {
    for (size_t i = s->n; i-- > 0;) {
        const struct pollfd *p = &s->fds[1 + 3 * i];
        if (p[1].revents) AML_TRY(drain(s, &s->list[i], 1));
        if (p[2].revents) AML_TRY(drain(s, &s->list[i], 2));
        if (p[0].revents) AML_TRY(hear_guard(s, i));
    }
    if (!s->fds[0].revents) return AML_OK;
    aml_message m;
    aml_status status = aml_message_receive(&m, s->leader, 0);
    if (status) return status == AML_EAGAIN ? AML_OK : status;
    *over = m.kind == AML_MESSAGE_END;
    status = *over ? AML_OK : obey(s, &m);
    aml_message_free(&m);
    return status;
}

static aml_status serve(commands *s) {
    bool over = false;
    aml_status status = AML_OK;
    while (!status && !over) {
        make_list(s);
        if (poll(s->fds, 1 + 3 * s->n, -1) > 0) status = answer(s, &over);
    }
    return status == AML_EIO ? AML_OK : status; /* the leader is gone */
}

/* The guards kill what still runs when their sockets close. */
aml_status aml_ranks_serve_commands(aml_ranks *r, const char *guard) {
    commands s = {.leader = r->peers[0].socket, .buffer = aml_malloc(CHUNK)};
    AML_TRY(aml_ranks_agree_on_commands(r));
    aml_status status =
        s.buffer && make_room(&s) ? aml_processes_new(&s.processes, guard) : AML_ENOMEM;
    if (!status) status = serve(&s);
    while (s.n) drop(&s, s.n - 1);
    aml_processes_free(s.processes);
    aml_free(s.list);
    aml_free(s.fds);
    aml_free(s.buffer);
    return status;
}

/* Requests and reports of guards travel as they lie in memory. */
aml_status aml_ranks_agree_on_commands(aml_ranks *r) {
    aml_ctx ctx = {0};
    aml_writer w = {0};
    aml_put_string(&w, aml_version());
    aml_put_u32(&w, AML_GUARD_MAGIC);
    aml_put_u64(&w, sizeof(guard_request));
    aml_put_u64(&w, sizeof(guard_report));
    aml_status status = aml_ranks_agree(r, &w, &ctx);
    aml_writer_free(&w);
    return status;
}
