//! Wrong writers.

use ssewire::conformance::Write;

use super::{
    BOM, first_bytes, first_chars, is_beyond_bmp, is_invisible, is_noncharacter, is_other_line_end, normalized,
    split_at, without,
};

/// The steps of a writer, in their order.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Changes the block.
    block: fn(&mut Write),
    /// Returns whether the block can be written.
    check: fn(&Write) -> bool,
    /// Returns whether an event type can be written.
    is_event_type: fn(&str) -> bool,
    /// Returns whether an ID can be written.
    is_id: fn(&str) -> bool,
    /// Splits a comment into lines.
    comment_lines: fn(&str) -> Vec<&str>,
    /// Writes a line of a comment, given its number.
    comment: fn(usize, &str) -> String,
    /// Writes the event type.
    event: fn(&str) -> String,
    /// Writes the ID.
    id: fn(&str) -> String,
    /// Writes the number of `retry`.
    retry: fn(u64) -> String,
    /// Splits data into lines.
    data_lines: fn(&str) -> Vec<&str>,
    /// Changes the frame.
    frame: fn(&Write, String) -> String,
    /// Encodes it.
    encode: fn(String) -> Vec<u8>,
}

/// Splits at CR, LF and CRLF, as the standard does. The last line may be empty.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = vec![text];
    while let Some((at, end)) = lines.last().and_then(|rest| rest.match_indices(['\r', '\n']).next()) {
        let rest = lines.pop().unwrap();
        let end = if rest[at..].starts_with("\r\n") { "\r\n" } else { end };
        lines.extend([&rest[..at], &rest[at + end.len()..]]);
    }
    lines
}

/// Every step as it must be.
pub const RIGHT: Rules = Rules {
    block: |_| (),
    check: |_| true,
    is_event_type: |event| !event.contains(['\r', '\n']),
    is_id: |id| !id.contains(['\r', '\n', '\0']),
    comment_lines: lines,
    comment: |_, line| format!(": {line}\n"),
    event: |event| format!("event: {event}\n"),
    id: |id| format!("id: {id}\n"),
    retry: |time| time.to_string(),
    data_lines: lines,
    frame: |_, frame| frame,
    encode: String::into_bytes,
};

/// Writes as the rules say.
pub fn write(rules: &Rules, block: &Write) -> Result<Vec<u8>, &'static str> {
    let mut block = block.clone();
    (rules.block)(&mut block);
    if !(rules.check)(&block)
        || !block.event.as_deref().is_none_or(rules.is_event_type)
        || !block.id.as_deref().is_none_or(rules.is_id)
    {
        return Err("rejected");
    }
    let mut frame = String::new();
    for (i, line) in block.comment.iter().flat_map(|comment| (rules.comment_lines)(comment)).enumerate() {
        frame += &(rules.comment)(i, line);
    }
    if let Some(event) = &block.event {
        frame += &(rules.event)(event);
    }
    if let Some(id) = &block.id {
        frame += &(rules.id)(id);
    }
    if let Some(time) = block.retry {
        frame += &format!("retry: {}\n", (rules.retry)(time));
    }
    for line in block.data.iter().flat_map(|data| (rules.data_lines)(data)) {
        frame += &format!("data: {line}\n");
    }
    Ok((rules.encode)((rules.frame)(&block, frame + "\n")))
}

// ---- shared by several wrong ones ----

const KIB: usize = 1 << 10;

fn change(value: &mut Option<String>, change: impl Fn(&str) -> String) {
    *value = value.as_deref().map(change);
}

fn change_all(block: &mut Write, to: fn(&str) -> String) {
    for value in [&mut block.comment, &mut block.event, &mut block.id, &mut block.data] {
        change(value, to);
    }
}

fn drop_in_all(block: &mut Write, dropped: fn(char) -> bool) {
    for value in [&mut block.comment, &mut block.event, &mut block.id, &mut block.data] {
        change(value, |text| without(text, dropped));
    }
}

