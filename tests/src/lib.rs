//! Tests of the whole workspace live in `integration/` and `live/`; benchmarks in `benches/`.

#[cfg(doctest)]
mod application_teams;
#[cfg(doctest)]
mod readme;
#[cfg(doctest)]
mod testing_offline;
#[cfg(doctest)]
mod tools_and_mcp;
#[cfg(doctest)]
mod variables;
#[cfg(doctest)]
mod wire;
#[cfg(doctest)]
mod writing_a_factory;
