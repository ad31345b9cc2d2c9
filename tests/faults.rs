//! The faults of docs/faults.md, one by one, and the table that the page is made from.

mod bounds;
mod cells;
mod certificates;
mod create;
mod data;
mod delete;
mod events;
mod held;
mod incumbents;
mod life;
mod page;
mod process;
mod shared;
mod table;
mod wake;
mod wire;
mod witness;
