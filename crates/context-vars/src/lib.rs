//! Typed parameters that may be variables, resolved against a context without cloning it.
