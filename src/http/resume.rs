use super::{LAST_EVENT_ID_QUERY, split, trim};
use crate::error::BufferTooSmall;

/// Returns the ID that a client resumes after: the value of the request's `Last-Event-ID`, or, without that field, of
/// `lastEventId` in the URL's query, decoded into `buf`. `None` is a client that asks for the stream from now on.
///
/// `header` is the value of the field, `query` the part of the URL after the `?`. The field wins over the query, since a
/// browser sends it on reconnecting to a URL that has an older ID. An empty ID is none, and so is one that no stream can set:
/// with NUL, CR or LF. An ID from outside is never trusted: a server looks it up.
///
/// # Errors
///
/// [`BufferTooSmall`] if the ID of the query is longer than `buf`. With a `buf` as long as the longest ID that the server sends,
/// that is an unknown ID, and not a client without one: `resume_id(…).unwrap_or(Some(b"?"))`.
///
/// # Panics
///
/// Never.
///
/// # Examples
///
/// ```
/// use ssewire::http::resume_id;
///
/// let mut buf = [0; 16];
/// assert_eq!(resume_id(Some(b"7"), Some(b"lastEventId=6"), &mut buf)?, Some(&b"7"[..]));
/// assert_eq!(resume_id(None, Some(b"a=b&lastEventId=%E2%82%AC+6"), &mut buf)?, Some("€ 6".as_bytes()));
/// assert_eq!(resume_id(Some(b""), None, &mut buf)?, None);
/// assert_eq!(resume_id(None, Some(b"lastEventId=6%0Adata:"), &mut buf)?, None);
/// # Ok::<(), ssewire::BufferTooSmall>(())
/// ```
pub fn resume_id<'b>(
    header: Option<&'b [u8]>,
    query: Option<&[u8]>,
    buf: &'b mut [u8],
) -> Result<Option<&'b [u8]>, BufferTooSmall> {
    let id = match (header, query) {
        (Some(header), _) => Some(trim(header)),
        (None, Some(query)) => query_id(query, buf)?,
        (None, None) => None,
    };
    Ok(id.filter(|id| !id.is_empty() && !id.iter().any(|byte| matches!(byte, b'\0' | b'\r' | b'\n'))))
}

/// Returns the first `lastEventId` of the query, decoded into `buf`.
fn query_id<'b>(query: &[u8], buf: &'b mut [u8]) -> Result<Option<&'b [u8]>, BufferTooSmall> {
    for pair in query.split(|&byte| byte == b'&') {
        let (name, value) = split(pair, b'=');
        if name != LAST_EVENT_ID_QUERY.as_bytes() {
            continue;
        }
        let capacity = buf.len();
        let mut needed = 0;
        let mut rest = value.unwrap_or_default();
        while let [byte, after @ ..] = rest {
            rest = after;
            let mut byte = *byte;
            if let (b'%', [high, low, after @ ..]) = (byte, after) {
                if let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16)) {
                    byte = (high << 4 | low) as u8;
                    rest = after;
                }
            } else if byte == b'+' {
                byte = b' ';
            }
            if let Some(place) = buf.get_mut(needed) {
                *place = byte;
            }
            needed += 1;
        }
        return buf.get(..needed).map(Some).ok_or(BufferTooSmall { needed, capacity });
    }
    Ok(None)
}
