/*
 * Reads an event stream and writes every event again, to standard output, as it came.
 *
 *     relay HOST PORT PATH     from an HTTP server
 *     relay - [CHUNK]          from standard input, in pieces of CHUNK bytes
 *
 * The parser and both buffers are of fixed size; nothing is allocated. An event that is too large is reported on standard
 * error and skipped; the status is 1 then.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ssewire.h"

/* The largest event, in bytes. */
static uint8_t event_buffer[8192];
static ssewire_parser_t parser;
static bool oversized;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* A transmit buffer that is smaller than most events: the encoder fills it again and again. */
static void write_event(const ssewire_event_t *event) {
    uint8_t tx[64];
    ssewire_encoder_t encoder;
    ssewire_frame_t frame = ssewire_frame_of_event(event);
    if (ssewire_encoder_init(&encoder, &frame) != SSEWIRE_OK) {
        fail("an event that was read can be written");
    }
    for (size_t n; (n = ssewire_encoder_read(&encoder, tx, sizeof tx)) > 0;) {
        if (fwrite(tx, 1, n, stdout) != n) {
            fail("write");
        }
    }
}

static void read_input(const uint8_t *input, size_t len) {
    while (len > 0) {
        size_t consumed;
        ssewire_event_t event;
        ssewire_status_t status = ssewire_feed(&parser, input, len, &consumed, &event);
        if (status == SSEWIRE_OVERFLOW) {
            fputs("an event is too large\n", stderr);
            oversized = true;
        }
        if (status == SSEWIRE_EVENT) {
            write_event(&event);
        }
        /* Also after an error: the next event may be in the rest. */
        input += consumed;
        len -= consumed;
    }
}

/* HTTP/1.0: no chunked transfer coding, so what follows the head is the event stream itself. */
static int connect_to(const char *host, const char *port, const char *path) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fputs("HOST is not an IPv4 address\n", stderr);
        exit(2);
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 5};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        dprintf(fd, "GET %s HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n", path) < 0) {
        fail("connect");
    }
    char head[8192];
    size_t len = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        if (len == sizeof head || read(fd, head + len, 1) != 1) {
            fail("the head of the response");
        }
        len++;
    }
    if (len < 13 || memcmp(head, "HTTP/1.", 7) != 0 || memcmp(head + 8, " 200", 4) != 0) {
        fprintf(stderr, "not status 200: %.*s\n", (int)strcspn(head, "\r"), head);
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    static uint8_t rx[4096];
    size_t chunk = sizeof rx;
    int fd = STDIN_FILENO;
    if (argc == 4) {
        fd = connect_to(argv[1], argv[2], argv[3]);
    } else if (argc == 3) {
        chunk = strtoul(argv[2], NULL, 10);
    }
    if (argc < 2 || argc > 4 || (argc < 4 && strcmp(argv[1], "-") != 0) || chunk == 0 || chunk > sizeof rx) {
        fputs("relay HOST PORT PATH, or relay - [CHUNK of 1 to 4096]\n", stderr);
        return 2;
    }
    ssewire_parser_init(&parser, event_buffer, sizeof event_buffer);
    ssize_t n;
    while ((n = read(fd, rx, chunk)) > 0) {
        read_input(rx, (size_t)n);
    }
    if (n < 0 || fflush(stdout) != 0) {
        fail("read or write");
    }
    return oversized ? 1 : 0;
}
