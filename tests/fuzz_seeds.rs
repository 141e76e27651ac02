//! The checks of the fuzz targets, on their committed seeds and the cases that they have found, with a stable compiler.

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/checks/mod.rs"]
mod checks;

#[test]
fn every_seed_passes_every_target_of_its_kind() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (target, folder, run) in checks::TARGETS {
        let mut cases = 0;
        for entry in fs::read_dir(seeds.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::read(&path).unwrap();
            if std::panic::catch_unwind(|| run(&data)).is_err() {
                panic!("{target}: {}", path.display());
            }
            cases += 1;
        }
        println!("{target}: {cases} cases");
        assert!(cases >= 8, "{target}: the seeds are there");
    }
}
