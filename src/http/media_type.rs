use super::{MEDIA_TYPE, split, trim};

/// Returns whether `content_type`, the value of `Content-Type`, names an event stream: `text/event-stream` in any case, and
/// no `charset` other than UTF-8.
///
/// It decides as Chromium does. Other parameters are ignored. Of several types in a list the last one counts, and of several
/// charsets the first. A response with several `Content-Type` fields is such a list; [`Head`](crate::client::Head) joins them.
///
/// # Panics
///
/// Never.
///
/// # Examples
///
/// ```
/// use ssewire::http::is_event_stream;
///
/// assert!(is_event_stream(b"text/event-stream"));
/// assert!(is_event_stream(b" Text/Event-Stream ; charset=\"UTF-8\""));
/// assert!(!is_event_stream(b"text/event-stream; charset=iso-8859-1"));
/// assert!(!is_event_stream(b"text/event-streams"));
/// assert!(!is_event_stream(b""));
/// ```
#[doc(alias = "text/event-stream")]
#[must_use]
pub fn is_event_stream(content_type: &[u8]) -> bool {
    let mut media_type = MediaType::Missing;
    media_type.add(content_type);
    media_type == MediaType::EventStream
}

/// The media type of a response, from all of its `Content-Type` fields.
///
/// Standard: [Fetch, extract a MIME type](https://fetch.spec.whatwg.org/#concept-header-extract-mime-type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Missing,
    Other,
    EventStream,
    /// An event stream in another charset.
    OtherCharset,
}

impl MediaType {
    /// Takes another value, which may be a list.
    pub(crate) fn add(&mut self, value: &[u8]) {
        let mut rest = Some(value);
        while let Some(list) = rest {
            let (element, after) = split(list, b',');
            rest = after;
            self.add_one(trim(element));
        }
    }

    fn add_one(&mut self, element: &[u8]) {
        let is_end = |byte: &u8| matches!(byte, b';' | b' ' | b'\t');
        let (essence, parameters) = element.split_at_checked(MEDIA_TYPE.len()).unwrap_or_default();
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()) || !parameters.first().is_none_or(is_end) {
            let mut essence = element.iter().take_while(|byte| !is_end(byte));
            if essence.any(|&byte| byte == b'/') && !element.starts_with(b"*/*") {
                *self = MediaType::Other;
            }
            return;
        }
        // The charset of the same type, earlier in the list, stays.
        *self = match is_utf8(parameters) {
            None if *self == MediaType::OtherCharset => MediaType::OtherCharset,
            Some(false) => MediaType::OtherCharset,
            _ => MediaType::EventStream,
        };
    }
}

/// Returns whether the first `charset` is UTF-8; `None` if there is none.
fn is_utf8(parameters: &[u8]) -> Option<bool> {
    let mut rest = split(parameters, b';').1;
    while let Some(parameters) = rest {
        let (parameter, after) = split(parameters, b';');
        rest = after;
        let (name, value) = split(parameter, b'=');
        if let Some(value) = value {
            let value = trim(value);
            let value = value.strip_prefix(b"\"").map_or(value, |quoted| trim(split(quoted, b'"').0));
            if trim(name).eq_ignore_ascii_case(b"charset") && !value.is_empty() {
                return Some(value.eq_ignore_ascii_case(b"utf-8"));
            }
        }
    }
    None
}
