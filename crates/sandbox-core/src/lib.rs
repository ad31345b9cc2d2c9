//! Object-safe sandbox and factory contracts, the caching factory, local sandboxes and a conformance suite.
