//! Files under a database, copied and damaged.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Copies a directory and what is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// The files of a directory with wanted names that are not empty, by name.
pub fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(&wanted)
        })
        .filter(|path| std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0))
        .collect();
    found.sort();
    found
}

/// Flips one bit of a file.
pub fn flip(path: &Path, at: usize, bit: u32) {
    let mut bytes = std::fs::read(path).expect("the file is read");
    bytes[at] ^= 1 << bit;
    std::fs::write(path, bytes).expect("the file is written");
}

/// Flips the bit of a file that a draw says.
pub fn flip_somewhere(path: &Path, draw: u64) {
    let length = std::fs::metadata(path).expect("the file").len();
    flip(path, (draw % length) as usize, (draw >> 40 & 7) as u32);
}

/// Where the records of a MANIFEST or write-ahead log of RocksDB begin: checksum (4 bytes), length (2), type (1) and as
/// many bytes as the length says, in blocks of 32 KiB.
pub fn records(path: &Path) -> Vec<usize> {
    const BLOCK: usize = 32 * 1024;
    let bytes = std::fs::read(path).expect("the file is read");
    let (mut at, mut found) = (0, Vec::new());
    while at + 7 <= bytes.len() {
        let left = BLOCK - at % BLOCK;
        if left < 7 {
            at += left;
            continue;
        }
        found.push(at);
        at += 7 + usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
    }
    found
}

/// Does work that might never end on a thread of its own: a test that hangs fails instead.
pub fn within<R: Send + 'static>(limit: Duration, work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result
        .recv_timeout(limit)
        .unwrap_or_else(|error| panic!("no end within {limit:?}, or a panic: {error}"))
}
