//! Three server processes over one Redis. Needs `redis-server` (the Debian package of that name).

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ssewire_client::{EventSource, Policy, ReadyState};
use ssewire_server::{After, Hub, Log, Page, RedisLog};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// A process that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Redis {
    port: u16,
    directory: PathBuf,
    program: Option<Program>,
}

impl Redis {
    async fn start() -> Redis {
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("ssewire-redis-{port}"));
        std::fs::create_dir_all(&directory).unwrap();
        let mut redis = Redis { port, directory, program: None };
        redis.restart().await;
        redis
    }

    /// Kills it and starts it again on its log.
    async fn restart(&mut self) {
        self.program = None;
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        let child =
            command.arg("--dir").arg(&self.directory).stdout(Stdio::null()).spawn().expect("redis-server is installed");
        self.program = Some(Program(child));
        for _ in 0..200 {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
                let mut answer = [0; 7];
                let asked = stream.write_all(b"PING\r\n").await;
                if asked.is_ok() && stream.read_exact(&mut answer).await.is_ok() && &answer == b"+PONG\r\n" {
                    return;
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("Redis does not answer");
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn log(&self, entries: usize) -> RedisLog {
        RedisLog::new(&self.url(), "events", entries).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.program = None;
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The example, which cargo builds before the tests unless it is asked for one of their files alone.
fn server_program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).expect("a directory of cargo").join("examples/redis");
    assert!(
        program.is_file(),
        "{} is missing: cargo build -p ssewire-server --features axum,redis --example redis",
        program.display()
    );
    program
}

fn server(program: &Path, redis: &Redis, port: u16) -> Program {
    let mut command = Command::new(program);
    command.args([redis.url(), "events".into(), port.to_string()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://"), "{line}");
    Program(child)
}

/// Posts an event to one of the servers, and returns whether it was taken for certain.
async fn post(port: u16, data: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let head =
            format!("POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", data.len());
        stream.write_all((head + data).as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer.starts_with("HTTP/1.1 200"))
    };
    timeout(Duration::from_secs(3), ask).await.ok().flatten().unwrap_or(false)
}

/// The events that a client got, and the gaps that it was told of.
#[derive(Default)]
struct Got {
    events: Vec<u64>,
    gaps: usize,
    moves: usize,
}

/// Follows the stream, and moves to the next server whenever its connection is gone.
async fn follow(
    ports: [u16; 3],
    first: usize,
    opened: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    newest: Arc<AtomicUsize>,
) -> Got {
    let mut got = Got::default();
    let mut has_opened = false;
    let mut id = Vec::new();
    let mut policy = Policy::ROBUST;
    policy.retries_first = false;
    for turn in first.. {
        let url = format!("http://127.0.0.1:{}/events", ports[turn % 3]);
        let mut source =
            EventSource::builder(&url).policy(policy).reconnect(false).last_event_id(id.clone()).build().unwrap();
        loop {
            let next = timeout(Duration::from_millis(500), source.next()).await;
            if source.ready_state() == ReadyState::Open && !std::mem::replace(&mut has_opened, true) {
                opened.fetch_add(1, Ordering::SeqCst);
            }
            let is_complete = got.events.last().is_some_and(|&last| last as usize >= newest.load(Ordering::SeqCst));
            if is_over.load(Ordering::SeqCst) && is_complete {
                return got;
            }
            match next {
                Ok(Some(Ok(event))) if event.event_type() == b"gap" => got.gaps += 1,
                Ok(Some(Ok(event))) => got.events.push(event.text().unwrap().data().parse().unwrap()),
                Ok(_) => break,
                Err(_) => {}
            }
            id = source.last_event_id().to_vec();
        }
        got.moves += 1;
        sleep(Duration::from_millis(20)).await;
    }
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_redis_are_killed_and_nothing_is_lost_or_doubled() {
    let mut redis = Redis::start().await;
    let ports = [free_port(), free_port(), free_port()];
    let program = server_program();
    let mut servers: Vec<_> = ports.iter().map(|&port| Some(server(&program, &redis, port))).collect();
    let (is_over, newest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(usize::MAX)));
    // Everybody begins after the first event, and before the second.
    assert!(post(ports[0], "0").await);
    let opened = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> =
        (0..30).map(|n| tokio::spawn(follow(ports, n, opened.clone(), is_over.clone(), newest.clone()))).collect();
    let all_opened = async {
        while opened.load(Ordering::SeqCst) < clients.len() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), all_opened).await.expect("all clients connect");

    // Three publishers, of one server each; what has failed may or may not have been taken, and is not tried again.
    let taken = Arc::new(Mutex::new(Vec::new()));
    let number = Arc::new(AtomicUsize::new(1));
    let publishers: Vec<_> = (0..3)
        .map(|first| {
            let (taken, number, is_over) = (taken.clone(), number.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    let n = number.fetch_add(1, Ordering::SeqCst);
                    if post(ports[first], &n.to_string()).await {
                        taken.lock().unwrap().push(n as u64);
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            })
        })
        .collect();
    for round in 0..4 {
        sleep(Duration::from_millis(700)).await;
        servers[round % 3] = None; // SIGKILL
        sleep(Duration::from_millis(700)).await;
        servers[round % 3] = Some(server(&program, &redis, ports[round % 3]));
    }
    redis.restart().await; // after SIGKILL
    let before = taken.lock().unwrap().len();
    sleep(Duration::from_secs(4)).await;
    assert!(taken.lock().unwrap().len() > before, "events go on after Redis was killed");

    is_over.store(true, Ordering::SeqCst);
    for publisher in publishers {
        publisher.await.unwrap();
    }
    // The last of all, which every client waits for.
    sleep(Duration::from_millis(200)).await;
    let last = number.fetch_add(1, Ordering::SeqCst);
    assert!(post(ports[0], &last.to_string()).await);
    newest.store(last, Ordering::SeqCst);
    taken.lock().unwrap().push(last as u64);
    let mut moves = 0;
    let mut first_client: Option<Vec<u64>> = None;
    for client in clients {
        let got = timeout(Duration::from_secs(30), client).await.expect("it gets the last event").unwrap();
        moves += got.moves;
        assert_eq!(got.gaps, 0);
        let mut sorted = got.events.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), got.events.len(), "doubled");
        let lost: Vec<u64> =
            taken.lock().unwrap().iter().filter(|n| sorted.binary_search(n).is_err()).copied().collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        // All get them in the order of the log.
        assert_eq!(first_client.get_or_insert_with(|| got.events.clone()), &got.events);
    }
    assert!(moves >= 30, "clients have moved");
    println!("{} events to 30 clients, {moves} moves, none lost or doubled", taken.lock().unwrap().len());
}

