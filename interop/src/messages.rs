//! The thousand events that go over the wire, and what a reader must see of them.

use serde::{Deserialize, Serialize};

/// One event as a server's application hands it to its writer. A comment goes before it, as a block of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u64>,
    /// Always there in [`thousand`]; without it there is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// One event as a reader delivers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Seen {
    pub event: String,
    /// The last event ID in force.
    pub id: String,
    pub data: String,
    /// Set by this very event; not every reader tells.
    #[serde(default)]
    pub retry: Option<u64>,
}

const TYPES: [Option<&str>; 9] = [
    None,
    Some("message"),
    Some("温度"),
    Some("response.output_text.delta"),
    Some("a: b"),
    Some(" a space before"),
    // Events that an `EventSource` has of its own.
    Some("error"),
    Some("open"),
    Some(""),
];

/// A thousand events, always the same: what is commonly sent, and what is easily got wrong.
///
/// What stands behind a lone CR is no field and not empty, so that it can be said what a server that leaves it in does.
#[must_use]
pub fn thousand() -> Vec<Message> {
    (0..1000)
        .map(|i| Message {
            comment: (i % 10 == 3).then(|| ["keep-alive", "", " 温度: 21.5"][i / 10 % 3].into()),
            event: TYPES[i % TYPES.len()].map(Into::into),
            id: match i % 7 {
                0 | 1 => None,
                2 if i % 3 == 0 => Some(String::new()),
                3 => Some(format!(" : {i} 番")),
                _ => Some(format!("{i}")),
            },
            retry: (i % 50 == 7).then_some([0, 5, 999, 1000 + i as u64][i / 50 % 4]),
            data: Some(data(i)),
        })
        .collect()
}

fn data(i: usize) -> String {
    match i % 21 {
        0 => format!("{{\"n\":{i},\"choices\":[{{\"delta\":{{\"content\":\" word\"}}}}]}}"),
        1 => format!("line {i}\nline two\n\nline four"),
        2 => "こんにちは、世界。服务器发送事件 🚀 ".repeat(1 + i % 40),
        3 => format!("  two spaces before {i}\n one\nnone\n   three"),
        4 => "data: not a field\nid: nor this\n: nor a comment\nevent: x\nretry: 1".into(),
        5 => "x".repeat(i * 7),
        6 => "\n".repeat(1 + i % 5),
        7 => String::new(),
        8 => format!("CRLF {i}\r\ntwice\r\n\r\nbehind"),
        9 => format!("CR {i}\rbehind"),
        10 => "\r\n\rall kinds\n".into(),
        11 => format!("\0NUL {i}\0"),
        12 => format!("\u{feff}byte order marks {i}\u{feff}\n\u{feff}"),
        13 => format!("ends with {i}{}", ["\n", "\r\n", "\r", "\n\n"][i / 21 % 4]),
        14 => format!("no line ends {i}: \t \u{b} \u{c} \u{1c} \u{1e} \u{85} \u{2028} \u{2029} ."),
        15 => format!(": {i}\n:\n::"),
        16 => " ".into(),
        17 => "🚀".into(),
        18 => "e\u{301} שלום 👩‍👩‍👧‍👦".into(),
        19 => format!("\u{1}\u{7f}{i}\u{fffd}\u{fffe}\u{ffff}\u{10ffff}"),
        _ => "\u{feff}".into(),
    }
}

/// `text` as a reader sees it that was written line by line: each line end is an LF.
#[must_use]
pub fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What the standard dispatches for `messages`.
#[must_use]
pub fn dispatched(messages: &[Message]) -> Vec<Seen> {
    let mut id = "";
    let mut seen = Vec::new();
    for message in messages {
        id = message.id.as_deref().unwrap_or(id);
        if let Some(data) = &message.data {
            let event = message.event.as_deref().filter(|event| !event.is_empty()).unwrap_or("message");
            seen.push(Seen { event: event.into(), id: id.into(), data: lines(data), retry: message.retry });
        }
    }
    seen
}

/// The comments of `messages`.
#[must_use]
pub fn comments(messages: &[Message]) -> Vec<String> {
    messages.iter().filter_map(|message| message.comment.clone()).collect()
}

/// What was read is not what was expected.
#[derive(Debug)]
pub struct Difference(String);

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Difference {}

/// Compares what was read with what is expected, one by one.
///
/// # Errors
///
/// At the first that is missing, different or too much.
pub fn compare<T: PartialEq + std::fmt::Debug>(seen: &[T], expected: &[T]) -> Result<(), Difference> {
    for i in 0..seen.len().max(expected.len()) {
        let (seen, expected) = (seen.get(i), expected.get(i));
        if seen != expected {
            return Err(Difference(format!("number {i} is {seen:?}, expected is {expected:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_noticed() {
        let expected = dispatched(&thousand());
        assert_eq!(expected.len(), 1000);
        assert!(compare(&expected, &expected).is_ok());
        assert!(compare(&expected[..999], &expected).is_err());
        assert!(compare(&expected, &expected[..999]).is_err());
        for i in [0, 500, 999] {
            let mut seen = expected.clone();
            seen[i].data.push(' ');
            assert!(compare(&seen, &expected).is_err());
            seen.remove(i);
            assert!(compare(&seen, &expected).is_err());
        }
    }

    #[test]
    fn an_id_stays_and_no_data_is_no_event() {
        let with = |id: Option<&str>, data: Option<&str>| Message {
            id: id.map(Into::into),
            data: data.map(Into::into),
            ..Message::default()
        };
        let messages =
            [with(Some("1"), Some("a\r\n\rb")), with(Some("2"), None), with(None, Some("")), with(Some(""), Some(""))];
        let seen: Vec<_> = dispatched(&messages).into_iter().map(|seen| (seen.id, seen.data)).collect();
        assert_eq!(seen, [("1", "a\n\nb"), ("2", ""), ("", "")].map(|(id, data)| (id.into(), data.into())));
    }
}
