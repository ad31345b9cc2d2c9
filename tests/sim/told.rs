//! What a server was asked in a world, as text that is the same for the same world.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use daytona_local::{RequestRecord, Server};

/// One line for each request: when it came, where it stood among starts and ends of requests, what it was, its status.
pub(super) fn all(server: &Server) -> Vec<String> {
    let mut names = BTreeMap::new();
    let records = server.requests();
    let began = records.first().map(|record| record.at);
    let line = |record: &RequestRecord| {
        let path: Vec<_> = record
            .path
            .split('/')
            .map(|part| named(part, &mut names))
            .collect();
        format!(
            "{:?} {}-{:?} {} {} {:?}",
            began.map(|began| record.at.duration_since(began)),
            record.started,
            record.ended,
            record.method,
            path.join("/"),
            record.status
        )
    };
    records.iter().map(line).collect()
}

/// Names are drawn from the system, so that nobody can guess them; here they are counted.
fn named(part: &str, names: &mut BTreeMap<String, usize>) -> String {
    if !part.starts_with("denv-") {
        return part.to_owned();
    }
    let next = names.len();
    let number = names.entry(part.to_owned()).or_insert(next);
    format!("name-{number}")
}

/// The same for the same lines, on every machine with the same toolchain.
pub(super) fn hash(told: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    told.hash(&mut hasher);
    hasher.finish()
}

/// Fails with the first difference.
pub(super) fn same(seed: u64, one: &[String], other: &[String]) {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    let differs = differs.or((one.len() != other.len()).then(|| one.len().min(other.len())));
    if let Some(place) = differs {
        let around = |told: &[String]| {
            let told = told.iter().skip(place.saturating_sub(5)).take(15);
            told.cloned().collect::<Vec<_>>().join("\n")
        };
        panic!(
            "seed {seed} is two worlds, from request {place} on:\n{}\n\n{}",
            around(one),
            around(other)
        );
    }
}
