/* ranks.c: the ranks of a run meet: MPI passes round where the first one listens and a secret, then they connect. */
#include "automl/engine/ranks.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "automl/core/par.h"
#include "automl/core/text.h"

enum { TEXT = 1024, SECRET = 16, MOST_ADDRESSES = 16 };
static const double MEETING = 60, CONNECTING = 5; /* seconds */

/* What the first rank says: "HOST PORT SECRET ADDRESS …". */
typedef struct invitation {
    char host[AML_RANK_HOST], secret[2 * SECRET + 1], address[MOST_ADDRESSES][INET_ADDRSTRLEN];
    size_t n_addresses;
    uint16_t port;
} invitation;

/* ---- the first rank listens */

static void list_addresses(invitation *v) {
    struct ifaddrs *all;
    if (getifaddrs(&all)) return;
    for (const struct ifaddrs *a = all; a && v->n_addresses < MOST_ADDRESSES; a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET) continue;
        if (!(a->ifa_flags & IFF_UP) || (a->ifa_flags & IFF_LOOPBACK)) continue;
        const struct sockaddr_in *in = (const void *)a->ifa_addr;
        if (inet_ntop(AF_INET, &in->sin_addr, v->address[v->n_addresses], INET_ADDRSTRLEN))
            v->n_addresses++;
    }
    freeifaddrs(all);
}

static int listen_anywhere(uint16_t *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s >= 0 && !bind(s, (void *)&at, sizeof at) && !listen(s, SOMAXCONN) &&
        !getsockname(s, (void *)&at, &size)) {
        *port = ntohs(at.sin_port);
        return s;
    }
    if (s >= 0) close(s);
    return -1;
}

