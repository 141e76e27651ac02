//! `ssewire` for C. The names are those of C, and the documentation is that of the header, `ssewire.h`, which cbindgen
//! makes of this file.
//!
//! C promises by the contracts below what Rust's borrow checker would see to; nothing else here is unsafe. A parser in C
//! is a `Parser<&'static mut [u8]>`: the lifetime is a promise of the caller of `ssewire_parser_init`, and the only one
//! there can be, since C's own lifetimes are not known here.

#![no_std]
#![allow(non_camel_case_types)]
#![warn(missing_docs, clippy::undocumented_unsafe_blocks)]
#![deny(unsafe_op_in_unsafe_fn)]

use core::mem::{align_of, size_of};
use core::{ptr, slice};

use ssewire::{BufferTooSmall, Encoder, Event, Frame, IdError, InvalidByte, Parser};

/// The result of a function. Errors are negative.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ssewire_status_t {
    /// Done. Of `ssewire_feed`: all input was used, and no (further) event is in it.
    SSEWIRE_OK = 0,
    /// There is an event.
    SSEWIRE_EVENT = 1,
    /// An event or ID is larger than the parser's buffer. `ssewire_feed` reports it once for each, skips it, and goes on
    /// after it when it is called with the rest of the input.
    SSEWIRE_OVERFLOW = -1,
    /// The frame does not fit; nothing was written.
    SSEWIRE_BUFFER_TOO_SMALL = -2,
    /// CR or LF in an event type or ID, or NUL in an ID: it could not be read as it was written.
    SSEWIRE_INVALID_BYTE = -3,
}
use ssewire_status_t::*;

/// Bytes of somebody else's, not ended by NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ssewire_bytes_t {
    /// The first byte. NULL stands for a missing value, which is not the same as an empty one.
    pub ptr: *const u8,
    /// How many there are.
    pub len: usize,
}

/// An event, borrowed until the next call with its parser.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ssewire_event_t {
    /// `message` when the event named no type.
    pub event_type: ssewire_bytes_t,
    /// The lines of data, joined by LF; never NULL.
    pub data: ssewire_bytes_t,
    /// The current last event ID, set by this event or an earlier one; empty without one.
    pub last_event_id: ssewire_bytes_t,
    /// The reconnection time that this event set, in milliseconds; look at `has_retry` first.
    pub retry_ms: u64,
    /// Set if this event set the reconnection time.
    pub has_retry: bool,
    /// Set if this event itself set the ID.
    pub has_id: bool,
    /// Set if this event itself named a type.
    pub has_type: bool,
}

/// A block to write: an event, a comment, a reconnection time, or several of these. A value of NULL is left out, so `{0}` is
/// an empty frame.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ssewire_frame_t {
    /// Ignored by readers: alone it keeps a connection alive. Lines are split as those of data.
    pub comment: ssewire_bytes_t,
    /// Without CR and LF.
    pub event_type: ssewire_bytes_t,
    /// Without CR, LF and NUL. An empty one clears the reader's last event ID.
    pub id: ssewire_bytes_t,
    /// Becomes a line for each of its lines, which end in LF, CR or CRLF. A frame without data is not an event.
    pub data: ssewire_bytes_t,
    /// The reconnection time in milliseconds, if `has_retry`.
    pub retry_ms: u64,
    /// Set to write `retry_ms`.
    pub has_retry: bool,
}

/// A parser, to be put wherever you like: 88 bytes on a 64-bit target, 64 on a 32-bit one. Do not look inside. It may be
/// moved, but not copied, as two would write to one buffer. There is nothing to free.
#[repr(C)]
pub struct ssewire_parser_t {
    numbers: [u64; 4],
    words: [usize; 7],
}

/// A frame that is being written: 144 bytes on a 64-bit target, 88 on a 32-bit one. Do not look inside. There is nothing
/// to free.
#[repr(C)]
pub struct ssewire_encoder_t {
    numbers: [u64; 4],
    words: [usize; 14],
}

type InnerParser = Parser<&'static mut [u8]>;
type InnerEncoder = Encoder<'static>;

