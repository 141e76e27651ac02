//! The server in axum for programs in other languages: `serve DIRECTORY` prints its address and serves until its
//! standard input ends. It also writes its events into the directory: `messages.json`, and `messages.sse` as `Frame`
//! writes them; and in `streams` the events of the streams recorded in `tests/streams`, written by `Frame` as well.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use ssewire::{Frame, Parser};
use ssewire_wrappers::{axum_server, messages};
use tokio::io::AsyncReadExt;

/// The events of `stream` and nothing else, as frames.
fn rewritten(mut stream: &[u8]) -> Vec<u8> {
    let mut parser = Parser::<[u8; 8192]>::new();
    let mut frames = Vec::new();
    while let Some(event) = parser.next(&mut stream).expect("no event exceeds the limit") {
        Frame::from(event).parts().for_each(|part| frames.extend_from_slice(part));
    }
    frames
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("serve DIRECTORY")?);
    let (mut objects, mut frames) = (Vec::new(), String::new());
    for message in messages() {
        frames += &message.frame()?.to_string();
        objects.push(
            json!({ "type": message.event_type, "id": message.id, "data": message.data, "retry": message.retry }),
        );
    }
    std::fs::write(directory.join("messages.json"), serde_json::to_vec(&objects)?)?;
    std::fs::write(directory.join("messages.sse"), frames)?;
    std::fs::create_dir(directory.join("streams"))?;
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/streams").read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sse") {
            let name = path.file_name().ok_or("a file has a name")?;
            std::fs::write(directory.join("streams").join(name), rewritten(&std::fs::read(&path)?))?;
        }
    }
    println!("{}", axum_server().await?);
    std::io::stdout().flush()?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
