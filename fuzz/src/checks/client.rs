//! A client against a server that sends anything.

use ssewire::Parser;
use ssewire::client::{Action, Client, Head, Policy, ReadyState, Verdict};
use ssewire::http::{self, Body};

/// The client does not panic, connects no more often than its policy allows, moves on from every state, and sends no ID that
/// is more than a value of a field.
///
/// | bytes | |
/// |---|---|
/// | 1 | the policy: the lowest bit chooses `ROBUST` or `BROWSER`, the others change fields |
/// | all others | inputs, with a byte FE between each two: a kind in the lowest three bits of the first byte, and its bytes |
pub fn client(data: &[u8]) {
    let Some((&bits, inputs)) = data.split_first() else { return };
    let mut policy = if bits & 1 == 0 { Policy::ROBUST } else { Policy::BROWSER };
    policy.accepts_untyped = bits & 2 > 0;
    policy.takes_unfinished = bits & 4 > 0;
    policy.retries_first = bits & 8 == 0;
    policy.only_events_are_life = bits & 16 > 0;
    if bits & 32 > 0 {
        policy.attempts = 3;
    }
    let mut client = Client::with_excerpt(Parser::<[u8; 40]>::new(), policy, bits.into(), [0; 16]);
    let mut now = 0;
    let mut body = Body::until_end();
    let mut last_connect = None;
    for input in inputs.split(|&byte| byte == 0xfe) {
        let (kind, bytes) = input.split_first().map_or((0, input), |(kind, bytes)| (kind & 7, bytes));
        match kind {
            0 => {
                if let Some((head, mut rest)) = Head::parse(bytes) {
                    assert!(rest.len() < bytes.len());
                    body = head.body();
                    let was_open = client.ready_state() == ReadyState::Open;
                    let is_open = client.on_head(now, &head) == Verdict::Open;
                    assert!(!(was_open && is_open), "a second head");
                    assert_eq!(was_open || is_open, client.ready_state() == ReadyState::Open);
                    read(&mut client, now, &mut body, &mut rest);
                }
            }
            1 => read(&mut client, now, &mut body, &mut { bytes }),
            2 => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let progress = client.feed(now, rest);
                    let (used, after) = rest.split_at(progress.consumed);
                    if let Ok(Some(found)) = progress.result {
                        let event = client.event(found, used);
                        assert!(event.data().len() <= used.len() + 40);
                        assert_eq!(client.failures(), 0);
                    }
                    assert!(progress.consumed > 0 || progress.result.is_err());
                    rest = after;
                }
            }
            3 => {
                let is_unfinished = client.take_unfinished(now).is_ok_and(|event| event.is_some());
                assert!(!is_unfinished || policy.takes_unfinished);
                client.on_end(now);
            }
            4 => client.on_error(now),
            5 => now += bytes.iter().map(|&byte| u64::from(byte) * 100).sum::<u64>(),
            6 if bytes == b"restart" => client.restart(now),
            6 => {
                // A transport that waits as long as it is told, and no longer than a minute.
                if let Action::Wait { until } | Action::Head { until } | Action::Read { until } = client.poll(now) {
                    now = until.min(now + 60_000);
                }
            }
            _ => client.close(),
        }
        let mut connects = 0;
        for _ in 0..4 {
            if let Action::Connect { until, is_redirect } = client.poll(now) {
                connects += 1;
                assert!(until >= now || is_redirect);
                if let (Some(last), false) = (last_connect, is_redirect) {
                    assert!(now >= last + u64::from(policy.min_wait_ms), "connected at {last} and at {now}");
                }
                if !is_redirect {
                    last_connect = Some(now);
                }
            }
            if let Action::Wait { until } = client.poll(now) {
                assert!(until > now);
            }
        }
        assert!(connects <= 1, "one input, {connects} connections");
        if let Some(id) = client.last_event_id() {
            assert!(!id.chars().any(|char| matches!(char, '\0' | '\r' | '\n')));
        }
        client.unsendable_id();
        assert_eq!(client.unsendable_id(), None);
        if let Some(excerpt) = client.excerpt() {
            assert!(excerpt.bytes.len() <= 16 && !excerpt.to_string().chars().any(char::is_control));
        }
        assert!(!format!("{client:?}{}", client.cause()).is_empty());

        let mut buf = [0; 8];
        if let Ok(Some(id)) = http::resume_id(None, Some(bytes), &mut buf) {
            assert!(!id.is_empty() && id.len() <= 8);
        }
        _ = http::date(bytes);
        _ = http::is_event_stream(bytes);
    }
}

fn read<const N: usize, const E: usize>(client: &mut Client<[u8; N], E>, now: u64, body: &mut Body, input: &mut &[u8]) {
    while let Ok(Some(mut piece)) = body.next(input) {
        assert!(!piece.is_empty());
        while let Some(event) = client.next(now, &mut piece).transpose() {
            if event.is_ok() {
                assert_eq!(client.failures(), 0);
            }
        }
        assert!(piece.is_empty());
    }
}
