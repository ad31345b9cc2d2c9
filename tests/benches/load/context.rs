//! i: the files of an image up to the object storage, in a process of its own, so that its peak memory is its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use daytona_api::api::Image;
use daytona_api::{Config, Daytona};

use crate::measure::{median, wall};
use crate::process::{Process, said, start};
use crate::transfer::{MIB, MOST_MEMORY, peak, runtime};

/// Besides the large one.
const SMALL: u64 = 1000;

pub(crate) fn run(quick: bool, mib: u64) {
    let server = start(Duration::ZERO, Duration::ZERO, None);
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), mib);
    let (mut reads, mut uploads, mut most) = (Vec::new(), Vec::new(), 0);
    for round in 0..if quick { 1 } else { 3 } {
        // what is there already would not be uploaded again
        fs::write(folder.path().join("round"), round.to_string()).unwrap();
        let [read, upload, memory] = spawn(&server, folder.path());
        reads.push(Duration::from_micros(read));
        uploads.push(Duration::from_micros(upload));
        most = memory.max(most);
    }
    println!(
        "i. context of {mib} MiB in {} files: read and hashed in {:.1} s, uploaded in {:.1} s",
        SMALL + 2,
        median(reads).as_secs_f64(),
        median(uploads).as_secs_f64(),
    );
    println!(
        "i. context: peak memory {:.1} MiB (target <= 16 MiB) {}",
        most as f64 / MIB as f64,
        if most <= MOST_MEMORY { "PASS" } else { "MISS" },
    );
}

/// One large file and many small ones, a hundred in a folder.
fn fill(folder: &Path, mib: u64) {
    let piece: Vec<u8> = (0..MIB).map(|at| (at % 251) as u8).collect();
    let mut large = File::create(folder.join("large")).unwrap();
    for _ in 0..mib {
        large.write_all(&piece).unwrap();
    }
    for number in 0..SMALL {
        let inner = folder.join((number / 100).to_string());
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join(number.to_string()), number.to_string()).unwrap();
    }
}

/// Microseconds to read, microseconds to upload, and the most bytes that were resident.
fn spawn(server: &Process, folder: &Path) -> [u64; 3] {
    let folder = folder.to_str().unwrap();
    let numbers = said(&["context", &server.url, &server.token, folder]);
    numbers.try_into().unwrap()
}

pub(crate) fn child(arguments: &[String]) {
    let [_, url, token, folder] = arguments else {
        return;
    };
    let api = Daytona::new(Config::new(token.as_str()).api_url(url.as_str())).unwrap();
    let image = Image::base("debian:12").add_local_dir(folder, "/data");
    let runtime = runtime();
    let mut context = None;
    let read = wall(|| context = Some(runtime.block_on(image.context()).unwrap()));
    let context = context.unwrap();
    let upload = wall(|| runtime.block_on(context.upload(&api)).unwrap());
    println!("{} {} {}", read.as_micros(), upload.as_micros(), peak());
}
