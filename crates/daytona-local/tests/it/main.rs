//! The server from outside: over real connections, as any client sees it.

mod plane;
