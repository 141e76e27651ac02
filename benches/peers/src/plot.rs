//! Bars of GB/s on the whole input, one panel per workload.
//!
//! Panels have scales of their own, because the workloads differ more than
//! the readers; so every bar carries its figure.

use crate::report::{Cell, Kind, Outcome, gigabytes};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

const COLUMNS: usize = 3;
const PANEL_WIDTH: i32 = 420;
const BAR: i32 = 14;
const STEP: i32 = 19;
/// Where bars begin, and the space for a figure after the longest bar.
const NAMES: i32 = 160;
const FIGURES: i32 = 60;
const PANEL_HEAD: i32 = 30;
const HEAD: i32 = 50;

const OURS: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const PEERS: RGBColor = RGBColor(0x64, 0x84, 0xa4);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

pub fn bars(cells: &[&Cell], path: &Path) -> Result<(), Box<dyn Error>> {
    let Some(first) = cells.first() else {
        return Err("no reader was measured on whole input".into());
    };
    let rows = first.entries.iter().filter(|e| e.kind != Kind::Limit);
    let panel_height = PANEL_HEAD + STEP * rows.count() as i32 + 24;
    let panel_rows = cells.len().div_ceil(COLUMNS) as i32;
    let width = PANEL_WIDTH * cells.len().min(COLUMNS) as i32 + 20;
    let height = HEAD + panel_height * panel_rows;

    let root = SVGBackend::new(path, (width as u32, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let text =
        |size: i32, horizontal| ("sans-serif", size).into_font().color(&INK).pos(Pos::new(horizontal, VPos::Center));
    let title = "Reading text/event-stream in one chunk, GB/s (more is better; a scale for each panel)";
    root.draw(&Text::new(title, (16, 24), text(20, HPos::Left)))?;

    for (at, cell) in cells.iter().enumerate() {
        let left = PANEL_WIDTH * (at % COLUMNS) as i32 + 10;
        let top = HEAD + panel_height * (at / COLUMNS) as i32;
        let place = (left + NAMES, top + PANEL_HEAD / 2);
        root.draw(&Text::new(cell.workload, place, text(18, HPos::Left)))?;

        let entries = cell.entries.iter().filter(|e| e.kind != Kind::Limit);
        let speeds: Vec<_> = entries
            .map(|entry| {
                let speed = match &entry.outcome {
                    Outcome::Measured(samples) => Some(cell.gb_per_s(samples.best())),
                    _ => None,
                };
                (entry, speed)
            })
            .collect();
        let top_speed = speeds.iter().filter_map(|s| s.1).fold(0.0, f64::max);
        let room = f64::from(PANEL_WIDTH - NAMES - FIGURES);

        for (row, (entry, speed)) in speeds.iter().enumerate() {
            let y = top + PANEL_HEAD + STEP * row as i32;
            let middle = y + BAR / 2;
            let start = left + NAMES;
            root.draw(&Text::new(entry.name.as_str(), (start - 8, middle), text(15, HPos::Right)))?;
            let length = speed.map_or(0.0, |speed| room * speed / top_speed).round() as i32;
            let figure = match speed {
                Some(speed) => gigabytes(*speed),
                None => match entry.outcome {
                    Outcome::Stopped(_) => "too slow".into(),
                    _ => "wrong".into(),
                },
            };
            let color = if entry.kind == Kind::Ours { OURS } else { PEERS };
            root.draw(&Rectangle::new([(start, y), (start + length.max(1), y + BAR)], color.filled()))?;
            let place = (start + length + 6, middle);
            root.draw(&Text::new(figure, place, text(15, HPos::Left)))?;
        }
    }
    root.present()?;
    Ok(())
}
