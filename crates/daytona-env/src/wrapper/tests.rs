//! The script in real shells, fed on stdin as the server does.

mod ends;
mod follow;
mod frames;
mod harness;
mod limits;
mod output;
mod words;
