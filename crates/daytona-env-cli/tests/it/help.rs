//! The help texts.

use crate::support::{run, shown};

#[test]
fn help_of_everything() {
    insta::assert_snapshot!("help", shown(&run(["--help"])));
<<<<<<< HEAD
    for command in ["run", "shell", "serve", "ls", "rm", "sweep", "doctor"] {
=======
    for command in ["run", "serve", "mcp", "ls", "rm", "sweep", "doctor"] {
>>>>>>> main
        insta::assert_snapshot!(format!("help_{command}"), shown(&run([command, "--help"])));
    }
}
