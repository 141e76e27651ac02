//! `EventSource` against a server that answers as people report of real ones. The names begin with the kind of report.

mod common;

use std::task::Poll;
use std::time::Duration;

use common::{Answer, LIMIT, Server, header, response, stop, stream};
use ssewire_client::{Cause, Error, EventSource, Policy, ReadyState, Reason, Step};

/// Short times, for tests.
fn policy() -> Policy {
    let mut policy = Policy::ROBUST;
    (policy.reconnection_time_ms, policy.min_wait_ms, policy.max_wait_ms) = (10, 10, 100);
    (policy.head_ms, policy.silence_ms, policy.attempts) = (300, 300, 4);
    policy
}

fn source(server: &Server) -> EventSource {
    EventSource::builder(&server.url).policy(policy()).build().unwrap()
}

/// The data of all events, and the error that it ended with.
async fn run(source: &mut EventSource) -> (Vec<String>, Vec<Error>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    let end = async {
        while let Some(event) = source.next().await {
            match event {
                Ok(event) => events.push(String::from_utf8_lossy(event.data()).into_owned()),
                Err(error) => errors.push(error),
            }
        }
    };
    tokio::time::timeout(LIMIT, end).await.expect("it hangs");
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert!(source.next().await.is_none(), "something after the end");
    (events, errors)
}

fn closed(errors: &[Error]) -> (Reason, String) {
    match errors {
        [.., error @ Error::Closed(closed)] => (closed.reason, error.to_string()),
        _ => panic!("{errors:?}"),
    }
}

