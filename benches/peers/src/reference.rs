//! A plain reading of the event stream rules, for checking only. It follows
//! the steps of the HTML standard one by one and never takes part in timing.

use crate::sinks::Sink;

pub fn read<S: Sink>(stream: &[u8], sink: &mut S) {
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut kind, mut data, mut id) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
        let line = &rest[..end];
        let line_end = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + line_end..];

        if line.is_empty() {
            if data.pop().is_some() && sink.event(&kind, &data, &id).is_break() {
                return;
            }
            kind.clear();
            data.clear();
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => kind = value.to_vec(),
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            b"id" if !value.contains(&0) => id = value.to_vec(),
            _ => {}
        }
    }
}
