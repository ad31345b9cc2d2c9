//! The faults as data: `docs/faults.md` is made from it, and each row names the tests that show what must hold.

mod create;
mod data;
mod delete;
mod life;
mod process;
mod wire;

/// One fault.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number; `50b` came later.
    pub(super) number: &'static str,
    pub(super) name: &'static str,
    /// How the tests bring it about.
    pub(super) injected: &'static str,
    /// What must hold all the same.
    pub(super) holds: &'static str,
    pub(super) proof: Proof,
}

/// What shows it.
#[derive(Debug)]
pub(super) enum Proof {
    /// `path/of/the/file.rs::function`, each a test that runs.
    Tests(&'static [&'static str]),
    /// Why there is nothing to show.
    NotApplicable(&'static str),
}

/// A row with tests.
pub(super) const fn row(
    number: &'static str,
    name: &'static str,
    injected: &'static str,
    holds: &'static str,
    tests: &'static [&'static str],
) -> Row {
    Row {
        number,
        name,
        injected,
        holds,
        proof: Proof::Tests(tests),
    }
}

/// A row without.
pub(super) const fn void(
    number: &'static str,
    name: &'static str,
    holds: &'static str,
    why: &'static str,
) -> Row {
    Row {
        number,
        name,
        injected: "-",
        holds,
        proof: Proof::NotApplicable(why),
    }
}

/// The parts, in order, with their titles.
pub(super) const PARTS: [(&str, &[Row]); 6] = [
    ("Connections and HTTP", wire::ROWS),
    ("Create", create::ROWS),
    ("Life", life::ROWS),
    ("Delete and close", delete::ROWS),
    ("Processes and runtimes", process::ROWS),
    ("Data", data::ROWS),
];

/// Every row.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    PARTS.iter().flat_map(|(_, rows)| rows.iter())
}
