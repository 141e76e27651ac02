//! One parser through random calls of all kinds, beside the model in `tests/model`: after each call everything that can be
//! seen is compared.
//!
//! `SSEWIRE_MIXED_RUNS` multiplies the cases, `SSEWIRE_MIXED_SEED` runs the case of one seed alone and prints every call.

use std::panic::{catch_unwind, resume_unwind};

use crate::model::drive::{Choices, Counts, Kind, run};

/// Cases of each kind of buffer.
const CASES: u64 = 4_000;
/// Steps of each case.
const STEPS: usize = 80;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn mixed(kind: Kind) {
    let mut counts = Counts::default();
    if let Some(seed) = number("SSEWIRE_MIXED_SEED") {
        run(kind, &mut Choices::random(seed, STEPS), true, &mut counts);
        println!("{kind:?}, seed {seed}: {counts:?}");
        return;
    }
    let cases = CASES * number("SSEWIRE_MIXED_RUNS").unwrap_or(1);
    for seed in 0..cases {
        let case = |trace| {
            let mut counts = Counts::default();
            run(kind, &mut Choices::random(seed, STEPS), trace, &mut counts);
            counts
        };
        match catch_unwind(|| case(false)) {
            Ok(of_case) => counts.add(&of_case),
            Err(panic) => {
                eprintln!(
                    "{kind:?}: seed {seed} fails. Its calls, each with the bytes used, the result, and the model's:"
                );
                drop(catch_unwind(|| case(true)));
                eprintln!("{kind:?}: SSEWIRE_MIXED_SEED={seed} runs it alone");
                resume_unwind(panic);
            }
        }
    }
    println!("{kind:?}: {counts:?}");
    // All that the cases are made for is met, and often.
    let Counts { calls, events, overflows, updates, comments, comment_pieces, clones, .. } = counts;
    let cases = counts.cases;
    assert!(calls > 50 * cases && events > 10 * cases && overflows > 5 * cases && comments > cases, "{counts:?}");
    assert!(updates > cases && comment_pieces > cases / 4 && counts.dropped > cases, "{counts:?}");
    assert!(counts.overflows_in_pieces > cases && counts.cut_events > 2 * cases, "{counts:?}");
    assert!(counts.typed > cases && counts.with_id > cases, "{counts:?}");
    assert!(counts.resets > cases && counts.ids_set > cases / 2 && counts.ids_refused > cases / 4, "{counts:?}");
    assert!(counts.ends > cases && counts.ended_events > cases / 8, "{counts:?}");
    assert!(clones > 3 * cases || kind == Kind::Borrowed, "{counts:?}");
    assert!(counts.unknown > cases, "{counts:?}");
}

#[test]
fn a_buffer_inside() {
    mixed(Kind::Inline);
}

#[test]
fn a_borrowed_buffer() {
    mixed(Kind::Borrowed);
}

#[test]
fn a_buffer_on_the_heap() {
    mixed(Kind::Heap);
}
