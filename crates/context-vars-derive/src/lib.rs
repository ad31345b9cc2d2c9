//! Derive macro of context-vars: a struct of parameters becomes a resolved struct with its key.