static bool draw_secret(char *out) {
    unsigned char bytes[SECRET];
    if (getrandom(bytes, SECRET, 0) != SECRET) return false;
    for (size_t i = 0; i < SECRET; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

typedef struct meeting {
    invitation invitation;
    int listener;
} meeting;

/* Called in the first rank. An empty text: it could not. */
static void invite(char *text, size_t size, void *arg) {
    meeting *m = arg;
    invitation *v = &m->invitation;
    m->listener = listen_anywhere(&v->port);
    if (m->listener < 0 || !draw_secret(v->secret)) return;
    gethostname(v->host, sizeof v->host - 1);
    list_addresses(v);
    int n = snprintf(text, size, "%s %u %s", v->host, v->port, v->secret);
    for (size_t i = 0; i < v->n_addresses; i++)
        n += snprintf(text + n, size - (size_t)n, " %s", v->address[i]);
}

static bool read_invitation(invitation *v, const char *text) {
    int at = 0;
    unsigned port = 0;
    *v = (invitation){0};
    if (sscanf(text, "%63s %u %32s%n", v->host, &port, v->secret, &at) != 3) return false;
    v->port = (uint16_t)port;
    for (int more = 0; v->n_addresses < MOST_ADDRESSES; at += more) {
        if (sscanf(text + at, " %15s%n", v->address[v->n_addresses], &more) != 1) break;
        v->n_addresses++;
    }
    return true;
}

/* ---- the others connect */

/* A host that loses power closes nothing: it is asked whether it is still there. */
static void set_up(int s) {
    const int on = 1, idle = 10, interval = 5, count = 3;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(s, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(s, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static int connect_to(const char *address, uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int error = 0, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof error;
    struct timeval longest = {.tv_sec = (time_t)CONNECTING}, none = {0};
    if (s < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1) return s;
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest); /* counts for connect too */
    if (!connect(s, (void *)&at, sizeof at) &&
        !getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) && !error) {
        setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
        set_up(s);
        return s;
    }
    close(s);
    return -1;
}

/* The leader answers a hello with the secret by one; another program that listens there does not. */
static bool introduce(int s, const invitation *v, int rank) {
    char host[AML_RANK_HOST] = "";
    aml_writer w = {0};
    aml_message answer = {0};
    gethostname(host, sizeof host - 1);
    aml_put_string(&w, v->secret);
    aml_put_u32(&w, (uint32_t)rank);
    aml_put_string(&w, host);
    bool good = !w.status && !aml_message_send(s, AML_MESSAGE_HELLO, w.data, w.size) &&
                !aml_message_receive(&answer, s, MEETING) && answer.kind == AML_MESSAGE_HELLO;
    aml_message_free(&answer);
    aml_writer_free(&w);
    return good;
}

static aml_status connect_leader(aml_ranks *r, const invitation *v) {
    char host[AML_RANK_HOST] = "";
    gethostname(host, sizeof host - 1);
    bool here = !strcmp(host, v->host);
    for (size_t i = 0; i < v->n_addresses + here; i++) {
        int s = connect_to(here && i == 0 ? "127.0.0.1" : v->address[i - here], v->port);
        if (s >= 0 && introduce(s, v, r->number)) {
            r->peers[0] = (aml_peer){.socket = s};
            memcpy(r->peers[0].host, v->host, sizeof v->host);
            return AML_OK;
        }
        if (s >= 0) close(s);
    }
    return aml_help(aml_fail(AML_EIO, "rank %d on %s cannot reach rank 0 on %s, port %u", r->number,
                             host, v->host, v->port),
                    "ranks talk to the first one over TCP",
                    "let connections between the hosts pass");
}

/* ---- the leader takes them in */

static bool is_welcome(aml_peer *peer, const aml_message *m, const aml_ranks *r,
                       const invitation *v) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_reader in = {.data = m->data, .size = m->size};
    const char *secret = scratch ? aml_get_string(&in, scratch) : NULL;
    uint32_t rank = aml_get_u32(&in);
    const char *host = scratch ? aml_get_string(&in, scratch) : NULL;
    bool good = m->kind == AML_MESSAGE_HELLO && secret && host && !in.status &&
                !strcmp(secret, v->secret) && rank > 0 && rank < (uint32_t)r->count &&
                r->peers[rank - 1].socket < 0;
    if (good) {
        peer->rank = (int)rank;
        snprintf(peer->host, sizeof peer->host, "%s", host);
    }
    aml_arena_free(scratch);
    return good;
}

/* Anybody can connect; who does not know the secret is sent away. */
static bool take_in(aml_ranks *r, int s, const invitation *v, double seconds) {
    aml_peer peer = {.socket = s};
    aml_message m;
    set_up(s);
    bool good = !aml_message_receive(&m, s, seconds) && is_welcome(&peer, &m, r, v) &&
                !aml_message_send(s, AML_MESSAGE_HELLO, NULL, 0);
    aml_message_free(&m);
    if (good) r->peers[peer.rank - 1] = peer;
    else close(s);
    return good;
}

static aml_status gather(aml_ranks *r, const meeting *m) {
    double end = aml_now() + MEETING;
    size_t n = 0;
    while (n < r->n_peers) {
        double left = end - aml_now();
        struct pollfd p = {.fd = m->listener, .events = POLLIN};
        if (left <= 0)
            return aml_help(aml_fail(AML_EIO, "%zu of %zu ranks did not come within %g s",
                                     r->n_peers - n, r->n_peers, MEETING),
                            "they talk to the first one over TCP",
                            "let connections between the hosts pass");
        if (poll(&p, 1, (int)(1e3 * left)) <= 0) continue;
        int s = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
        if (s >= 0) n += take_in(r, s, &m->invitation, left < CONNECTING ? left : CONNECTING);
    }
    return AML_OK;
}

/* ---- joining */

/* Was this process started as one of several? */
static bool is_started_by_mpi(void) {
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"};
    const char *size = getenv("PMIX_RANK") ? getenv("SLURM_NTASKS") : NULL;
    for (size_t i = 0; !size && i < sizeof sizes / sizeof *sizes; i++) size = getenv(sizes[i]);
    return size && strtol(size, NULL, 10) > 1;
}

typedef int meet_fn(int numbers[4], char *text, size_t size,
                    void (*make)(char *text, size_t size, void *arg), void *arg);

/* Beside the program as it was built, or where it is installed. */
static meet_fn *load_module(void) {
    char folder[4000] = "", path[4096];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    while (n > 0 && folder[n - 1] != '/') n--;
    folder[n > 0 ? n - 1 : 0] = 0;
    snprintf(path, sizeof path, "%s/automl_mpi.so", folder);
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!module) module = dlopen(AUTOML_MODULES "/automl_mpi.so", RTLD_NOW | RTLD_GLOBAL);
    void *symbol = module ? dlsym(module, "automl_mpi_meet") : NULL;
    meet_fn *meet = NULL;
    memcpy(&meet, &symbol, sizeof meet);
    return meet;
}

static int threads_here(const int numbers[4]) {
    int cores = aml_par_cores(), online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int sharing = numbers[2] - numbers[3]; /* the leader waits while the others fit */
    if (numbers[0] == 0 || cores < online || sharing < 1) return cores;
    return cores / sharing > 1 ? cores / sharing : 1;
}

static aml_status meet(aml_ranks *r, meeting *m) {
    meet_fn *ask_mpi = load_module();
    char text[TEXT] = "";
    int numbers[4] = {0};
    if (!ask_mpi)
        return aml_help(aml_fail(AML_ECONFIG, "this is one of several ranks that MPI started, but "
                                              "automl was built without MPI"),
                        "each would do the same work",
                        "build with -DAUTOML_MPI=ON, or start it once");
    if (ask_mpi(numbers, text, sizeof text, invite, m))
        return aml_fail(AML_EIO, "MPI could not bring the ranks together");
    r->number = numbers[0];
    r->count = numbers[1];
    r->n_threads = threads_here(numbers);
    r->n_peers = r->number ? 1 : (size_t)r->count - 1;
    r->peers = aml_calloc(r->n_peers + 1, sizeof *r->peers);
    if (!r->peers) return AML_ENOMEM;
    for (size_t i = 0; i < r->n_peers; i++) r->peers[i].socket = -1;
    text[sizeof text - 1] = 0;
    if (!read_invitation(&m->invitation, text))
        return aml_fail(AML_EIO, "rank 0 cannot listen for the others: %s", strerror(errno));
    return r->number ? connect_leader(r, &m->invitation) : gather(r, m);
}

aml_status aml_ranks_join(aml_ranks **out) {
    meeting m = {.listener = -1};
    *out = NULL;
    if (!is_started_by_mpi()) return AML_OK;
    aml_ranks *r = aml_calloc(1, sizeof *r);
    if (!r) return AML_ENOMEM;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->freed, NULL);
    aml_status status = meet(r, &m);
    if (m.listener >= 0) close(m.listener);
    if (status) aml_ranks_leave(r);
    else *out = r;
    return status;
}

