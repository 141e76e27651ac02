//! The history in a file.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::BodyExt;
use ssewire::Frame;
use ssewire_server::{Builder, Hub};

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("ssewire-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("events.sse")
    }

    fn builder(&self) -> Builder {
        Hub::builder().capacity(1000).file(self.file())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn after(hub: &Hub, id: &str) -> String {
    let chunk = hub.body(id.as_bytes()).frame().await.unwrap().unwrap().into_data().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    text.split_once("\n\n").unwrap().1.into()
}

#[tokio::test]
async fn a_client_resumes_after_a_restart() {
    let directory = Directory::new("restart");
    let hub = directory.builder().epoch(7).build().unwrap();
    for n in 1..=3 {
        hub.publish(Frame::new().event_type("n").unwrap().data(&n.to_string())).unwrap();
    }
    drop(hub);
    let hub = directory.builder().epoch(8).build().unwrap();
    assert_eq!(hub.last_event_id(), "7-3");
    assert_eq!(hub.publish(Frame::new().data("x")).unwrap().to_string(), "8-4");
    assert_eq!(after(&hub, "7-2").await, "event: n\nid: 7-3\ndata: 3\n\nid: 8-4\ndata: x\n\n");
}

#[tokio::test]
async fn the_ids_ascend_also_if_the_clock_went_back() {
    let directory = Directory::new("clock");
    directory.builder().epoch(u64::MAX / 2).build().unwrap().publish(Frame::new().data("1")).unwrap();
    let hub = directory.builder().build().unwrap();
    assert_eq!(hub.publish(Frame::new().data("2")).unwrap().to_string(), format!("{}-2", u64::MAX / 2 + 1));
}

#[tokio::test]
async fn an_event_that_was_cut_off_is_removed() {
    let directory = Directory::new("cut");
    let whole = "id: 1-1\ndata: a\n\nid: 1-2\ndata: b\n\n";
    for rest in ["", "i", "id: 1-3", "id: 1-3\n", "id: 1-3\ndata: c", "id: 1-3\ndata: c\n"] {
        fs::write(directory.file(), format!("{whole}{rest}")).unwrap();
        let hub = directory.builder().epoch(2).build().unwrap();
        hub.publish(Frame::new().data("d")).unwrap();
        drop(hub);
        assert_eq!(fs::read_to_string(directory.file()).unwrap(), format!("{whole}id: 2-3\ndata: d\n\n"), "{rest:?}");
    }
}

#[tokio::test]
async fn the_file_is_bounded_and_holds_what_the_history_holds() {
    let directory = Directory::new("bounded");
    let hub = directory.builder().epoch(1).build().unwrap();
    for n in 0..500 {
        hub.publish(Frame::new().data(&format!("event number {n}"))).unwrap();
        assert!(fs::metadata(directory.file()).unwrap().len() <= 2000);
    }
    let held = after(&hub, "0-1").await;
    drop(hub);
    let hub = directory.builder().epoch(2).build().unwrap();
    assert_eq!(after(&hub, "0-1").await, held);
    assert!(held.ends_with("data: event number 499\n\n") && held.len() > 900);
}

#[test]
fn a_history_that_was_torn_anywhere_opens() {
    let directory = Directory::new("torn");
    let whole = b": \nevent: n\nid: 1-1\nretry: 5\ndata: a\ndata: \n\n: \n\nid: 1-2\ndata: b\n\n";
    let ends: Vec<_> = (1..=whole.len()).filter(|&n| whole[..n].ends_with(b"\n\n")).collect();
    for n in 0..=whole.len() {
        for zeros in [0, 100_000] {
            fs::write(directory.file(), [&whole[..n], &vec![0; zeros]].concat()).unwrap();
            directory.builder().build().unwrap();
            let end = ends.iter().rfind(|&&end| end <= n).map_or(0, |&end| end);
            assert_eq!(fs::read(directory.file()).unwrap(), whole[..end], "{n} {zeros}");
        }
    }
}

#[test]
fn a_file_that_is_not_a_history_is_not_touched() {
    let directory = Directory::new("other");
    let texts: [&[u8]; 9] = [
        b"[package]\nname = \"x\"\n",
        b"[package]",
        b"{\"data\": 1}",
        b"data\n",
        b"data: 1\nname: x",
        b"id: 1\n\nhello",
        b"id: 1\r\n\r\n",
        b"\0\0\0\x18ftyp",
        b"\xef\xbb\xbfdata: 1\n\n",
    ];
    for text in texts {
        fs::write(directory.file(), text).unwrap();
        let error = directory.builder().build().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
        assert_eq!(fs::read(directory.file()).unwrap(), text);
    }
    let error = directory.builder().build().unwrap_err().to_string();
    assert!(error.ends_with("not a history of events: invalid byte 0xef at position 0"), "{error}");
}

#[test]
fn a_file_has_one_hub() {
    let directory = Directory::new("lock");
    let hub = directory.builder().epoch(1).build().unwrap();
    // It is rewritten meanwhile.
    for n in 0..200 {
        let error = directory.builder().build().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy, "{error}");
        hub.publish(Frame::new().data(&format!("event number {n}"))).unwrap();
    }
    drop(hub);
    let hub = directory.builder().epoch(2).build().unwrap();
    assert!(hub.publish(Frame::new().data("x")).unwrap().to_string().starts_with("2-"));
}

#[tokio::test]
async fn a_body_does_not_hold_the_file() {
    let directory = Directory::new("body");
    let hub = directory.builder().build().unwrap();
    let _body = hub.body(b"");
    drop(hub);
    directory.builder().build().unwrap();
}

#[test]
fn the_lock_holds_while_the_file_is_replaced() {
    let directory = Directory::new("race");
    let hub = directory.builder().epoch(1).build().unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Rewritten with each tenth event or so.
            for _ in 0..5000 {
                hub.publish(Frame::new().data(&[b'x'; 100])).unwrap();
            }
            is_done.store(true, Ordering::Relaxed);
        });
        while !is_done.load(Ordering::Relaxed) {
            assert!(directory.builder().build().is_err());
        }
    });
}

#[test]
fn a_directory_is_not_a_file() {
    let directory = Directory::new("error");
    let error = Hub::builder().file(&directory.0).build().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::IsADirectory);
    assert!(error.to_string().starts_with(&format!("{}: ", directory.0.display())), "{error}");
}
