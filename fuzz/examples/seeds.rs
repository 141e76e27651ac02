//! Makes the seeds anew, from the real streams and the conformance vectors: `cargo run --example seeds`.
//!
//! Other files in the folders stay: cases that were found are kept beside the seeds.

use std::fs;
use std::path::{Path, PathBuf};

use ssewire::conformance::{parse_vectors, write_vectors};

/// Heads of a stream: capacity, initial last event ID, lengths of chunks. In one chunk, byte by byte, and split elsewhere.
const HEADS: [[u8; 8]; 3] = [[40, 0, 0, 0, 0, 0, 0, 0], [12, 0, 1, 1, 1, 1, 1, 1], [24, 3, 5, 0, 13, 2, 31, 7]];
/// Most bytes of a real stream, and of a value to write.
const MOST: usize = 400;
/// Vectors up to this length are seeds, one of each source and about each length.
const SHORT: usize = 40;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = |folder: &str| {
        let folder = root.join("seeds").join(folder);
        fs::create_dir_all(&folder).expect("a folder for the seeds");
        folder
    };
    let (read, write, text, client) = (seeds("read"), seeds("write"), seeds("text"), seeds("client"));

    // The first answers of each kind of script, as one input each, a wait between two of them.
    let scripts = fs::read_to_string(root.join("../tests/client/chromium.jsonl")).expect("the scripts");
    let mut kinds = Vec::new();
    for (i, line) in scripts.lines().enumerate() {
        let script: serde_json::Value = serde_json::from_str(line).expect("a script");
        let name = script["name"].as_str().expect("a name");
        let kind = name.split(' ').next().expect("a word").to_owned();
        let mut case = vec![(i % 64) as u8];
        for answer in script["script"]["answers"]["/es"].as_array().into_iter().flatten() {
            let sent = answer.as_array().expect("steps").iter().filter_map(|step| step["send"].as_str());
            let sent: String = sent.collect();
            case.push(0);
            case.extend(sent.chars().map(|char| char as u8));
            case.extend(b"\xfe\x03\xfe\x06\xfe");
        }
        if case.len() <= MOST && kinds.iter().filter(|&other| *other == kind).count() < 3 {
            let name: String = name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
            save(&client, &name, &case);
            kinds.push(kind);
        }
    }

    let mut streams: Vec<PathBuf> = fs::read_dir(root.join("../tests/streams"))
        .expect("the real streams")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .collect();
    streams.sort();
    for (i, path) in streams.iter().enumerate() {
        let stream = fs::read(path).expect("a stream");
        let start = &stream[..stream.len().min(MOST)];
        let name = path.file_stem().expect("a name").to_string_lossy();
        save(&read, &name, &[&HEADS[i % HEADS.len()], start].concat());
    }
    let mut seen = Vec::new();
    for (i, vector) in parse_vectors().iter().filter(|vector| vector.input.len() <= SHORT).enumerate() {
        // Those of the browser are random, and many.
        let kind = (vector.source.split(':').next().map(str::to_string), vector.input.len() / 8);
        if vector.last_event_id.is_some() && !seen.contains(&kind) {
            save(&read, &vector.name, &[&HEADS[i % HEADS.len()], &vector.input[..]].concat());
            seen.push(kind);
        }
    }

    for vector in write_vectors() {
        let values = &vector.write;
        let texts = [&values.comment, &values.event, &values.id, &values.data];
        if texts.into_iter().flatten().any(|text| text.len() > MOST) {
            continue;
        }
        let has = [values.comment.is_some(), values.event.is_some(), values.id.is_some(), values.retry.is_some()];
        let bits = has.into_iter().chain([values.data.is_some()]).enumerate();
        let head = bits.fold(0, |head, (bit, has)| head | u8::from(has) << bit);
        let mut case = vec![head];
        case.extend(values.retry.unwrap_or_default().to_le_bytes());
        case.extend(texts.map(|text| text.as_deref().unwrap_or_default().as_bytes()).join(&0xfe));
        save(&write, &vector.name, &case);
    }

    let texts: [(&str, &[u8]); 8] = [
        ("ascii", b"21.5 \"quoted\" 'single'\r\n\t\x7f"),
        ("all-lengths", "a\u{e9}\u{20ac}\u{1f680}\u{2028}\u{feff}".as_bytes()),
        ("truncated", b"\xf0\x9f\x92 \xe2\x82 \xc3"),
        ("overlong", b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf"),
        ("surrogates", b"\xed\xa0\x80\xed\xbf\xbf"),
        ("beyond", b"\xf4\x90\x80\x80\xf8\x88\x80\x80\x80\xff\xfe"),
        ("limits", b"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        ("lone-continuation", b"a\x80b\xbfc"),
    ];
    for (name, bytes) in texts {
        save(&text, name, bytes);
    }
}

fn save(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).expect("a seed");
}
