/* A plain closed loop over HTTP connections: the least that a generator which measures latencies does in C.

   epoll PORT CONNECTIONS WARMUP_S SECONDS prints requests, wall and CPU seconds, p50 and p99 in ns. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static char buffer[65536];
static int64_t counts[64 * 1024], requests;

struct client {
    int fd;
    int64_t sent_ns, left; /* bytes of the reply still to come; -1: its head */
};

static int64_t now_ns(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int bucket(int64_t value) { /* three significant digits, as HdrHistogram's */
    int doublings = value < 2048 ? 0 : 53 - __builtin_clzll((uint64_t)value);
    return doublings * 1024 + (int)(value >> doublings);
}

static int64_t percentile(double percent) {
    int64_t rank = (int64_t)(requests * percent / 100), seen = 0;
    for (int i = 0; i < (int)(sizeof counts / sizeof *counts); i++)
        if ((seen += counts[i]) > rank) {
            int doublings = i / 1024 > 1 ? i / 1024 - 1 : 0;
            return (int64_t)(i - doublings * 1024) << doublings;
        }
    return 0;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void answer(struct client *c, int measuring) {
    int64_t size = recv(c->fd, buffer, sizeof buffer - 1, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) fail("recv");
    if (c->left < 0) {
        buffer[size] = 0;
        char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length:");
        if (memcmp(buffer, "HTTP/1.1 200", 12) || !end || !length) fail("reply");
        c->left = end + 4 - buffer + strtoll(length + 15, NULL, 10);
    }
    if ((c->left -= size) > 0) return;
    int64_t at_ns = now_ns(CLOCK_MONOTONIC);
    if (measuring) {
        counts[bucket(at_ns - c->sent_ns)]++;
        requests++;
    }
    c->left = -1;
    c->sent_ns = at_ns;
    if (send(c->fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) fail("send");
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int n = atoi(argv[2]), epoll = epoll_create1(0), one = 1;
    struct client *clients = calloc(n, sizeof *clients);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (int i = 0; i < n; i++) {
        struct client *c = clients + i;
        if ((c->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0) fail("socket");
        if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->left = -1;
    }
    for (int i = 0; i < n; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = clients + i};
        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
        clients[i].sent_ns = now_ns(CLOCK_MONOTONIC);
        if (send(clients[i].fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0) fail("send");
    }
    int64_t begin_ns = now_ns(CLOCK_MONOTONIC) + (int64_t)(atof(argv[3]) * 1e9), end_ns = 0, cpu_ns = 0;
    for (;;) {
        int64_t at_ns = now_ns(CLOCK_MONOTONIC);
        if (!end_ns && at_ns >= begin_ns) {
            begin_ns = at_ns;
            cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
            end_ns = at_ns + (int64_t)(atof(argv[4]) * 1e9);
        } else if (end_ns && at_ns >= end_ns) {
            cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
            printf("%lld %.9f %.9f %lld %lld\n", (long long)requests, (at_ns - begin_ns) / 1e9, cpu_ns / 1e9,
                   (long long)percentile(50), (long long)percentile(99));
            return 0;
        }
        struct epoll_event events[512];
        int ready = epoll_wait(epoll, events, 512, 100);
        for (int i = 0; i < ready; i++) answer(events[i].data.ptr, end_ns != 0);
    }
}