#[tokio::test]
async fn reconnects_with_the_last_event_id() {
    let server = Server::new(vec![
        Answer::Send(stream("id: 1\u{fc}\ndata: a\n\nid: 2\ndata: cut")),
        Answer::Reset(stream("data: b\n\ndata: cut")),
        Answer::Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: c\n\n\r\nx\r\n".to_vec()),
        Answer::Send(stream("id\ndata: d\n\n")),
        stop(),
    ]);
    let mut source = source(&server);
    let (events, errors) = run(&mut source).await;
    assert_eq!((events, errors.len()), (["a", "b", "c", "d"].map(String::from).to_vec(), 0));
    let ids: Vec<_> =
        server.requests().iter().map(|request| header(request, "last-event-id").map(String::from)).collect();
    assert_eq!(ids, [None, Some("1ü".into()), Some("1ü".into()), Some("1ü".into()), None]);
    for request in server.requests() {
        assert!(request.starts_with("GET /events HTTP/1.1\r\n"));
        assert_eq!(header(&request, "accept"), Some("text/event-stream"));
        assert_eq!(header(&request, "accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn kind_a_lines_that_are_no_field_explain_a_stream_without_events() {
    for (body, words) in [
        ("{\"error\":{\"message\":\"m\"}}\n", "no event in 1 line: {\"error\":{\"message\":\"m\"}}"),
        ("<html>\n<body>\n\n", "no event in 2 lines; the first is: <html>"),
        (" event: x \n data: y\n\n", "the first is:  event: x"),
    ] {
        let server = Server::new(vec![Answer::Send(stream(body))]);
        let (events, errors) = run(&mut source(&server)).await;
        let (reason, text) = closed(&errors);
        assert!(events.is_empty() && matches!(reason, Reason::GaveUp { attempts: 4, last: Cause::End }), "{text}");
        assert!(text.contains(words), "{text}");
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn kind_b_the_wait_is_bounded_both_ways() {
    let mut bounded = policy();
    (bounded.min_wait_ms, bounded.attempts) = (100, u32::MAX);
    for retry in ["0", "18446744073709551615"] {
        let server = Server::new(vec![Answer::Send(stream(&format!("retry: {retry}\ndata: x\n\n")))]);
        let mut source = EventSource::builder(&server.url).policy(bounded).build().unwrap();
        for _ in 0..6 {
            let event = tokio::time::timeout(LIMIT, source.next()).await.expect("it waits for ever");
            assert_eq!(event.unwrap().unwrap().data(), b"x");
        }
        assert!(server.most_requests_in(Duration::from_millis(250)) <= 4);
    }
}

#[tokio::test]
async fn kind_c_a_response_without_events_is_a_failed_attempt() {
    for (answer, attempts) in [
        (stream(""), 4),
        (stream(": nothing\n\nretry: 1\n\n"), 4),
        (response("202 Accepted", b""), 1),
        (response("200 OK\r\nContent-Type: application/json", b"{}"), 1),
        (response("200 OK\r\nContent-Type: text/html", b"<html>"), 1),
    ] {
        let server = Server::new(vec![Answer::Send(stream("id: 1\ndata: x\n\n")), Answer::Send(answer)]);
        let (events, errors) = run(&mut source(&server)).await;
        closed(&errors);
        assert_eq!((events.len(), server.requests().len()), (1, 1 + attempts));
    }
}

#[tokio::test]
async fn kind_e_a_content_coding_is_named() {
    for coding in ["gzip", "br", "identity, GZIP"] {
        let head = format!("200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: {coding}");
        let server = Server::new(vec![Answer::Send(response(&head, b"\x1f\x8b\x08"))]);
        let (_, errors) = run(&mut source(&server)).await;
        let (reason, text) = closed(&errors);
        assert!(matches!(reason, Reason::Failed(Cause::ContentCoding(_))), "{reason:?}");
        assert!(text.contains(coding.rsplit(' ').next().unwrap()), "{text}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn kind_f_silence_is_noticed_and_comments_are_life() {
    for answer in
        [Answer::Hold(Vec::new()), Answer::Hold(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), Answer::Hold(stream(""))]
    {
        let server = Server::new(vec![answer]);
        let (_, errors) = run(&mut source(&server)).await;
        let (reason, _) = closed(&errors);
        assert!(matches!(
            reason,
            Reason::GaveUp { last: Cause::Silence { ms: 300 } | Cause::HeadTimeout { ms: 300 }, .. }
        ));
    }
    let server = Server::new(vec![Answer::Hold(stream("id: 7\ndata: x\n\n")), stop()]);
    let (events, errors) = run(&mut source(&server)).await;
    assert_eq!((events.len(), errors.len()), (1, 0));
    assert_eq!(header(&server.requests()[1], "last-event-id"), Some("7"));

    let mut pieces = vec![stream("")];
    pieces.extend(vec![b":\n".to_vec(); 10]);
    pieces.push(b"data: late\n\n".to_vec());
    let server = Server::new(vec![Answer::Drip(pieces, Duration::from_millis(80)), stop()]);
    assert_eq!(run(&mut source(&server)).await.0, ["late"]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn kind_f_a_slow_program_is_no_silence() {
    let events = ["data: 0\n\n", "data: 1\n\n", "data: 2\n\n", "data: 3\n\n"];
    let mut pieces = vec![stream("")];
    pieces.extend(events.map(|event| event.as_bytes().to_vec()));
    let server = Server::new(vec![Answer::Drip(pieces, Duration::from_millis(80)), stop()]);
    let mut source = source(&server);
    for n in 0..events.len() {
        assert_eq!(source.next().await.unwrap().unwrap().data(), n.to_string().as_bytes());
        // Longer than the server may be silent.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(server.requests().len(), 1);
    }
    assert!(source.next().await.is_none());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn kind_g_the_body_of_a_failed_response_is_returned() {
    let body = b"{\"error\":{\"message\":\"no such model\"}}";
    for status in ["400 Bad Request", "401 Unauthorized", "404 Not Found"] {
        let server =
            Server::new(vec![Answer::Send(response(&format!("{status}\r\nContent-Type: application/json"), body))]);
        let (_, errors) = run(&mut source(&server)).await;
        let (_, text) = closed(&errors);
        let failed = errors[0].response().unwrap();
        assert_eq!((failed.status.to_string(), &failed.body[..]), (status[..3].into(), &body[..]));
        assert_eq!(&failed.content_type[..], b"application/json");
        assert_eq!(text, format!("status {}: {}", &status[..3], body.escape_ascii()).replace('\\', ""));
        assert_eq!(errors[0].cause(), Some(Cause::Status(failed.status)));
    }
    // One that never ends is read in part.
    let server = Server::new(vec![Answer::Repeat(response("400 Bad Request", b""), vec![b'x'; 10_000])]);
    let (_, errors) = run(&mut source(&server)).await;
    assert_eq!(errors[0].response().unwrap().body.len(), 64 << 10);
    // One that stalls is given up after a second.
    let server = Server::new(vec![Answer::Hold(response("400 Bad Request", b"half"))]);
    let (_, errors) = run(&mut source(&server)).await;
    assert_eq!(&errors[0].response().unwrap().body[..], b"half");
}

#[tokio::test]
async fn kind_h_an_event_above_the_limit_is_reported_and_the_next_one_comes() {
    let body = format!("data: {}\n\ndata: y\n\n", "x".repeat(1000));
    let server = Server::new(vec![Answer::Send(stream(&body)), stop()]);
    let mut source = EventSource::builder(&server.url).policy(policy()).limit(100).build().unwrap();
    let (events, errors) = run(&mut source).await;
    assert_eq!(events, ["y"]);
    assert!(
        matches!(&errors[..], [error @ Error::TooLarge(overflow)] if overflow.capacity == 100 && error.is_of_one_event())
    );

    let body = format!("data: {}\n\n", "x".repeat(8 << 20));
    let server = Server::new(vec![Answer::Send(stream(&body)), stop()]);
    let mut source = EventSource::builder(&server.url).build().unwrap();
    assert_eq!(tokio::time::timeout(LIMIT, source.next()).await.unwrap().unwrap().unwrap().data().len(), 8 << 20);
}

#[tokio::test]
async fn kind_i_headers_method_and_body_are_sent_with_each_connection() {
    let server = Server::new(vec![
        Answer::Send(response("429 Too Many Requests\r\nRetry-After: 0", b"")),
        Answer::Send(response("503 Service Unavailable", b"")),
        Answer::Send(stream("data: x\n\n")),
        stop(),
    ]);
    let mut source = EventSource::builder(&server.url)
        .header("Authorization", "Bearer t")
        .header("accept", "application/json, text/event-stream")
        .post("{\"a\":1}")
        .last_event_id("5")
        .policy(policy())
        .build()
        .unwrap();
    assert_eq!(run(&mut source).await.0, ["x"]);
    for request in server.requests() {
        assert!(
            request.starts_with("POST /events HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{\"a\":1}"),
            "{request}"
        );
        assert_eq!(header(&request, "authorization"), Some("Bearer t"));
        assert_eq!(header(&request, "accept"), Some("application/json, text/event-stream"));
        assert_eq!(header(&request, "content-type"), Some("application/json"));
        assert_eq!(header(&request, "last-event-id"), Some("5"));
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn kind_i_retry_after_is_waited_for() {
    let server = Server::new(vec![Answer::Send(response("503 Busy\r\nRetry-After: 1", b"")), stop()]);
    let start = std::time::Instant::now();
    run(&mut source(&server)).await;
    assert!(start.elapsed() >= Duration::from_millis(950));
}

#[tokio::test]
async fn kind_j_content_types_are_compared_by_their_essence() {
    for (content_type, opens) in [
        ("Text/Event-Stream", true),
        ("text/event-stream ; charset=utf-8", true),
        ("text/event-stream; charset=\"UTF-8\"", true),
        ("text/event-streams", false),
        ("text/plain", false),
    ] {
        let head = format!("200 OK\r\nContent-Type: {content_type}");
        let server = Server::new(vec![Answer::Send(response(&head, b"data: x\n\n")), stop()]);
        let (events, errors) = run(&mut source(&server)).await;
        assert_eq!((events.len(), errors.len()), if opens { (1, 0) } else { (0, 1) }, "{content_type}");
    }
    let server = Server::new(vec![Answer::Send(response("200 OK", b"data: x\n\n")), stop()]);
    assert_eq!(run(&mut source(&server)).await.1.len(), 1);
    let mut untyped = policy();
    untyped.accepts_untyped = true;
    let server = Server::new(vec![Answer::Send(response("200 OK", b"data: x\n\n")), stop()]);
    let mut source = EventSource::builder(&server.url).policy(untyped).build().unwrap();
    assert_eq!(run(&mut source).await.0, ["x"]);
}

#[tokio::test]
async fn kind_k_redirects_are_followed_and_remembered() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let target = Server::new(vec![Answer::Send(stream("id: 1\ndata: x\n\n")), stop()]);
        let first = Server::new(vec![Answer::Send(response(&format!("{status}\r\nLocation: {}", target.url), b""))]);
        let mut source = EventSource::builder(&first.url)
            .header("authorization", "Bearer t")
            .last_event_id("0")
            .policy(policy())
            .build()
            .unwrap();
        assert_eq!(run(&mut source).await.0, ["x"], "{status}");
        assert_eq!((first.requests().len(), target.requests().len(), source.url()), (1, 2, &*target.url));
        // Another origin is sent no credentials, and no ID of this one.
        assert_eq!(header(&target.requests()[0], "authorization"), None);
        assert_eq!(header(&target.requests()[0], "last-event-id"), None);
    }
    let first = Server::new(vec![
        Answer::Send(response("307 Temporary\r\nLocation: /other", b"")),
        Answer::Send(stream("id: 1\ndata: x\n\n")),
        stop(),
    ]);
    let mut source =
        EventSource::builder(&first.url).header("authorization", "t").post("b").policy(policy()).build().unwrap();
    assert_eq!(run(&mut source).await.0, ["x"]);
    for request in &first.requests()[1..] {
        assert!(request.starts_with("POST /other HTTP/1.1\r\n") && request.ends_with("\r\n\r\nb"), "{request}");
        assert_eq!(header(request, "authorization"), Some("t"));
    }
    for head in [
        "301 Moved",
        "302 Found\r\nLocation: ",
        "302 Found\r\nLocation: ftp://127.0.0.1/",
        "302 Found\r\nLocation: //[",
    ] {
        let server = Server::new(vec![Answer::Send(response(head, b""))]);
        let (_, errors) = run(&mut source_of(&server)).await;
        let (reason, text) = closed(&errors);
        assert!(matches!(reason, Reason::Failed(Cause::Redirect(_))), "{head}: {text}");
        assert_eq!(server.requests().len(), 1);
    }
}

use source as source_of;

#[tokio::test]
async fn kind_k_redirects_that_never_end_are_given_up() {
    let server = Server::new(vec![Answer::Send(response("302 Found\r\nLocation: /events", b""))]);
    let (_, errors) = run(&mut source(&server)).await;
    assert!(matches!(closed(&errors).0, Reason::GaveUp { attempts: 4, last: Cause::Redirects(_) }));
    let per_attempt = 1 + usize::from(Policy::ROBUST.redirects);
    assert_eq!(server.requests().len(), 4 * per_attempt);
}

#[tokio::test]
async fn kind_m_an_id_that_no_header_carries_is_left_out_and_reported_once() {
    for (id, sent) in [("x".repeat(128 << 10), None), ("a\u{1}b".into(), None), ("\u{20ac}".into(), Some("€"))] {
        let body = format!("id: {id}\ndata: x\n\n");
        let server = Server::new(vec![Answer::Send(stream(&body)), Answer::Send(stream("data: y\n\n")), stop()]);
        let (events, errors) = run(&mut source(&server)).await;
        assert_eq!(events, ["x", "y"]);
        for request in &server.requests()[1..] {
            assert_eq!(header(request, "last-event-id"), sent);
        }
        assert_eq!(errors.len(), usize::from(sent.is_none()));
        assert!(errors.iter().all(|error| matches!(error, Error::UnsendableId(_)) && error.is_of_one_event()));
    }
    let server = Server::new(vec![
        Answer::Send(response("200 OK\r\nContent-Type: text/event-stream", b"id: a\xffb\ndata: x\n\n")),
        stop(),
    ]);
    run(&mut source(&server)).await;
    assert_eq!(header(&server.requests()[1], "last-event-id"), Some("a\u{fffd}b"));
}

#[tokio::test]
async fn kind_n_events_before_a_broken_chunk_are_not_lost() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Server::new(vec![
        Answer::Drip(
            vec![[&head[..], b"9\r\ndata: x\n\n\r\n"].concat(), b"zz\r\n".to_vec()],
            Duration::from_millis(100),
        ),
        stop(),
    ]);
    assert_eq!(run(&mut source(&server)).await.0, ["x"]);
}

#[tokio::test]
async fn close_within_a_chunk_is_the_end() {
    let server = Server::new(vec![Answer::Hold(stream("data: a\n\ndata: [DONE]\n\ndata: b\n\n"))]);
    let mut source = source(&server);
    assert_eq!(source.next().await.unwrap().unwrap().data(), b"a");
    assert_eq!(source.next().await.unwrap().unwrap().data(), b"[DONE]");
    source.close();
    assert!(source.next().await.is_none());
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn restart_connects_again_with_the_id() {
    let server =
        Server::new(vec![Answer::Hold(stream("id: 1\ndata: a\n\n")), Answer::Send(stream("data: b\n\n")), stop()]);
    let mut source = source(&server);
    assert_eq!(source.next().await.unwrap().unwrap().data(), b"a");
    source.restart();
    assert_eq!(run(&mut source).await.0, ["b"]);
    assert_eq!(header(&server.requests()[1], "last-event-id"), Some("1"));
}

#[tokio::test]
async fn without_reconnecting_the_end_of_the_response_is_the_end() {
    let run_once = async |answer: Answer, unfinished: bool| {
        let server = Server::new(vec![answer]);
        let mut once = policy();
        once.takes_unfinished = unfinished;
        let mut source = EventSource::builder(&server.url).policy(once).reconnect(false).build().unwrap();
        let (events, errors) = run(&mut source).await;
        assert_eq!(server.requests().len(), 1);
        (events, errors)
    };
    let (events, errors) = run_once(Answer::Send(stream("data: a\n\ndata: b")), false).await;
    assert_eq!((events.len(), errors.len()), (1, 0));
    let (events, errors) = run_once(Answer::Send(stream("data: a\n\ndata: b")), true).await;
    assert_eq!((events.len(), errors.len()), (2, 0));
    let (events, errors) = run_once(Answer::Reset(stream("data: a\n\ndata: b")), true).await;
    assert_eq!(events.len(), 1);
    assert!(matches!(closed(&errors).0, Reason::Failed(Cause::Cut)));
    let (_, errors) = run_once(Answer::Hold(stream("data: a\n\n")), true).await;
    assert!(matches!(closed(&errors).0, Reason::Failed(Cause::Silence { .. })));
    let (_, errors) = run_once(Answer::Send(stream("{\"error\":\"m\"}\n")), true).await;
    assert!(closed(&errors).1.contains("no event in 1 line: {\"error\":\"m\"}"));
    let (_, errors) = run_once(Answer::Send(response("503 Busy", b"later")), true).await;
    assert!(closed(&errors).1.contains("later"));
}

#[tokio::test]
async fn steps_show_connections_and_bytes() {
    let server = Server::new(vec![
        Answer::Send(stream(": hello\nid: 4\ndata: x\n\n")),
        Answer::Send(response("503 Busy", b"later")),
        stop(),
    ]);
    let mut source = source(&server);
    assert!(matches!(source.step().await, Some(Ok(Step::Open))));
    let Some(Ok(Step::Received(chunk))) = source.step().await else { panic!() };
    assert_eq!(&chunk[..], b": hello\nid: 4\ndata: x\n\n");
    assert_eq!((source.last_event_id(), source.ready_state()), (&b"4"[..], ReadyState::Open));
    assert!(matches!(source.step().await, Some(Ok(Step::Lost { cause: Cause::End, .. }))));
    let Some(Ok(Step::Lost { cause, detail, wait })) = source.step().await else { panic!() };
    assert_eq!((cause, detail.as_deref()), (Cause::Status(503), Some("status 503: later")));
    assert!(wait <= Duration::from_millis(100));
    assert!(source.step().await.is_none());
}

#[tokio::test]
async fn a_request_that_cannot_be_is_refused() {
    for builder in [
        EventSource::builder("not a url"),
        EventSource::builder("ftp://127.0.0.1/"),
        EventSource::builder("http://127.0.0.1/").header("a b", "c"),
        EventSource::builder("http://127.0.0.1/").header("a", "b\nc"),
        EventSource::builder("http://127.0.0.1/").method("G T"),
        EventSource::builder("http://127.0.0.1/").last_event_id("a\nb"),
    ] {
        assert!(!builder.build().unwrap_err().to_string().is_empty());
    }
}

/// Each future of `next` is dropped after one poll.
#[tokio::test]
async fn cancelled_at_every_await_10_000_times_no_event_is_lost_or_doubled() {
    let mut cancelled = 0;
    while cancelled < 10_000 {
        cancelled += follow_a_server_that_cuts_one_byte_later_each_time().await;
    }
}

/// Returns how often `next` was cancelled.
async fn follow_a_server_that_cuts_one_byte_later_each_time() -> usize {
    let body: String = (0..9).map(|n| format!("id: {n}\ndata: {n}\n\n")).collect();
    let (whole, head) = (stream(&body), stream("").len());
    // The events that a connection brings are those that are complete in it.
    let complete = |len: usize| String::from_utf8_lossy(&whole[head.min(len)..len]).matches("\n\n").count();
    let cuts: Vec<usize> = (0..=whole.len()).collect();
    let mut answers: Vec<_> = cuts.iter().map(|&len| Answer::Send(whole[..len].to_vec())).collect();
    answers.push(stop());
    let server = Server::new(answers);
    let mut patient = policy();
    (patient.attempts, patient.reconnection_time_ms, patient.min_wait_ms, patient.max_wait_ms) = (u32::MAX, 1, 1, 2);
    (patient.head_ms, patient.silence_ms) = (10_000, 10_000);
    let mut source = EventSource::builder(&server.url).policy(patient).build().unwrap();

    let (mut events, mut cancelled) = (Vec::new(), 0);
    let all = async {
        loop {
            match futures_util::poll!(std::pin::pin!(source.next())) {
                Poll::Ready(Some(event)) => events.push(event.unwrap().data().to_vec()),
                Poll::Ready(None) => break,
                Poll::Pending => {
                    cancelled += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    tokio::time::timeout(LIMIT, all).await.expect("it hangs");
    let expected: Vec<_> =
        cuts.iter().flat_map(|&len| (0..complete(len)).map(|n| n.to_string().into_bytes())).collect();
    assert_eq!(events, expected, "an event was lost or doubled");
    // A connection that was made and lost would take an answer, and the IDs would be those of another one.
    let requests = server.requests();
    assert_eq!(requests.len(), cuts.len() + 1, "an attempt was lost");
    let mut id = None;
    for (request, &len) in requests.iter().zip(&cuts) {
        assert_eq!(header(request, "last-event-id").map(String::from), id);
        id = complete(len).checked_sub(1).map(|n| n.to_string()).or(id);
    }
    cancelled
}

#[test]
fn a_source_can_be_sent_to_another_thread() {
    fn sends(_: impl Send + Unpin) {}
    sends(EventSource::get("http://127.0.0.1:1/").unwrap());
}