const _: () = {
    assert!(size_of::<InnerParser>() <= size_of::<ssewire_parser_t>());
    assert!(align_of::<InnerParser>() <= align_of::<ssewire_parser_t>());
    assert!(size_of::<InnerEncoder>() <= size_of::<ssewire_encoder_t>());
    assert!(align_of::<InnerEncoder>() <= align_of::<ssewire_encoder_t>());
};

/// Makes a parser at the start of a stream, that keeps unfinished events in the `len` bytes at `buffer`.
///
/// An event fits when its data, type and ID and the ID before it are together no longer than that. The buffer is the
/// parser's alone for as long as the parser is used. Called again it forgets everything, the last event ID as well.
///
/// # Safety
///
/// `parser` can be written to, and aligned as its type is. `buffer` can be read and written for `len` bytes, and nobody
/// else does as long as `parser` is used.
#[no_mangle]
pub unsafe extern "C" fn ssewire_parser_init(parser: *mut ssewire_parser_t, buffer: *mut u8, len: usize) {
    let buffer: &'static mut [u8] = if len == 0 {
        &mut []
    } else {
        // SAFETY: the caller gives `len` bytes to the parser alone, for as long as it is used: nothing uses
        // `'static` beyond that. They may be uninitialized in C, so they are written first.
        unsafe {
            ptr::write_bytes(buffer, 0, len);
            slice::from_raw_parts_mut(buffer, len)
        }
    };
    // SAFETY: the caller's memory is as large and as aligned as `ssewire_parser_t`, and so enough, as asserted above. Its
    // earlier contents are not dropped: a parser owns nothing.
    unsafe { parser.cast::<InnerParser>().write(Parser::with_buffer(buffer)) }
}

/// Reads `input` up to the end of the next event, or all of it, and says in `consumed` how many bytes that is: feed the
/// rest again, also after an error. The input may be split anywhere.
///
/// Returns `SSEWIRE_OK`, `SSEWIRE_EVENT` or `SSEWIRE_OVERFLOW`. With `SSEWIRE_EVENT`, and only then, `event` is set. The event
/// lies in the input and in the parser's buffer: use it before either changes.
///
/// # Safety
///
/// `parser` was initialized; `input` can be read for `len` bytes; `consumed` and `event` can be written to.
#[no_mangle]
pub unsafe extern "C" fn ssewire_feed(
    parser: *mut ssewire_parser_t,
    input: *const u8,
    len: usize,
    consumed: *mut usize,
    event: *mut ssewire_event_t,
) -> ssewire_status_t {
    // SAFETY: the caller says so.
    let (parser, input) = unsafe { (parser_mut(parser), bytes(input, len)) };
    let mut rest = input;
    let found = parser.next(&mut rest);
    // SAFETY: the caller says so.
    unsafe { consumed.write(input.len() - rest.len()) };
    match found {
        Ok(Some(found)) => {
            // SAFETY: the caller says so.
            unsafe { event.write(lend_event(&found)) };
            SSEWIRE_EVENT
        }
        Ok(None) => SSEWIRE_OK,
        Err(_) => SSEWIRE_OVERFLOW,
    }
}

fn lend_event(event: &Event<'_>) -> ssewire_event_t {
    ssewire_event_t {
        event_type: lend(event.event_type()),
        data: lend(event.data()),
        last_event_id: lend(event.last_event_id()),
        retry_ms: event.retry().unwrap_or_default(),
        has_retry: event.retry().is_some(),
        has_id: event.id().is_some(),
        has_type: event.wire_event_type().is_some(),
    }
}

/// The last event ID, to be sent as `Last-Event-ID` when reconnecting, unless it is empty; NULL when none was ever set.
/// Borrowed until the next call with this parser.
///
/// # Safety
///
/// `parser` was initialized.
#[no_mangle]
pub unsafe extern "C" fn ssewire_last_event_id(parser: *const ssewire_parser_t) -> ssewire_bytes_t {
    // SAFETY: the caller says so.
    let id = unsafe { parser_ref(parser) }.last_event_id();
    id.map_or(NONE, lend)
}