/// Drops a last line that is empty, unless it is the only one.
fn without_last_if_empty(mut lines: Vec<&str>) -> Vec<&str> {
    if let [_, .., ""] = lines[..] {
        lines.pop();
    }
    lines
}

fn is_one_line(text: &str) -> bool {
    !text.contains(['\r', '\n'])
}

/// Encodes each half of a surrogate pair, as Java's modified UTF-8 and CESU-8 do.
fn cesu_8(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => bytes.extend([0xed, (unit >> 6) as u8 & 0x3f | 0x80, unit as u8 & 0x3f | 0x80]),
        }
    }
    bytes
}

/// Wrong writers, with their names.
pub static WRONG: &[(&str, Rules)] = &[
    // Injection by an event type or ID
    ("checks nothing", Rules { is_event_type: |_| true, is_id: |_| true, ..RIGHT }),
    ("refuses LF but not CR in an event type", Rules { is_event_type: |event| !event.contains('\n'), ..RIGHT }),
    ("refuses LF but not CR in an ID", Rules { is_id: |id| !id.contains(['\n', '\0']), ..RIGHT }),
    ("refuses CR but not LF in an event type", Rules { is_event_type: |event| !event.contains('\r'), ..RIGHT }),
    ("refuses CR but not LF in an ID", Rules { is_id: |id| !id.contains(['\r', '\0']), ..RIGHT }),
    (
        "refuses CRLF but not CR in an event type",
        Rules { is_event_type: |event| !event.replace("\r\n", "\n").contains('\n'), ..RIGHT },
    ),
    ("does not check event types", Rules { is_event_type: |_| true, ..RIGHT }),
    ("does not check IDs", Rules { is_id: |_| true, ..RIGHT }),
    (
        "counts lines of an event type, and lets one end",
        Rules { is_event_type: |event| event.lines().count() < 2, ..RIGHT },
    ),
    (
        "counts lines of an ID, and lets one end",
        Rules { is_id: |id| !id.contains('\0') && id.lines().count() < 2, ..RIGHT },
    ),
    ("checks the inside of an event type alone", Rules { is_event_type: |event| is_one_line(event.trim()), ..RIGHT }),
    ("checks the inside of an ID alone", Rules { is_id: |id| is_one_line(id.trim()) && !id.contains('\0'), ..RIGHT }),
    ("checks the end of an ID alone", Rules { is_id: |id| !id.ends_with(['\r', '\n']) && !id.contains('\0'), ..RIGHT }),
    ("checks the end of an event type alone", Rules { is_event_type: |event| !event.ends_with(['\r', '\n']), ..RIGHT }),
    ("checks the start of an ID alone", Rules { is_id: |id| (RIGHT.is_id)(first_bytes(id, 1000)), ..RIGHT }),
    (
        "checks the start of an event type alone",
        Rules { is_event_type: |event| (RIGHT.is_event_type)(first_bytes(event, 1000)), ..RIGHT },
    ),
    (
        "checks up to the first character that is not ASCII",
        Rules {
            is_id: |id| (RIGHT.is_id)(id.split(|c: char| !c.is_ascii()).next().unwrap()),
            is_event_type: |event| (RIGHT.is_event_type)(event.split(|c: char| !c.is_ascii()).next().unwrap()),
            ..RIGHT
        },
    ),
    (
        "checks blocks with data alone",
        Rules {
            check: |block| block.data.is_none() || block.event.iter().chain(&block.id).all(|value| is_one_line(value)),
            is_event_type: |_| true,
            is_id: |id| !id.contains('\0'),
            ..RIGHT
        },
    ),
    (
        "checks the event type of blocks without an ID alone",
        Rules {
            check: |block| block.id.is_some() || block.event.as_deref().is_none_or(is_one_line),
            is_event_type: |_| true,
            ..RIGHT
        },
    ),
    (
        "checks the ID of blocks without an event type alone",
        Rules {
            check: |block| block.event.is_some() || block.id.as_deref().is_none_or(is_one_line),
            is_id: |id| !id.contains('\0'),
            ..RIGHT
        },
    ),
    ("writes NUL in an ID", Rules { is_id: is_one_line, ..RIGHT }),
    ("refuses an ID that is NUL, but not one with it", Rules { is_id: |id| is_one_line(id) && id != "\0", ..RIGHT }),
    (
        "refuses an ID that begins with NUL alone",
        Rules { is_id: |id| is_one_line(id) && !id.starts_with('\0'), ..RIGHT },
    ),
    ("refuses an ID that ends in NUL alone", Rules { is_id: |id| is_one_line(id) && !id.ends_with('\0'), ..RIGHT }),
    (
        "drops the characters that it must refuse",
        Rules {
            block: |block| {
                change(&mut block.event, |event| without(event, |c| matches!(c, '\r' | '\n')));
                change(&mut block.id, |id| without(id, |c| matches!(c, '\r' | '\n' | '\0')));
            },
            ..RIGHT
        },
    ),
    (
        "replaces line ends in event types with spaces",
        Rules { block: |block| change(&mut block.event, |event| event.replace(['\r', '\n'], " ")), ..RIGHT },
    ),
    (
        "leaves out an ID that it must refuse",
        Rules { block: |block| block.id = block.id.take().filter(|id| (RIGHT.is_id)(id)), ..RIGHT },
    ),
    // Refusing too much
    ("refuses data with CR", Rules { check: |block| !block.data.iter().any(|data| data.contains('\r')), ..RIGHT }),
    ("refuses data with NUL", Rules { check: |block| !block.data.iter().any(|data| data.contains('\0')), ..RIGHT }),
    ("refuses NUL in an event type", Rules { is_event_type: |event| (RIGHT.is_id)(event), ..RIGHT }),
    (
        "refuses a comment of several lines",
        Rules { check: |block| block.comment.as_deref().is_none_or(is_one_line), ..RIGHT },
    ),
    (
        "refuses control characters in an ID",
        Rules { is_id: |id| !id.contains(|c: char| c.is_ascii_control()), ..RIGHT },
    ),
    (
        "refuses control characters in an event type",
        Rules { is_event_type: |event| !event.contains(|c: char| c != '\0' && c.is_control()), ..RIGHT },
    ),
    (
        "refuses other line ends in an ID",
        Rules { is_id: |id| (RIGHT.is_id)(id) && !id.contains(is_other_line_end), ..RIGHT },
    ),
    (
        "refuses other line ends in an event type",
        Rules { is_event_type: |event| is_one_line(event) && !event.contains(is_other_line_end), ..RIGHT },
    ),
    (
        "refuses characters whose low byte is CR or LF",
        Rules { is_event_type: |event| !event.chars().any(|c| matches!(c as u8, b'\r' | b'\n')), ..RIGHT },
    ),
    (
        "refuses characters whose low byte is NUL in an ID",
        Rules { is_id: |id| (RIGHT.is_id)(id) && !id.chars().any(|c| c as u8 == 0), ..RIGHT },
    ),
    ("refuses IDs that are not ASCII", Rules { is_id: |id| (RIGHT.is_id)(id) && id.is_ascii(), ..RIGHT }),
    (
        "refuses event types that are not names",
        Rules { is_event_type: |event| is_one_line(event) && !event.contains(':'), ..RIGHT },
    ),
    ("refuses an empty ID", Rules { is_id: |id| (RIGHT.is_id)(id) && !id.is_empty(), ..RIGHT }),
    ("refuses long IDs", Rules { is_id: |id| (RIGHT.is_id)(id) && id.len() <= 64 * KIB, ..RIGHT }),
    ("refuses a block without data", Rules { check: |block| block.data.is_some(), ..RIGHT }),
    // IDs and event types
    (
        "leaves out an empty ID",
        Rules { block: |block| block.id = block.id.take().filter(|id| !id.is_empty()), ..RIGHT },
    ),
    (
        "leaves out an empty ID of a block with data",
        Rules {
            block: |block| block.id = block.id.take().filter(|id| !id.is_empty() || block.data.is_none()),
            ..RIGHT
        },
    ),
    (
        "leaves out an empty ID of a block without data",
        Rules {
            block: |block| block.id = block.id.take().filter(|id| !id.is_empty() || block.data.is_some()),
            ..RIGHT
        },
    ),
    (
        "writes an empty ID when there is none",
        Rules { block: |block| block.id = block.id.take().or(Some(String::new())), ..RIGHT },
    ),
    (
        "writes an empty ID as `id` with a NUL",
        Rules { id: |id| format!("id: {}\n", if id.is_empty() { "\0" } else { id }), ..RIGHT },
    ),
    ("leaves out the ID 0", Rules { block: |block| block.id = block.id.take().filter(|id| id != "0"), ..RIGHT }),
    (
        "leaves out the event type 0",
        Rules { block: |block| block.event = block.event.take().filter(|event| event != "0"), ..RIGHT },
    ),
    (
        "leaves out the data 0",
        Rules { block: |block| change(&mut block.data, |data| if data == "0" { "" } else { data }.into()), ..RIGHT },
    ),
    (
        "loses the ID of a block without data",
        Rules { block: |block| block.id = block.id.take().filter(|_| block.data.is_some()), ..RIGHT },
    ),
    (
        "takes IDs for numbers",
        Rules {
            block: |block| change(&mut block.id, |id| id.parse().map_or(id.into(), |id: u64| id.to_string())),
            ..RIGHT
        },
    ),
    ("trims IDs", Rules { block: |block| change(&mut block.id, |id| id.trim().into()), ..RIGHT }),
    ("trims event types", Rules { block: |block| change(&mut block.event, |event| event.trim().into()), ..RIGHT }),
    (
        "trims the end of event types",
        Rules { block: |block| change(&mut block.event, |event| event.trim_end().into()), ..RIGHT },
    ),
    ("trims the end of IDs", Rules { block: |block| change(&mut block.id, |id| id.trim_end().into()), ..RIGHT }),
    ("lower-cases IDs", Rules { block: |block| change(&mut block.id, str::to_lowercase), ..RIGHT }),
    ("lower-cases event types", Rules { block: |block| change(&mut block.event, str::to_lowercase), ..RIGHT }),
    (
        "escapes IDs",
        Rules { block: |block| change(&mut block.id, |id| id.replace('%', "%25").replace(' ', "%20")), ..RIGHT },
    ),
    ("has no space after the colon", Rules { frame: |_, frame| frame.replace(": ", ":"), ..RIGHT }),
    ("has no space after `id:`", Rules { id: |id| format!("id:{id}\n"), ..RIGHT }),
    ("has no space after `event:`", Rules { event: |event| format!("event:{event}\n"), ..RIGHT }),
    ("has two spaces after `id:`", Rules { id: |id| format!("id:  {id}\n"), ..RIGHT }),
    ("has a space before the colon", Rules { event: |event| format!("event : {event}\n"), ..RIGHT }),
    ("writes names in capitals", Rules { id: |id| format!("Id: {id}\n"), ..RIGHT }),
    ("quotes IDs", Rules { id: |id| format!("id: \"{id}\"\n"), ..RIGHT }),
    ("writes `message` for every type", Rules { event: |_| "event: message\n".into(), ..RIGHT }),
    // Reconnection times
    ("loses `retry`", Rules { block: |block| block.retry = None, ..RIGHT }),
    ("loses a `retry` of zero", Rules { block: |block| block.retry = block.retry.filter(|&time| time != 0), ..RIGHT }),
    (
        "loses the `retry` of a block without data",
        Rules { block: |block| block.retry = block.retry.filter(|_| block.data.is_some()), ..RIGHT },
    ),
    ("writes `retry` when there is none", Rules { block: |block| block.retry = block.retry.or(Some(3000)), ..RIGHT }),
    ("writes `retry` through i32", Rules { retry: |time| (time as i32).to_string(), ..RIGHT }),
    ("writes `retry` through u32", Rules { retry: |time| (time as u32).to_string(), ..RIGHT }),
    ("writes `retry` through i64", Rules { retry: |time| (time as i64).to_string(), ..RIGHT }),
    ("writes `retry` through f64", Rules { retry: |time| (time as f64).to_string(), ..RIGHT }),
    ("writes `retry` through f32", Rules { retry: |time| (time as f32).to_string(), ..RIGHT }),
    ("writes `retry` through u16", Rules { retry: |time| (time as u16).to_string(), ..RIGHT }),
    ("caps `retry` at i32::MAX", Rules { retry: |time| time.min(i32::MAX as u64).to_string(), ..RIGHT }),
    ("caps `retry` at u32::MAX", Rules { retry: |time| time.min(u32::MAX.into()).to_string(), ..RIGHT }),
    ("caps `retry` at i64::MAX", Rules { retry: |time| time.min(i64::MAX as u64).to_string(), ..RIGHT }),
    ("caps `retry` at a day", Rules { retry: |time| time.min(86_400_000).to_string(), ..RIGHT }),
    ("writes at least a second for `retry`", Rules { retry: |time| time.max(1000).to_string(), ..RIGHT }),
    ("writes `retry` as a float", Rules { retry: |time| format!("{:?}", time as f64), ..RIGHT }),
    ("writes `retry` with an exponent", Rules { retry: |time| format!("{time:e}"), ..RIGHT }),
    ("writes `retry` with a sign", Rules { retry: |time| format!("{time:+}"), ..RIGHT }),
    ("writes `retry` in hexadecimal", Rules { retry: |time| format!("{time:x}"), ..RIGHT }),
    ("writes `retry` in seconds", Rules { retry: |time| (time / 1000).to_string(), ..RIGHT }),
    (
        "writes `retry` in digits of eight at most",
        Rules { retry: |time| first_bytes(&time.to_string(), 8).into(), ..RIGHT },
    ),
    // Byte order marks, and other characters around a frame
    ("begins each frame with a BOM", Rules { frame: |_, frame| format!("{BOM}{frame}"), ..RIGHT }),
    ("ends each frame with a BOM", Rules { frame: |_, frame| format!("{frame}{BOM}"), ..RIGHT }),
    (
        "begins frames without an event with a BOM",
        Rules { frame: |block, frame| if block.data.is_none() { format!("{BOM}{frame}") } else { frame }, ..RIGHT },
    ),
    (
        "begins frames with a comment with a BOM",
        Rules { frame: |block, frame| if block.comment.is_some() { format!("{BOM}{frame}") } else { frame }, ..RIGHT },
    ),
    (
        "begins data with a BOM",
        Rules { block: |block| change(&mut block.data, |data| format!("{BOM}{data}")), ..RIGHT },
    ),
    ("begins each frame with a space", Rules { frame: |_, frame| format!(" {frame}"), ..RIGHT }),
    ("ends each frame with NUL", Rules { frame: |_, frame| frame + "\0", ..RIGHT }),
    ("has no blank line", Rules { frame: |_, frame| frame.strip_suffix('\n').unwrap().into(), ..RIGHT }),
    (
        "has no blank line after a block without data",
        Rules {
            frame: |block, frame| if block.data.is_none() { frame.strip_suffix('\n').unwrap().into() } else { frame },
            ..RIGHT
        },
    ),
    (
        "has no line end after a comment alone",
        Rules {
            frame: |block, frame| {
                if block.comment.is_some() && block.data.is_none() { frame.trim_end().into() } else { frame }
            },
            ..RIGHT
        },
    ),
    ("has a blank line before data", Rules { frame: |_, frame| frame.replacen("data: ", "\ndata: ", 1), ..RIGHT }),
    // Text
    ("drops NUL of data", Rules { block: |block| change(&mut block.data, |data| data.replace('\0', "")), ..RIGHT }),
    (
        "drops NUL of event types",
        Rules { block: |block| change(&mut block.event, |event| event.replace('\0', "")), ..RIGHT },
    ),
    (
        "drops NUL of comments",
        Rules { block: |block| change(&mut block.comment, |comment| comment.replace('\0', "")), ..RIGHT },
    ),
    (
        "ends data at NUL",
        Rules { block: |block| change(&mut block.data, |data| data.split('\0').next().unwrap().into()), ..RIGHT },
    ),
    ("drops characters beyond the BMP", Rules { block: |block| drop_in_all(block, is_beyond_bmp), ..RIGHT }),
    (
        "drops characters beyond the BMP of data",
        Rules { block: |block| change(&mut block.data, |data| without(data, is_beyond_bmp)), ..RIGHT },
    ),
    (
        "drops characters beyond the BMP of comments",
        Rules { block: |block| change(&mut block.comment, |comment| without(comment, is_beyond_bmp)), ..RIGHT },
    ),
    ("drops U+FFFD", Rules { block: |block| drop_in_all(block, |c| c == '\u{fffd}'), ..RIGHT }),
    (
        "drops U+FFFD of data",
        Rules { block: |block| change(&mut block.data, |data| data.replace('\u{fffd}', "")), ..RIGHT },
    ),
    ("drops U+FFFD of IDs", Rules { block: |block| change(&mut block.id, |id| id.replace('\u{fffd}', "")), ..RIGHT }),
    ("drops BOMs of data", Rules { block: |block| change(&mut block.data, |data| data.replace(BOM, "")), ..RIGHT }),
    ("drops noncharacters", Rules { block: |block| drop_in_all(block, is_noncharacter), ..RIGHT }),
    ("drops characters that do not show", Rules { block: |block| drop_in_all(block, is_invisible), ..RIGHT }),
    (
        "drops control characters",
        Rules {
            block: |block| drop_in_all(block, |c| c.is_ascii_control() && !matches!(c, '\0' | '\t' | '\r' | '\n')),
            ..RIGHT
        },
    ),
    (
        "drops C1 control characters",
        Rules { block: |block| drop_in_all(block, |c| c.is_control() && !c.is_ascii()), ..RIGHT },
    ),
    ("writes tabs as spaces", Rules { block: |block| change_all(block, |text| text.replace('\t', " ")), ..RIGHT }),
    (
        "writes no-break spaces as spaces",
        Rules { block: |block| change_all(block, |text| text.replace('\u{a0}', " ")), ..RIGHT },
    ),
    ("normalizes", Rules { block: |block| change_all(block, normalized), ..RIGHT }),
    (
        "escapes for HTML",
        Rules { block: |block| change_all(block, |text| text.replace('&', "&amp;").replace('<', "&lt;")), ..RIGHT },
    ),
    ("escapes backslashes", Rules { block: |block| change_all(block, |text| text.replace('\\', "\\\\")), ..RIGHT }),
    ("unescapes", Rules { block: |block| change_all(block, |text| text.replace("\\n", "\n")), ..RIGHT }),
    (
        "encodes in Latin-1",
        Rules { encode: |frame| frame.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(), ..RIGHT },
    ),
    (
        "encodes in ASCII",
        Rules { encode: |frame| frame.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect(), ..RIGHT },
    ),
    ("encodes surrogates", Rules { encode: |frame| cesu_8(&frame), ..RIGHT }),
    (
        "encodes NUL in two bytes",
        Rules {
            encode: |frame| frame.bytes().flat_map(|b| if b == 0 { vec![0xc0, 0x80] } else { vec![b] }).collect(),
            ..RIGHT
        },
    ),
    ("cuts characters to a byte", Rules { encode: |frame| frame.chars().map(|c| c as u8).collect(), ..RIGHT }),
    // Lengths
    (
        "cuts data at 1000 characters",
        Rules { block: |block| change(&mut block.data, |data| first_chars(data, 1000)), ..RIGHT },
    ),
    (
        "cuts data at 4 KiB",
        Rules { block: |block| change(&mut block.data, |data| first_bytes(data, 4 * KIB).into()), ..RIGHT },
    ),
    (
        "cuts data at 64 KiB",
        Rules { block: |block| change(&mut block.data, |data| first_bytes(data, 64 * KIB).into()), ..RIGHT },
    ),
    (
        "cuts data at 1 MiB",
        Rules { block: |block| change(&mut block.data, |data| first_bytes(data, KIB * KIB).into()), ..RIGHT },
    ),
    (
        "cuts event types at 64 characters",
        Rules { block: |block| change(&mut block.event, |event| first_chars(event, 64)), ..RIGHT },
    ),
    (
        "cuts IDs at 255 bytes",
        Rules { block: |block| change(&mut block.id, |id| first_bytes(id, 255).into()), ..RIGHT },
    ),
    (
        "cuts IDs at 64 KiB",
        Rules { block: |block| change(&mut block.id, |id| first_bytes(id, 64 * KIB).into()), ..RIGHT },
    ),
    (
        "cuts comments at 64 KiB",
        Rules { block: |block| change(&mut block.comment, |comment| first_bytes(comment, 64 * KIB).into()), ..RIGHT },
    ),
    (
        "cuts frames at 64 KiB",
        Rules { frame: |_, frame| format!("{}\n\n", first_bytes(frame.trim_end_matches('\n'), 64 * KIB)), ..RIGHT },
    ),
    (
        "wraps long lines of data",
        Rules {
            data_lines: |data| {
                let mut wrapped = Vec::new();
                for mut line in lines(data) {
                    while line.len() > 8 * KIB {
                        let (start, rest) = split_at(line, 8 * KIB);
                        wrapped.push(start);
                        line = rest;
                    }
                    wrapped.push(line);
                }
                wrapped
            },
            ..RIGHT
        },
    ),
    (
        "writes at most 1000 lines of data",
        Rules { data_lines: |data| lines(data).into_iter().take(1000).collect(), ..RIGHT },
    ),
    (
        "writes at most 65536 lines of data",
        Rules { data_lines: |data| lines(data).into_iter().take(65_536).collect(), ..RIGHT },
    ),
    // Lines of data
    ("writes data as it is", Rules { data_lines: |data| vec![data], ..RIGHT }),
    ("splits data at LF alone", Rules { data_lines: |data| data.split('\n').collect(), ..RIGHT }),
    (
        "splits data at LF and CRLF",
        Rules {
            data_lines: |data| data.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect(),
            ..RIGHT
        },
    ),
    ("splits data at CR alone", Rules { data_lines: |data| data.split('\r').collect(), ..RIGHT }),
    ("takes CRLF for two line ends", Rules { data_lines: |data| data.split(['\r', '\n']).collect(), ..RIGHT }),
    (
        "takes LF CR for one line end",
        Rules { block: |block| change(&mut block.data, |data| data.replace("\n\r", "\n")), ..RIGHT },
    ),
    ("splits data as `str::lines` does", Rules { data_lines: |data| data.lines().collect(), ..RIGHT }),
    (
        "splits data at other line ends",
        Rules { block: |block| change(&mut block.data, |data| data.replace(is_other_line_end, "\n")), ..RIGHT },
    ),
    (
        "splits data at U+2028",
        Rules { block: |block| change(&mut block.data, |data| data.replace('\u{2028}', "\n")), ..RIGHT },
    ),
    (
        "splits data at VT",
        Rules { block: |block| change(&mut block.data, |data| data.replace('\u{b}', "\n")), ..RIGHT },
    ),
    (
        "splits data at a form feed",
        Rules { block: |block| change(&mut block.data, |data| data.replace('\u{c}', "\n")), ..RIGHT },
    ),
    (
        "replaces CR with a space",
        Rules { block: |block| change(&mut block.data, |data| data.replace("\r\n", "\n").replace('\r', " ")), ..RIGHT },
    ),
    ("drops CR", Rules { block: |block| change(&mut block.data, |data| data.replace('\r', "")), ..RIGHT }),
    ("drops a line end at the end of data", Rules { data_lines: |data| without_last_if_empty(lines(data)), ..RIGHT }),
    (
        "drops empty lines of data",
        Rules { data_lines: |data| lines(data).into_iter().filter(|line| !line.is_empty()).collect(), ..RIGHT },
    ),
    (
        "drops a line end at the start of data",
        Rules {
            block: |block| {
                change(&mut block.data, |data| {
                    data.strip_prefix("\r\n").unwrap_or(data.strip_prefix(['\r', '\n']).unwrap_or(data)).into()
                })
            },
            ..RIGHT
        },
    ),
    (
        "drops empty data",
        Rules { block: |block| block.data = block.data.take().filter(|data| !data.is_empty()), ..RIGHT },
    ),
    (
        "writes empty data when there is none",
        Rules { block: |block| block.data = block.data.take().or(Some(String::new())), ..RIGHT },
    ),
    ("trims data", Rules { block: |block| change(&mut block.data, |data| data.trim().into()), ..RIGHT }),
    ("trims the end of data", Rules { block: |block| change(&mut block.data, |data| data.trim_end().into()), ..RIGHT }),
    (
        "trims spaces at the start of data",
        Rules { block: |block| change(&mut block.data, |data| data.trim_start_matches(' ').into()), ..RIGHT },
    ),
    (
        "trims spaces at the end of lines",
        Rules { data_lines: |data| lines(data).into_iter().map(|line| line.trim_end_matches(' ')).collect(), ..RIGHT },
    ),
    ("writes data that is a colon's as it is", Rules { frame: |_, frame| frame.replace("data: :", ":"), ..RIGHT }),
    (
        "leaves out data that is `[DONE]`",
        Rules { block: |block| block.data = block.data.take().filter(|data| data != "[DONE]"), ..RIGHT },
    ),
    (
        "writes null for nothing",
        Rules {
            block: |block| change(&mut block.data, |data| if data.is_empty() { "null" } else { data }.into()),
            ..RIGHT
        },
    ),
    (
        "leaves out data that is `null`",
        Rules { block: |block| block.data = block.data.take().filter(|data| data != "null"), ..RIGHT },
    ),
    // Comments
    ("writes a comment as it is", Rules { comment_lines: |comment| vec![comment], ..RIGHT }),
    ("splits a comment at LF alone", Rules { comment_lines: |comment| comment.split('\n').collect(), ..RIGHT }),
    ("splits a comment at CR alone", Rules { comment_lines: |comment| comment.split('\r').collect(), ..RIGHT }),
    ("splits a comment at CRLF alone", Rules { comment_lines: |comment| comment.split("\r\n").collect(), ..RIGHT }),
    ("splits a comment at LF and CRLF", Rules { comment_lines: |comment| comment.lines().collect(), ..RIGHT }),
    ("splits a comment once", Rules { comment_lines: |comment| comment.splitn(2, ['\r', '\n']).collect(), ..RIGHT }),
    (
        "begins the first line of a comment alone with a colon",
        Rules { comment: |i, line| if i == 0 { format!(": {line}\n") } else { format!("{line}\n") }, ..RIGHT },
    ),
    (
        "writes empty lines of a comment without a colon",
        Rules {
            comment: |_, line| if line.is_empty() { "\n".into() } else { format!(": {line}\n") },
            frame: |_, frame| frame.strip_prefix('\n').unwrap_or(&frame).into(),
            ..RIGHT
        },
    ),
    ("loses comments", Rules { block: |block| block.comment = None, ..RIGHT }),
    (
        "loses empty comments",
        Rules { block: |block| block.comment = block.comment.take().filter(|comment| !comment.is_empty()), ..RIGHT },
    ),
    (
        "loses the comment of an event",
        Rules { block: |block| block.comment = block.comment.take().filter(|_| block.data.is_none()), ..RIGHT },
    ),
    (
        "loses the comment 0",
        Rules { block: |block| block.comment = block.comment.take().filter(|comment| comment != "0"), ..RIGHT },
    ),
    ("lower-cases comments", Rules { block: |block| change(&mut block.comment, str::to_lowercase), ..RIGHT }),
    ("writes comments as data", Rules { comment: |_, line| format!("data: {line}\n"), ..RIGHT }),
];