#[tokio::test]
async fn what_the_log_answers() {
    let redis = Redis::start().await;
    let log = redis.log(10);
    let none = Page::Entries(Vec::new());
    assert_eq!(log.read_from(After::Oldest, 10, Duration::ZERO).await.unwrap(), none);
    assert_eq!(log.read_from(After::Oldest, 10, Duration::from_millis(20)).await.unwrap(), none);
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(log.append(if n % 2 == 0 { "" } else { "odd" }, format!("{n}\n\0\u{e9}").as_bytes()).await.unwrap());
    }
    let Page::Entries(held) = log.read_from(After::Oldest, 1000, Duration::ZERO).await.unwrap() else { panic!() };
    assert!((10..300).contains(&held.len()), "{}", held.len());
    let first = 300 - held.len();
    for (n, entry) in (first..).zip(&held) {
        assert_eq!((&entry.id, entry.event_type.as_str()), (&ids[n], if n % 2 == 0 { "" } else { "odd" }));
        assert_eq!(entry.data, format!("{n}\n\0\u{e9}").as_bytes());
    }
    let rows: [(&str, Option<usize>); 8] = [
        (&ids[299], Some(0)),
        (&ids[290], Some(9)),
        (&ids[first], Some(held.len() - 1)),
        (&ids[first - 1], None),
        (&ids[0], None),
        ("99999999999999-0", None),
        ("x", None),
        ("1-1 + -", None),
    ];
    for (id, expected) in rows {
        let page = log.read_from(After::Id(id), 1000, Duration::ZERO).await.unwrap();
        let count = if let Page::Entries(entries) = &page { Some(entries.len()) } else { None };
        assert_eq!(count, expected, "{id}");
    }
    let waiting = tokio::spawn({
        let (log, id) = (log.clone(), ids[299].clone());
        async move { log.read_from(After::Id(&id), 10, Duration::from_secs(10)).await.unwrap() }
    });
    sleep(Duration::from_millis(100)).await;
    let id = log.append("", b"woken").await.unwrap();
    let Page::Entries(entries) = waiting.await.unwrap() else { panic!() };
    assert_eq!((entries.len(), &entries[0].id), (1, &id));
}

#[tokio::test]
async fn a_hub_cannot_follow_a_redis_that_is_not_there() {
    let log = RedisLog::new(&format!("redis://127.0.0.1:{}/", free_port()), "events", 10).unwrap();
    assert!(Hub::new().follow(log).await.is_err());
    assert!(RedisLog::new("http://127.0.0.1/", "events", 10).is_err());
}
