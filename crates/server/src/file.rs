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
        let mut file = open_locked(path)?;
        let mut parser = Parser::with_limit(ring.capacity());
        let mut lines = Lines::default();
        let mut buf = vec![0; 64 << 10];
        loop {
            let n = file.read(&mut buf)?;
            if n == 0 {
                break;
            }
            let mut input = &buf[..n];
            lines.take(input)?;
            // An event that is larger than the ring is skipped, as the ring would skip it.
            while let Some(result) = parser.next(&mut input).transpose() {
                if let Ok(event) = result {
                    let _ = ring.push(&Frame::from(event));
                }
            }
        }
        file.set_len(lines.complete)?;
        let epoch = parser.last_event_id().and_then(first_number);
        let mut history = History { path: path.into(), file, len: lines.complete, limit: 2 * ring.capacity() as u64 };
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
        // Before the file has its name: no other hub gets the lock.
        lock(&file)?;
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

/// Opens the file, with a lock until it is closed.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        lock(&file)?;
        if is_at(&file, path)? {
            return Ok(file);
        }
        // The hub that had the lock has just replaced the file.
    }
}

/// Locks the file for this process and this hub, where the file system can.
#[cfg(all(unix, not(target_os = "solaris")))]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another hub uses this file"))
        }
        _ => Ok(()),
    }
}

#[cfg(not(all(unix, not(target_os = "solaris"))))]
fn lock(_: &File) -> io::Result<()> {
    Ok(())
}

/// Returns whether the file has this path still.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let file = file.metadata()?;
    Ok(fs::metadata(path).is_ok_and(|other| (other.dev(), other.ino()) == (file.dev(), file.ino())))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The starts of the lines of a frame.
const STARTS: [&[u8]; 5] = [b":", b"event:", b"id:", b"retry:", b"data:"];
/// The bytes of the longest one.
const LONGEST: usize = 6;

/// Tells a history, which may be torn anywhere, from another file, and finds the end of its last complete frame.
#[derive(Default)]
struct Lines {
    /// The start of the current line, or a zero once only zeros may follow.
    line: Vec<u8>,
    len: u64,
    complete: u64,
}

impl Lines {
    /// Takes the next bytes. Fails at one that a history does not have there.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.iter().try_for_each(|&byte| {
            if !self.take_byte(byte) {
                let text = format!("not a history of events: invalid byte {byte:#04x} at position {}", self.len);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            self.len += 1;
            Ok(())
        })
    }

    fn take_byte(&mut self, byte: u8) -> bool {
        if self.line == [0] {
            return byte == 0;
        }
        if byte == b'\n' {
            let is_line = self.line.is_empty() || STARTS.iter().any(|start| self.line.starts_with(start));
            if self.line.is_empty() {
                self.complete = self.len + 1;
            }
            self.line.clear();
            return is_line;
        }
        if self.line.len() == LONGEST {
            return true;
        }
        self.line.push(byte);
        if STARTS.iter().any(|start| self.line.starts_with(start) || start.starts_with(&self.line)) {
            return true;
        }
        // Some file systems fill the end with zeros after a loss of power.
        self.line = vec![0];
        byte == 0
    }
}

/// Returns the first number of an ID as `3-17`.
fn first_number(id: &[u8]) -> Option<u64> {
    let (first, second) = std::str::from_utf8(id).ok()?.split_once('-')?;
    second.parse::<u64>().ok()?;
    first.parse().ok()
}