int aml_ranks_number(const aml_ranks *r) { return r ? r->number : 0; }
int aml_ranks_count(const aml_ranks *r) { return r ? r->count : 1; }

void aml_ranks_leave(aml_ranks *r) {
    if (!r) return;
    for (size_t i = 0; r->peers && i < r->n_peers; i++) {
        if (r->peers[i].socket < 0) continue;
        if (r->number == 0) aml_message_send(r->peers[i].socket, AML_MESSAGE_END, NULL, 0);
        close(r->peers[i].socket);
    }
    pthread_cond_destroy(&r->freed);
    pthread_mutex_destroy(&r->lock);
    aml_free(r->peers);
    aml_free(r);
}

/* ---- before the search */

static bool is_asked_to_end(const aml_ctx *ctx) {
    return (ctx->stop && atomic_load(ctx->stop)) || (ctx->interrupt && *ctx->interrupt);
}

static aml_status compare(aml_peer *p, const aml_writer *facts, const aml_ctx *ctx) {
    aml_message m;
    aml_status status = AML_EAGAIN;
    while (status == AML_EAGAIN && !is_asked_to_end(ctx))
        status = aml_message_receive(&m, p->socket, 0.1);
    if (status == AML_EAGAIN) return AML_OK;
    bool there = !status && m.kind == AML_MESSAGE_FACTS;
    bool same = there && m.size == facts->size && !memcmp(m.data, facts->data, m.size);
    aml_message_free(&m);
    if (!there) {
        close(p->socket);
        p->socket = -1;
        return AML_OK;
    }
    if (same) return AML_OK;
    return aml_help(
        aml_fail(AML_EDATA, "rank %d on %s has other data than rank 0, or another program", p->rank,
                 p->host),
        "each rank reads the files itself", "give all hosts the same files and version");
}

aml_status aml_ranks_agree(aml_ranks *r, const aml_writer *facts, const aml_ctx *ctx) {
    if (facts->status) return facts->status;
    if (r->number)
        return aml_message_send(r->peers[0].socket, AML_MESSAGE_FACTS, facts->data, facts->size);
    for (size_t i = 0; i < r->n_peers; i++)
        if (r->peers[i].socket >= 0) AML_TRY(compare(&r->peers[i], facts, ctx));
    return AML_OK;
}
