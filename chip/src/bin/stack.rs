//! Prints the deepest stack of each use of ssewire, its own call included, and the size of a parser, in bytes.
//!
//! It fills the free stack with a pattern, does the work, and looks for the lowest byte that changed.

#![no_std]
#![no_main]

#[path = "../machine.rs"]
mod machine;

use core::arch::asm;
use core::hint::black_box;
use core::ptr::with_exposed_provenance_mut;

use semihosting::println;
use ssewire::tokenizer::Tokenizer;
use ssewire::{Frame, Parser};

/// Every path of the grammar, read in chunks of 1 to 9 bytes: values that are split, complete, replaced, joined and skipped.
const STREAM: &[u8] = b"\xef\xbb\xbf: hello\r\nretry: 3000\r\nid: 1\n\nevent: a\nevent: temperature\nid: 2\nid: 42\n\
    data: 21.5\ndata: 22\ndata: 23\n\nid\n\nid: x\0y\ndata\n\nevent: much longer than the buffer of the parser\n\
    id: 43\ndata: it\ndata: it\nunknown: line\ndatum\n\ndata: a line that is longer than the buffer\n\nid: 5\ndata: 1\n\n";
const BUFFER: usize = 32;
static mut MEMORY: [u8; 160] = [0; 160];

#[machine::entry]
fn main() -> ! {
    println!("a parser's state beside its buffer: {} bytes", size_of::<Parser<&mut [u8]>>() - size_of::<&mut [u8]>());
    println!("deepest stack, nothing: {} bytes", depth(|| {}));
    println!("deepest stack, tokenizer: {} bytes", depth(tokenize));
    println!("deepest stack, parser: {} bytes", depth(parse));
    println!("deepest stack, writer: {} bytes", depth(write));
    println!("deepest stack, encoder: {} bytes", depth(encode));
    machine::exit(0)
}

const FILLED: usize = 4096;
const PATTERN: u8 = 0xa5;

/// Returns the number of bytes of stack that `work` takes.
#[inline(never)]
fn depth(work: fn()) -> usize {
    let top: usize;
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("mv {}, sp", out(reg) top, options(nomem, nostack, preserves_flags));
    }
    // The memory below the stack pointer is free: no interrupt is on.
    let filled = top - FILLED..top;
    for at in filled.clone() {
        unsafe { with_exposed_provenance_mut::<u8>(at).write_volatile(PATTERN) };
    }
    black_box(work)();
    let mut deepest = filled;
    let lowest = deepest.find(|&at| unsafe { with_exposed_provenance_mut::<u8>(at).read_volatile() } != PATTERN);
    top - lowest.unwrap_or(top)
}

/// Returns a buffer in a static, as a device has it.
fn memory() -> &'static mut [u8] {
    unsafe { &mut *(&raw mut MEMORY) }
}

fn tokenize() {
    let mut tokenizer = Tokenizer::new();
    for size in 1..10 {
        for mut input in STREAM.chunks(size) {
            while tokenizer.next(&mut input).is_some() {}
        }
    }
}

fn parse() {
    static mut PARSER: Option<Parser<&mut [u8]>> = None;
    let slot = unsafe { &mut *(&raw mut PARSER) };
    let parser = slot.insert(Parser::with_buffer(&mut memory()[..BUFFER]));
    for size in 1..10 {
        for mut input in STREAM.chunks(size) {
            while !input.is_empty() {
                if let Ok(Some(event)) = parser.next(&mut input) {
                    black_box(event.data().len());
                }
            }
        }
        parser.reset();
    }
}

fn frame() -> Frame<'static> {
    let frame = Frame::new().event_type(black_box("temperature")).and_then(|frame| frame.id(black_box("42")));
    frame.unwrap_or_default().data(black_box("21.5\n22\r\n23"))
}

fn write() {
    _ = black_box(frame().write_to_slice(memory()));
}

fn encode() {
    let frame = frame();
    let mut encoder = frame.encoder();
    while black_box(encoder.fill(&mut memory()[..16])) > 0 {}
}