/// Returns whether the stream has set a reconnection time, which is then in `milliseconds`.
///
/// # Safety
///
/// `parser` was initialized; `milliseconds` can be written to.
#[no_mangle]
pub unsafe extern "C" fn ssewire_reconnection_time(parser: *const ssewire_parser_t, milliseconds: *mut u64) -> bool {
    // SAFETY: the caller says so.
    let Some(time) = unsafe { parser_ref(parser) }.reconnection_time_ms() else {
        return false;
    };
    // SAFETY: the caller says so.
    unsafe { milliseconds.write(time) };
    true
}

/// Sets the last event ID, for a stream that goes on where another ended, and discards an unfinished event.
///
/// Returns `SSEWIRE_OK`, `SSEWIRE_OVERFLOW` or `SSEWIRE_INVALID_BYTE`; after an error nothing has changed.
///
/// # Safety
///
/// `parser` was initialized; `id` can be read for `len` bytes, and does not lie in the parser's buffer.
#[no_mangle]
pub unsafe extern "C" fn ssewire_set_last_event_id(
    parser: *mut ssewire_parser_t,
    id: *const u8,
    len: usize,
) -> ssewire_status_t {
    // SAFETY: the caller says so.
    let (parser, id) = unsafe { (parser_mut(parser), bytes(id, len)) };
    match parser.set_last_event_id(id) {
        Ok(()) => SSEWIRE_OK,
        Err(IdError::InvalidByte(_)) => SSEWIRE_INVALID_BYTE,
        Err(IdError::Overflow(_)) => SSEWIRE_OVERFLOW,
    }
}

/// Makes the parser ready for the next connection: an unfinished event is discarded, the last event ID and the
/// reconnection time stay.
///
/// # Safety
///
/// `parser` was initialized.
#[no_mangle]
pub unsafe extern "C" fn ssewire_reset(parser: *mut ssewire_parser_t) {
    // SAFETY: the caller says so.
    unsafe { parser_mut(parser) }.reset();
}

/// The frame that writes `event` as it came: its type, ID and reconnection time if it set them itself.
///
/// # Safety
///
/// `event` can be read.
#[no_mangle]
pub unsafe extern "C" fn ssewire_frame_of_event(event: *const ssewire_event_t) -> ssewire_frame_t {
    // SAFETY: the caller says so.
    let event = unsafe { event.read() };
    ssewire_frame_t {
        comment: NONE,
        event_type: if event.has_type { event.event_type } else { NONE },
        id: if event.has_id { event.last_event_id } else { NONE },
        data: event.data,
        retry_ms: event.retry_ms,
        has_retry: event.has_retry,
    }
}

/// Writes `frame` to the front of `out`, and says in `written` how many bytes that is; when it returns
/// `SSEWIRE_BUFFER_TOO_SMALL`, how many it would be.
///
/// Returns `SSEWIRE_OK`, `SSEWIRE_BUFFER_TOO_SMALL` or `SSEWIRE_INVALID_BYTE`.
///
/// # Safety
///
/// `frame` can be read, and its values; `out` can be read and written for `len` bytes, none of which are in a value;
/// `written` can be written to.
#[no_mangle]
pub unsafe extern "C" fn ssewire_frame_write(
    frame: *const ssewire_frame_t,
    out: *mut u8,
    len: usize,
    written: *mut usize,
) -> ssewire_status_t {
    // SAFETY: the caller says so.
    let (count, status) = match unsafe { frame_of(frame) } {
        // SAFETY: the caller says so.
        Ok(frame) => match frame.write_to_slice(unsafe { bytes_mut(out, len) }) {
            Ok(count) => (count, SSEWIRE_OK),
            Err(BufferTooSmall { needed, .. }) => (needed, SSEWIRE_BUFFER_TOO_SMALL),
        },
        Err(InvalidByte { .. }) => (0, SSEWIRE_INVALID_BYTE),
    };
    // SAFETY: the caller says so.
    unsafe { written.write(count) };
    status
}

