/*
 * ssewire: Server-Sent Events (text/event-stream) for C, exact to the WHATWG HTML standard.
 *
 * No function allocates, blocks, keeps global state or fails because of the bytes of a stream, except for an event that is too large.
 * Every pointer argument must be valid for the object that its description names; one with a length of 0 may be NULL. A parser or
 * an encoder is used by one thread at a time.
 */

#ifndef SSEWIRE_H
#define SSEWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The result of a function. Errors are negative.
 */
typedef enum {
  /**
   * Done. Of `ssewire_feed`: all input was used, and no (further) event is in it.
   */
  SSEWIRE_OK = 0,
  /**
   * There is an event.
   */
  SSEWIRE_EVENT = 1,
  /**
   * An event or ID is larger than the parser's buffer. `ssewire_feed` reports it once for each, skips it, and goes on
   * after it when it is called with the rest of the input.
   */
  SSEWIRE_OVERFLOW = -1,
  /**
   * The frame does not fit; nothing was written.
   */
  SSEWIRE_BUFFER_TOO_SMALL = -2,
  /**
   * CR or LF in an event type or ID, or NUL in an ID: it could not be read as it was written.
   */
  SSEWIRE_INVALID_BYTE = -3,
} ssewire_status_t;

/**
 * A parser, to be put wherever you like: 88 bytes on a 64-bit target, 64 on a 32-bit one. Do not look inside. It may be
 * moved, but not copied, as two would write to one buffer. There is nothing to free.
 */
typedef struct {
  uint64_t numbers[4];
  size_t words[7];
} ssewire_parser_t;

/**
 * Bytes of somebody else's, not ended by NUL.
 */
typedef struct {
  /**
   * The first byte. NULL stands for a missing value, which is not the same as an empty one.
   */
  const uint8_t *ptr;
  /**
   * How many there are.
   */
  size_t len;
} ssewire_bytes_t;

/**
 * An event, borrowed until the next call with its parser.
 */
typedef struct {
  /**
   * `message` when the event named no type.
   */
  ssewire_bytes_t event_type;
  /**
   * The lines of data, joined by LF; never NULL.
   */
  ssewire_bytes_t data;
  /**
   * The current last event ID, set by this event or an earlier one; empty without one.
   */
  ssewire_bytes_t last_event_id;
  /**
   * The reconnection time that this event set, in milliseconds; look at `has_retry` first.
   */
  uint64_t retry_ms;
  /**
   * Set if this event set the reconnection time.
   */
  bool has_retry;
  /**
   * Set if this event itself set the ID.
   */
  bool has_id;
  /**
   * Set if this event itself named a type.
   */
  bool has_type;
} ssewire_event_t;

/**
 * A block to write: an event, a comment, a reconnection time, or several of these. A value of NULL is left out, so `{0}` is
 * an empty frame.
 */
typedef struct {
  /**
   * Ignored by readers: alone it keeps a connection alive. Lines are split as those of data.
   */
  ssewire_bytes_t comment;
  /**
   * Without CR and LF.
   */
  ssewire_bytes_t event_type;
  /**
   * Without CR, LF and NUL. An empty one clears the reader's last event ID.
   */
  ssewire_bytes_t id;
  /**
   * Becomes a line for each of its lines, which end in LF, CR or CRLF. A frame without data is not an event.
   */
  ssewire_bytes_t data;
  /**
   * The reconnection time in milliseconds, if `has_retry`.
   */
  uint64_t retry_ms;
  /**
   * Set to write `retry_ms`.
   */
  bool has_retry;
} ssewire_frame_t;

/**
 * A frame that is being written: 144 bytes on a 64-bit target, 88 on a 32-bit one. Do not look inside. There is nothing
 * to free.
 */
typedef struct {
  uint64_t numbers[4];
  size_t words[14];
} ssewire_encoder_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a parser at the start of a stream, that keeps unfinished events in the `len` bytes at `buffer`.
 *
 * An event fits when its data, type and ID and the ID before it are together no longer than that. The buffer is the
 * parser's alone for as long as the parser is used. Called again it forgets everything, the last event ID as well.
 *
 * # Safety
 *
 * `parser` can be written to, and aligned as its type is. `buffer` can be read and written for `len` bytes, and nobody
 * else does as long as `parser` is used.
 */
