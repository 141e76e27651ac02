/* Every function once, and every error that one can return. Prints nothing when all is as the header says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssewire.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

static bool is(ssewire_bytes_t bytes, const char *text) {
    return bytes.ptr != NULL && bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

static ssewire_bytes_t text(const char *text) {
    return (ssewire_bytes_t){.ptr = (const uint8_t *)text, .len = strlen(text)};
}

/* Feeds up to the next event, and moves `input` to the end of it. */
static ssewire_status_t feed(ssewire_parser_t *parser, const char **input, ssewire_event_t *event) {
    const uint8_t *from = (const uint8_t *)*input;
    size_t len = strlen(*input), consumed = 0;
    ssewire_status_t status = ssewire_feed(parser, from, len, &consumed, event);
    CHECK(consumed <= len);
    *input += consumed;
    return status;
}

static void check_reading(void) {
    uint8_t buffer[16];
    ssewire_parser_t parser;
    ssewire_event_t event;
    uint64_t milliseconds = 0;
    ssewire_parser_init(&parser, buffer, sizeof buffer);
    CHECK(ssewire_last_event_id(&parser).ptr == NULL);
    CHECK(!ssewire_reconnection_time(&parser, &milliseconds));

    const char *input = "event: t\nid: 7\nretry: 1500\ndata: a\ndata: b\n\ndata\n\ndata: 17 bytes in all..\n\ndata: cut";
    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT);
    CHECK(is(event.event_type, "t") && is(event.data, "a\nb") && is(event.last_event_id, "7"));
    CHECK(event.has_type && event.has_id && event.has_retry && event.retry_ms == 1500);
    CHECK(ssewire_reconnection_time(&parser, &milliseconds) && milliseconds == 1500);

    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT);
    CHECK(is(event.event_type, "message") && is(event.data, "") && is(event.last_event_id, "7"));
    CHECK(!event.has_type && !event.has_id && !event.has_retry);

    CHECK(feed(&parser, &input, &event) == SSEWIRE_OVERFLOW);
    CHECK(feed(&parser, &input, &event) == SSEWIRE_OK && *input == '\0');
    CHECK(ssewire_feed(&parser, NULL, 0, &(size_t){0}, &event) == SSEWIRE_OK);

    ssewire_reset(&parser);
    input = "data: next\n\n";
    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT && is(event.data, "next"));
    CHECK(is(ssewire_last_event_id(&parser), "7"));

    CHECK(ssewire_set_last_event_id(&parser, (const uint8_t *)"1\n", 2) == SSEWIRE_INVALID_BYTE);
    CHECK(ssewire_set_last_event_id(&parser, (const uint8_t *)"longer than sixteen", 19) == SSEWIRE_OVERFLOW);
    CHECK(is(ssewire_last_event_id(&parser), "7"));
    CHECK(ssewire_set_last_event_id(&parser, (const uint8_t *)"8", 1) == SSEWIRE_OK);
    CHECK(is(ssewire_last_event_id(&parser), "8"));

    ssewire_reset(&parser);
    input = "data: 16 bytes in all.\n\ndata: a\n\ndata: bc\n\ndata: d\n\n";
    CHECK(feed(&parser, &input, &event) == SSEWIRE_OVERFLOW);
    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT && is(event.data, "a"));
    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT && is(event.data, "bc"));
    CHECK(feed(&parser, &input, &event) == SSEWIRE_EVENT && is(event.data, "d"));
    CHECK(feed(&parser, &input, &event) == SSEWIRE_OK && *input == '\0');

    ssewire_parser_init(&parser, NULL, 0);
    input = "data: x\n\n";
    CHECK(feed(&parser, &input, &event) == SSEWIRE_OVERFLOW);
}

static void check_writing(void) {
    static const char expected[] = ": c\nevent: t\nid: 7\nretry: 0\ndata: a\ndata: b\ndata: \n\n";
    uint8_t out[128];
    size_t written = 99;
    ssewire_encoder_t encoder;
    ssewire_frame_t frame = {0};
    CHECK(ssewire_frame_write(&frame, NULL, 0, &written) == SSEWIRE_OK && written == 0);

    frame = (ssewire_frame_t){
        .comment = text("c"), .event_type = text("t"), .id = text("7"), .data = text("a\rb\r\n"), .has_retry = true};
    CHECK(ssewire_frame_write(&frame, out, sizeof out, &written) == SSEWIRE_OK);
    CHECK(is((ssewire_bytes_t){out, written}, expected));
    CHECK(ssewire_frame_write(&frame, out, written - 1, &written) == SSEWIRE_BUFFER_TOO_SMALL);
    CHECK(written == strlen(expected));

    CHECK(ssewire_encoder_init(&encoder, &frame) == SSEWIRE_OK);
    written = 0;
    for (size_t n; (n = ssewire_encoder_read(&encoder, out + written, 1)) > 0;) {
        written += n;
    }
    CHECK(is((ssewire_bytes_t){out, written}, expected));

    frame.event_type = text("a\nb");
    CHECK(ssewire_frame_write(&frame, out, sizeof out, &written) == SSEWIRE_INVALID_BYTE && written == 0);
    CHECK(ssewire_encoder_init(&encoder, &frame) == SSEWIRE_INVALID_BYTE);
}

int main(void) {
    check_reading();
    check_writing();
    return 0;
}
