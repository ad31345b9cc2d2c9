//! Tests of the whole workspace live in `integration/`; benchmarks in `benches/`.
