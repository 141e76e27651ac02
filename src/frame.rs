use crate::encode::{most, walk, Encoder, Length, Parts, Slice};
use crate::error::{check, Error, Field};
use crate::event::{Event, Text};
use crate::format::FormattedFrame;
use crate::parser::Update;
use crate::whole::SHORT_CUT;

/// One thing to write to an event stream: an event, a comment, a reconnection time, or several of these in one block.
///
/// A frame cannot inject anything: CR and LF are refused in an event type and an ID, NUL in an ID; data and comments
/// are split into lines at CR, LF and CRLF, so that a reader sees each of these as LF. Values should be UTF-8; what is
/// not arrives as U+FFFD. An empty frame is written as nothing.
///
/// However it is written, the bytes are the same, one block with a blank line behind it:
/// `: comment`, `event: type`, `id: ID`, `retry: milliseconds`, `data: line`. There is always a space behind the colon,
/// or a value's own leading space would be lost.
///
/// Standard: [9.2.5 Parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
///
/// # Examples
///
/// ```
/// use ssewire::Frame;
///
/// let frame = Frame::new().event_type("temperature")?.id("42")?.data("21.5\n22");
/// let mut tx = [0; 128];
/// let n = frame.write_to_slice(&mut tx)?;
/// assert_eq!(&tx[..n], b"event: temperature\nid: 42\ndata: 21.5\ndata: 22\n\n");
/// assert_eq!(Frame::new().retry(3000).to_string(), "retry: 3000\n\n");
/// assert_eq!(Frame::new().comment("keep-alive").to_string(), ": keep-alive\n\n");
/// # Ok::<(), ssewire::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Frame<'a> {
    pub(crate) comment: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    /// An empty frame.
    #[inline]
    pub const fn new() -> Frame<'a> {
        Frame { comment: None, event_type: None, id: None, retry: None, data: None }
    }

    /// Sets the event type. Without one, or with an empty one, the event is a `message`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidByte`] when it holds CR or LF.
    #[inline(always)]
    pub fn event_type<T: AsRef<[u8]> + ?Sized>(mut self, event_type: &'a T) -> Result<Frame<'a>, Error> {
        let event_type = event_type.as_ref();
        check(Field::Event, event_type)?;
        self.event_type = Some(event_type);
        Ok(self)
    }

    /// Sets the ID, which is the last event ID from this event on. An empty one clears it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidByte`] when it holds CR, LF or NUL.
    #[inline(always)]
    pub fn id<T: AsRef<[u8]> + ?Sized>(mut self, id: &'a T) -> Result<Frame<'a>, Error> {
        let id = id.as_ref();
        check(Field::Id, id)?;
        self.id = Some(id);
        Ok(self)
    }

    /// Sets the data, possibly empty. A block without data is no event.
    #[inline]
    pub fn data<T: AsRef<[u8]> + ?Sized>(mut self, data: &'a T) -> Frame<'a> {
        self.data = Some(data.as_ref());
        self
    }

    /// Sets the reconnection time, in milliseconds.
    #[inline]
    pub const fn retry(mut self, milliseconds: u64) -> Frame<'a> {
        self.retry = Some(milliseconds);
        self
    }

    /// Sets a comment, which readers ignore: alone it keeps a connection alive.
    #[inline]
    pub fn comment<T: AsRef<[u8]> + ?Sized>(mut self, comment: &'a T) -> Frame<'a> {
        self.comment = Some(comment.as_ref());
        self
    }

    /// The frame with data that is formatted as it is written, instead of data that lies in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut tx = [0; 64];
    /// let celsius = 21.537;
    /// let n = ssewire::Frame::new().id("7")?.data_fmt(format_args!("{celsius:.1} °C")).write_to_slice(&mut tx)?;
    /// assert_eq!(core::str::from_utf8(&tx[..n]), Ok("id: 7\ndata: 21.5 °C\n\n"));
    /// # Ok::<(), ssewire::Error>(())
    /// ```
    #[inline]
    pub const fn data_fmt(self, data: core::fmt::Arguments<'a>) -> FormattedFrame<'a> {
        FormattedFrame::new(self, data)
    }

    /// The exact number of bytes that the frame takes.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        if !SHORT_CUT {
            return self.parts().map(<[u8]>::len).sum();
        }
        let mut len = Length(0);
        walk(self, false, &mut len);
        len.0
    }

    /// Writes the frame to the front of `out` and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::BufferTooSmall`], with the length that it takes; nothing was written then. To write a frame piece by
    /// piece to a buffer of any size see [`encoder`](Frame::encoder).
    ///
    /// # Panics
    ///
    /// Never.
    #[inline]
    pub fn write_to_slice(&self, out: &mut [u8]) -> Result<usize, Error> {
        // By the one sequence that there is anyway: 1252 bytes of a Cortex-M0, against 1920 with `walk`.
        if !SHORT_CUT {
            let (needed, len) = (self.encoded_len(), out.len());
            return if needed > len {
                Err(Error::BufferTooSmall { needed, len })
            } else {
                Ok(self.encoder().read(out))
            };
        }
        let mut one_line = false;
        if out.len() < most(self) {
            let needed = self.encoded_len();
            if needed > out.len() {
                return Err(Error::BufferTooSmall { needed, len: out.len() });
            }
            // Every line more would have made it longer. Then nothing is searched twice.
            let mut len = Length(0);
            walk(self, true, &mut len);
            one_line = needed == len.0;
        }
        let mut slice = Slice { out, written: 0 };
        walk(self, one_line, &mut slice);
        Ok(slice.written)
    }

    /// The frame as consecutive slices, none of them empty: for vectored writes and DMA, without a copy.
    ///
    /// # Examples
    ///
    /// ```
    /// let parts: Vec<&[u8]> = ssewire::Frame::new().data("a\nb").parts().collect();
    /// assert_eq!(parts, [&b"data: "[..], b"a", b"\ndata: ", b"b", b"\n\n"]);
    /// ```
    #[inline]
    pub const fn parts(&self) -> Parts<'a> {
        Parts::new(*self)
    }

    /// Writes the frame piece by piece, into buffers of any size.
    #[inline]
    pub const fn encoder(&self) -> Encoder<'a> {
        Encoder::new(*self)
    }
}

/// The event as it was on the wire: its type, ID and `retry` only if it set them itself.
impl<'a, T: Text + ?Sized> From<Event<'a, T>> for Frame<'a> {
    fn from(event: Event<'a, T>) -> Frame<'a> {
        Frame {
            comment: None,
            event_type: event.event_type.map(T::as_ref),
            id: event.id().map(T::as_ref),
            retry: event.retry,
            data: Some(event.data.as_ref()),
        }
    }
}

impl<'a> From<Update<'a>> for Frame<'a> {
    fn from(update: Update<'a>) -> Frame<'a> {
        Frame { id: update.id, retry: update.retry, ..Frame::new() }
    }
}
