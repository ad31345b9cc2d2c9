//! The help texts.

use crate::support::{run, shown};

#[test]
fn help_of_everything() {
    insta::assert_snapshot!("help", shown(&run(["--help"])));
    for command in ["run", "serve", "mcp", "ls", "rm", "sweep", "doctor"] {
        insta::assert_snapshot!(format!("help_{command}"), shown(&run([command, "--help"])));
    }
}
