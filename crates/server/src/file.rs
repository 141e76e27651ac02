//! The history in a file: an event stream as on the wire.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ssewire::replay::Ring;
use ssewire::{Frame, GrowableBuffer, Parser};

use crate::state::MARKS;

pub(crate) struct History {
    path: PathBuf,
    file: File,
    len: u64,
    /// The length from which on it is rewritten.
    limit: u64,
}

impl History {
    /// Opens the file and pushes its events into the ring. Returns the first number of the newest ID too, if it is a pair.
    pub(crate) fn open(path: &Path, ring: &mut Ring<GrowableBuffer, MARKS>) -> io::Result<(History, Option<u64>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut parser = Parser::with_limit(ring.capacity());
        let mut buf = vec![0; 64 << 10];
        let (mut len, mut complete) = (0, 0);
        loop {
            let n = file.read(&mut buf)?;
            if n == 0 {
                break;
            }
            let mut input = &buf[..n];
            // An event that is larger than the ring is skipped, as the ring would skip it.
            while let Some(result) = parser.next(&mut input).transpose() {
                if let Ok(event) = result {
                    let _ = ring.push(&Frame::from(event));
                }
                complete = len + (n - input.len()) as u64;
            }
            len += n as u64;
        }
        file.set_len(complete)?;
        let epoch = parser.last_event_id().and_then(first_number);
        let mut history = History { path: path.into(), file, len: complete, limit: 2 * ring.capacity() as u64 };
        history.trim(ring);
        Ok((history, epoch))
    }

    /// Appends a frame, in one write.
    pub(crate) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.write_all(frame).inspect_err(|_| {
            // Half a frame would become a part of the next one.
            let _ = self.file.set_len(self.len);
        })?;
        self.len += frame.len() as u64;
        Ok(())
    }

    /// Replaces the file by the contents of the ring, if it is long. If that fails, it grows, and is tried again later.
    pub(crate) fn trim(&mut self, ring: &Ring<GrowableBuffer, MARKS>) {
        if self.len > self.limit && self.rewrite(ring).is_err() {
            self.limit = self.len.saturating_mul(2);
        }
    }

    fn rewrite(&mut self, ring: &Ring<GrowableBuffer, MARKS>) -> io::Result<()> {
        let mut path = self.path.clone().into_os_string();
        path.push(".new");
        File::create(&path)?;
        let mut file = OpenOptions::new().append(true).open(&path)?;
        let mut len = 0;
        if let Ok(ready) = ring.ready(ring.oldest(), usize::MAX) {
            ready.bytes.iter().try_for_each(|bytes| file.write_all(bytes))?;
            len = ready.len() as u64;
        }
        fs::rename(&path, &self.path)?;
        self.file = file;
        self.len = len;
        self.limit = 2 * ring.capacity() as u64;
        Ok(())
    }
}

/// Returns the first number of an ID as `3-17`.
fn first_number(id: &[u8]) -> Option<u64> {
    let (first, second) = std::str::from_utf8(id).ok()?.split_once('-')?;
    second.parse::<u64>().ok()?;
    first.parse().ok()
}
