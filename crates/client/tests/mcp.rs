//! Calls of the Model Context Protocol against a server that answers as people report of real ones.

mod common;

use std::time::Duration;

use common::{Answer, LIMIT, Server, header, response, stream};
use serde_json::{Value, json};
use ssewire_client::Policy;
use ssewire_client::mcp::{Client, Error};

const RESULT: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":1}}";

async fn call(answers: Vec<Answer>) -> (Result<Value, Error>, Vec<String>, Vec<String>) {
    let server = Server::new(answers);
    let mut client = Client::new(&server.url, &[("authorization", "Bearer t")]).unwrap();
    let mut policy = Policy::ROBUST;
    (policy.reconnection_time_ms, policy.min_wait_ms, policy.max_wait_ms) = (10, 10, 50);
    (policy.head_ms, policy.silence_ms, policy.attempts) = (500, 500, 3);
    client.set_policy(policy);
    client.set_limit(1000);
    client.set_timeout(Duration::from_secs(5));
    let mut notified = Vec::new();
    let call = client.call("tools/call", json!({}), |method, _| notified.push(method.to_string()));
    let result = tokio::time::timeout(LIMIT, call).await.expect("it hangs");
    (result, notified, server.requests())
}

fn json_answer(body: &str) -> Answer {
    Answer::Send(response("200 OK\r\nContent-Type: application/json", body.as_bytes()))
}

#[tokio::test]
async fn an_answer_is_json_or_a_stream() {
    for answer in [json_answer(RESULT), Answer::Hold(stream(&format!("data: {RESULT}\n\n")))] {
        let (result, _, requests) = call(vec![answer]).await;
        assert_eq!(result.unwrap(), json!({"n": 1}));
        assert_eq!(header(&requests[0], "accept"), Some("application/json, text/event-stream"));
        assert_eq!(header(&requests[0], "authorization"), Some("Bearer t"));
    }
}

#[tokio::test]
async fn kind_c_resuming_ends() {
    for (resumed, requests) in [
        (stream(""), 3),
        (response("202 Accepted", b""), 1),
        (response("200 OK\r\nContent-Type: application/json", b"{}"), 1),
        (response("200 OK\r\nContent-Type: text/html", b"<html>"), 1),
        (Vec::new(), 3),
    ] {
        let primed = Answer::Send(stream("id: 1\ndata:\n\nretry: 0\n\n"));
        let (result, _, seen) = call(vec![primed, Answer::Send(resumed)]).await;
        assert!(matches!(result, Err(Error::Resume(_))), "{result:?}");
        assert_eq!(seen.len(), 1 + requests);
        assert!(seen[1..].iter().all(|request| header(request, "last-event-id") == Some("1")));
    }
    let (result, _, seen) = call(vec![Answer::Send(stream("data: {\"method\":\"m\"}\n\n"))]).await;
    assert!(matches!(result, Err(Error::Cut)) && seen.len() == 1);
}

#[tokio::test]
async fn a_stream_that_was_cut_is_resumed() {
    let (result, notified, requests) = call(vec![
        Answer::Reset(stream("id: 1\ndata: {\"method\":\"a\"}\n\ndata: cut")),
        Answer::Send(response("503 Busy", b"")),
        Answer::Send(stream(&format!("id: 2\ndata: {{\"method\":\"b\",\"id\":1}}\n\ndata: {RESULT}\n\n"))),
    ])
    .await;
    assert_eq!((result.unwrap(), notified), (json!({"n": 1}), vec!["a".into(), "b".into()]));
    assert!(requests[2].starts_with("GET ") && header(&requests[2], "authorization") == Some("Bearer t"));
}

#[tokio::test]
async fn kind_d_only_events_of_type_message_are_messages() {
    let body = format!("event: ping\ndata: ping\n\n: c\n\ndata:\n\nevent: endpoint\ndata: /x\n\ndata: {RESULT}\n\n");
    assert_eq!(call(vec![Answer::Send(stream(&body))]).await.0.unwrap(), json!({"n": 1}));
    let (result, ..) = call(vec![Answer::Send(stream("data: ping\n\n"))]).await;
    assert!(matches!(result, Err(Error::NotJson(text)) if text == "ping"));
}

#[tokio::test]
async fn kind_g_the_error_in_a_failed_response_is_the_error_of_the_call() {
    let body = b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no session\"}}";
    let (result, ..) =
        call(vec![Answer::Send(response("400 Bad Request\r\nContent-Type: application/json", body))]).await;
    assert!(matches!(result, Err(Error::Rpc { code: -32600, message, .. }) if message == "no session"));
    let (result, ..) = call(vec![Answer::Send(response("401 Unauthorized", b"log in"))]).await;
    assert_eq!(result.unwrap_err().to_string(), "status 401: log in");
    let (result, ..) =
        call(vec![json_answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":5,\"message\":\"m\",\"data\":[1]}}")])
            .await;
    assert!(matches!(result, Err(Error::Rpc { code: 5, data, .. }) if data == json!([1])));
}

#[tokio::test]
async fn kinds_e_f_and_j_end_in_words() {
    let gzip = response("200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip", b"\x1f\x8b");
    assert!(matches!(call(vec![Answer::Send(gzip)]).await.0, Err(Error::Response(_))));
    assert!(matches!(call(vec![Answer::Hold(Vec::new())]).await.0, Err(Error::Timeout(_))));
    assert!(matches!(call(vec![Answer::Hold(stream(""))]).await.0, Err(Error::Timeout(_))));
    let html = response("200 OK\r\nContent-Type: text/html", b"<html>");
    assert!(call(vec![Answer::Send(html)]).await.0.unwrap_err().to_string().contains("<html>"));
    let typed =
        response("200 OK\r\nContent-Type: Text/Event-Stream ;charset=utf-8", format!("data: {RESULT}\n\n").as_bytes());
    call(vec![Answer::Send(typed)]).await.0.unwrap();
    let typed = response("200 OK\r\nContent-Type: Application/JSON; charset=utf-8", RESULT.as_bytes());
    call(vec![Answer::Send(typed)]).await.0.unwrap();
}

#[tokio::test]
async fn kind_h_a_message_above_the_limit() {
    // A notification does not end the call.
    let large = "x".repeat(1000);
    let body = format!("data: {{\"method\":\"{large}\"}}\n\ndata: {{\"method\":\"a\"}}\n\ndata: {RESULT}\n\n");
    let (result, notified, _) = call(vec![Answer::Send(stream(&body))]).await;
    assert_eq!((result.unwrap(), notified), (json!({"n": 1}), vec!["a".into()]));
    // A result is an error: resuming would not bring it back.
    let body = format!("id: 1\ndata: {{\"id\":1,\"result\":\"{large}\"}}\n\n");
    let (result, _, requests) = call(vec![Answer::Send(stream(&body))]).await;
    assert!(matches!(result, Err(Error::TooLarge(overflow)) if overflow.capacity == 1000));
    assert_eq!(requests.len(), 1);
    let (result, ..) = call(vec![json_answer(&format!("{{\"id\":1,\"result\":\"{large}\"}}"))]).await;
    assert!(matches!(result, Err(Error::TooLarge(_))));
}