void ssewire_parser_init(ssewire_parser_t *parser,
                         uint8_t *buffer,
                         size_t len);

/**
 * Reads `input` up to the end of the next event, or all of it, and says in `consumed` how many bytes that is: feed the
 * rest again, also after an error. The input may be split anywhere.
 *
 * Returns `SSEWIRE_OK`, `SSEWIRE_EVENT` or `SSEWIRE_OVERFLOW`. With `SSEWIRE_EVENT`, and only then, `event` is set. The event
 * lies in the input and in the parser's buffer: use it before either changes.
 *
 * # Safety
 *
 * `parser` was initialized; `input` can be read for `len` bytes; `consumed` and `event` can be written to.
 */
ssewire_status_t ssewire_feed(ssewire_parser_t *parser,
                              const uint8_t *input,
                              size_t len,
                              size_t *consumed,
                              ssewire_event_t *event);

/**
 * The last event ID, to be sent as `Last-Event-ID` when reconnecting, unless it is empty; NULL when none was ever set.
 * Borrowed until the next call with this parser.
 *
 * # Safety
 *
 * `parser` was initialized.
 */
ssewire_bytes_t ssewire_last_event_id(const ssewire_parser_t *parser);

/**
 * Returns whether the stream has set a reconnection time, which is then in `milliseconds`.
 *
 * # Safety
 *
 * `parser` was initialized; `milliseconds` can be written to.
 */
bool ssewire_reconnection_time(const ssewire_parser_t *parser, uint64_t *milliseconds);

/**
 * Sets the last event ID, for a stream that goes on where another ended, and discards an unfinished event.
 *
 * Returns `SSEWIRE_OK`, `SSEWIRE_OVERFLOW` or `SSEWIRE_INVALID_BYTE`; after an error nothing has changed.
 *
 * # Safety
 *
 * `parser` was initialized; `id` can be read for `len` bytes, and does not lie in the parser's buffer.
 */
ssewire_status_t ssewire_set_last_event_id(ssewire_parser_t *parser, const uint8_t *id, size_t len);

/**
 * Makes the parser ready for the next connection: an unfinished event is discarded, the last event ID and the
 * reconnection time stay.
 *
 * # Safety
 *
 * `parser` was initialized.
 */
void ssewire_reset(ssewire_parser_t *parser);

/**
 * The frame that writes `event` as it came: its type, ID and reconnection time if it set them itself.
 *
 * # Safety
 *
 * `event` can be read.
 */
ssewire_frame_t ssewire_frame_of_event(const ssewire_event_t *event);

/**
 * Writes `frame` to the front of `out`, and says in `written` how many bytes that is; when it returns
 * `SSEWIRE_BUFFER_TOO_SMALL`, how many it would be.
 *
 * Returns `SSEWIRE_OK`, `SSEWIRE_BUFFER_TOO_SMALL` or `SSEWIRE_INVALID_BYTE`.
 *
 * # Safety
 *
 * `frame` can be read, and its values; `out` can be read and written for `len` bytes, none of which are in a value;
 * `written` can be written to.
 */
ssewire_status_t ssewire_frame_write(const ssewire_frame_t *frame,
                                     uint8_t *out,
                                     size_t len,
                                     size_t *written);

/**
 * Begins to write `frame` piece by piece. Its values must stay as they are until the last piece is written; the
 * frame itself need not.
 *
 * Returns `SSEWIRE_OK`, or `SSEWIRE_INVALID_BYTE`; then no encoder was made.
 *
 * # Safety
 *
 * `encoder` can be written to, and aligned as its type is; `frame` can be read, and its values as long as `encoder` is
 * used.
 */
ssewire_status_t ssewire_encoder_init(ssewire_encoder_t *encoder,
                                      const ssewire_frame_t *frame);

/**
 * Writes the next `len` bytes of the frame to `out`, and returns how many those were: fewer only at the end, 0 when all
 * was written before.
 *
 * # Safety
 *
 * `encoder` was initialized with `SSEWIRE_OK`; `out` can be read and written for `len` bytes, none of which are in a
 * value of the frame.
 */
size_t ssewire_encoder_read(ssewire_encoder_t *encoder,
                            uint8_t *out,
                            size_t len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SSEWIRE_H */