/// Begins to write `frame` piece by piece. Its values must stay as they are until the last piece is written; the
/// frame itself need not.
///
/// Returns `SSEWIRE_OK`, or `SSEWIRE_INVALID_BYTE`; then no encoder was made.
///
/// # Safety
///
/// `encoder` can be written to, and aligned as its type is; `frame` can be read, and its values as long as `encoder` is
/// used.
#[no_mangle]
pub unsafe extern "C" fn ssewire_encoder_init(
    encoder: *mut ssewire_encoder_t,
    frame: *const ssewire_frame_t,
) -> ssewire_status_t {
    // SAFETY: the caller says so.
    match unsafe { frame_of(frame) } {
        Ok(frame) => {
            // SAFETY: the memory is as large and as aligned as `ssewire_encoder_t`, and so enough, as asserted above.
            unsafe { encoder.cast::<InnerEncoder>().write(frame.encoder()) };
            SSEWIRE_OK
        }
        Err(InvalidByte { .. }) => SSEWIRE_INVALID_BYTE,
    }
}

/// Writes the next `len` bytes of the frame to `out`, and returns how many those were: fewer only at the end, 0 when all
/// was written before.
///
/// # Safety
///
/// `encoder` was initialized with `SSEWIRE_OK`; `out` can be read and written for `len` bytes, none of which are in a
/// value of the frame.
#[no_mangle]
pub unsafe extern "C" fn ssewire_encoder_read(encoder: *mut ssewire_encoder_t, out: *mut u8, len: usize) -> usize {
    // SAFETY: `ssewire_encoder_init` put an encoder there; for the rest the caller says so.
    unsafe { (*encoder.cast::<InnerEncoder>()).fill(bytes_mut(out, len)) }
}

const NONE: ssewire_bytes_t = ssewire_bytes_t { ptr: ptr::null(), len: 0 };

fn lend(bytes: &[u8]) -> ssewire_bytes_t {
    ssewire_bytes_t { ptr: bytes.as_ptr(), len: bytes.len() }
}

/// # Safety
///
/// `parser` was initialized, and nobody else uses it as long as the result is used.
unsafe fn parser_mut<'a>(parser: *mut ssewire_parser_t) -> &'a mut InnerParser {
    // SAFETY: `ssewire_parser_init` put a parser there; for the rest the caller says so.
    unsafe { &mut *parser.cast::<InnerParser>() }
}

/// # Safety
///
/// `parser` was initialized, and nobody changes it as long as the result is used.
unsafe fn parser_ref<'a>(parser: *const ssewire_parser_t) -> &'a InnerParser {
    // SAFETY: as above.
    unsafe { &*parser.cast::<InnerParser>() }
}

/// # Safety
///
/// When `len` is not 0, `ptr` can be read for `len` bytes, and nobody writes to them as long as the result is used.
unsafe fn bytes<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller says so.
    unsafe { slice::from_raw_parts(ptr, len) }
}

/// # Safety
///
/// When `len` is not 0, `ptr` can be read and written for `len` bytes, and nobody else does as long as the result is
/// used. They are only written to, so that it does not matter what they hold.
unsafe fn bytes_mut<'a>(ptr: *mut u8, len: usize) -> &'a mut [u8] {
    if len == 0 {
        return &mut [];
    }
    // SAFETY: the caller says so.
    unsafe { slice::from_raw_parts_mut(ptr, len) }
}

/// # Safety
///
/// `frame` can be read, and its values as long as the result is used.
unsafe fn frame_of<'a>(frame: *const ssewire_frame_t) -> Result<Frame<'a>, InvalidByte> {
    // SAFETY: the caller says so.
    let frame = unsafe { frame.read() };
    // SAFETY: the caller says so of every value.
    let value = |value: ssewire_bytes_t| (!value.ptr.is_null()).then(|| unsafe { bytes(value.ptr, value.len) });
    let mut to_write = Frame::new();
    if let Some(comment) = value(frame.comment) {
        to_write = to_write.comment(comment);
    }
    if let Some(event_type) = value(frame.event_type) {
        to_write = to_write.event_type(event_type)?;
    }
    if let Some(id) = value(frame.id) {
        to_write = to_write.id(id)?;
    }
    if let Some(data) = value(frame.data) {
        to_write = to_write.data(data);
    }
    Ok(if frame.has_retry { to_write.retry(frame.retry_ms) } else { to_write })
}

/// Nothing here panics, and then this is not linked; but a library without std must have it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
