//! Each drift of a drawn page from the code is caught.

use std::fs;

use super::*;

mod drawn;

const SOURCE: &str = r#"//! A.
const LONG: &str = "the constant is too long";

pub fn open(n: u32) -> Result<(), Error> {
    let what = format!("cannot open {n} of {{them}}");
    if n == 1 {
        return Err(Error::new(ErrorKind::Lost, what));
    }
    if n == 2 {
        return Err(refused("open it", "the door is `shut`"));
    }
    if n == 3 {
        return Err(Error::build(LONG).with_operation("while opening"));
    }
    if n == 4 {
        let what = "the door is painted on";
        return Err(Error::new(ErrorKind::Lost, what));
    }
    read().ok_or("nobody was there")?;
    tracing::debug!("this is no error");
    Ok(())
}

fn refused(operation: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("refused: {why}")).with_operation(operation)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shown of {}", self.0)
    }
}

#[derive(thiserror::Error)]
enum Other {
    #[error("derived from {0}")]
    A(u8),
}

fn tell(n: u32) -> Vec<Error> {
    output::hint(&format!("{n} doors are left"));
    vec![Error::new(ErrorKind::Lost, "all are shut").hint(why(n)), other().hint("give another door")]
}

fn why(n: u32) -> &'static str {
    if n == 1 { "look for the key" } else { "wait a moment" }
}

#[cfg(test)]
mod tests {
    fn f() -> Error {
        Error::build("of a test")
    }
}
"#;

const SNAPSHOT: &str = "---\nsource: x\nexpression: y\n---\nCreating -> Ready: made\nReady -> Vacant: close\nVacant -> Creating: open\n";

const ARCHITECTURE_PAGE: &str =
    "# A\n\n<!-- begin crates -->\n<!-- end -->\n\n<!-- begin slot -->\n<!-- end -->\n";

const ADVICE: &str = "# T\n\nDo this and that, and then look whether it has helped.\n\n<!-- begin texts: \
     alpha Lost, alpha refused, alpha build, alpha other, alpha Display, alpha Error, alpha Conflict, alpha hint -->\n<!-- end -->\n";

struct Fixture(tempfile::TempDir);

impl Fixture {
    /// Two crates, with pages as `cargo xtask pages` writes them.
    fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        fixture.write("Cargo.toml", "[workspace]\n");
        fixture.write(
            "crates/alpha/Cargo.toml",
            "[package]\nname = \"alpha\"\n[dependencies]\nserde = \"1\"\nbeta = { path = \"b\" }\n",
        );
        fixture.write("crates/beta/Cargo.toml", "[package]\nname = \"beta\"\n");
        fixture.write("crates/alpha/src/a.rs", SOURCE);
        fixture.write(diagrams::TRANSITIONS, SNAPSHOT);
        fixture.write(ARCHITECTURE, ARCHITECTURE_PAGE);
        fixture.write(TROUBLESHOOTING, ADVICE);
        run(fixture.0.path(), &[]).unwrap();
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from}: {text}");
        self.write(path, &text.replace(from, to));
    }

    /// What is wrong, in one text.
    fn check(&self) -> String {
        match run(self.0.path(), &["--check".to_owned()]) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    fn after(from: &str, to: &str) -> String {
        let fixture = Self::new();
        fixture.edit("crates/alpha/src/a.rs", from, to);
        fixture.check()
    }
}

#[track_caller]
fn assert_says(found: &str, expected: &str) {
    assert!(found.contains(expected), "{found}");
}

#[test]
fn every_way_to_an_error_is_read() {
    let fixture = Fixture::new();
    assert_eq!(fixture.check(), "");
    let page = fixture.read(TROUBLESHOOTING);
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("* ")).collect();
    assert_eq!(
        listed,
        [
            "* `all are shut`",
            "* `cannot open … of {them}`",
            "* `derived from …`",
            "* `give another door`",
            "* `look for the key`",
            "* `nobody was there`",
            "* `refused: …`",
            "* `shown of …`",
            "* `the constant is too long`",
            "* `` the door is `shut` ``",
            "* `the door is painted on`",
            "* `wait a moment`",
            "* `… doors are left`",
        ]
    );
}

#[test]
fn a_text_that_the_page_lacks_is_found() {
    let found = Fixture::after("nobody was there", "somebody was there");
    assert_says(&found, "the code has no \"* `nobody was there`\"");
    assert_says(&found, "`somebody was there`");
    let found = Fixture::after(
        "read().ok_or",
        "Err(Error::gone(\"it went away\"))?; read().ok_or",
    );
    assert_says(
        &found,
        "nothing is advised for the texts of `alpha gone`, such as \"it went away\"",
    );
}

#[test]
fn a_hint_on_a_screen_that_the_page_lacks_is_found() {
    const SCREEN: &str = "crates/alpha/tests/it/snapshots/a.snap";
    let seen = |hint: &str| {
        let fixture = Fixture::new();
        fixture.write(
            SCREEN,
            &format!("---\n---\nalpha: all are shut\n  hint: {hint}\n"),
        );
        fixture.check()
    };
    for listed in ["wait a moment", "3 doors are left"] {
        assert_eq!(seen(listed), "");
    }
    for other in [
        "wait",
        "wait a moment longer",
        "3 doors are open",
        "see: doors",
    ] {
        assert_says(
            &seen(other),
            &format!("{SCREEN} shows a hint that nothing gives: {other:?}"),
        );
    }
}

#[test]
fn a_text_that_does_not_exist_is_found() {
    let found = Fixture::after("read().ok_or(\"nobody was there\")?;", "");
    assert_says(&found, "there are no texts of `alpha other`");
    let fixture = Fixture::new();
    fixture.edit(
        TROUBLESHOOTING,
        "<!-- end -->",
        "* `made up by hand`\n<!-- end -->",
    );
    assert_says(&fixture.check(), "made up by hand");
    let fixture = Fixture::new();
    let row = "| `refused: … the door` | knock |\n| `of {them}` | b |\n| 124 | c |\n";
    fixture.edit(
        TROUBLESHOOTING,
        "# T\n",
        &format!("# T\n\n| text | what |\n|---|---|\n{row}"),
    );
    assert_eq!(
        fixture.check(),
        "docs/troubleshooting.md:5: no error of ours says \"refused: … the door\""
    );
}

#[test]
fn a_list_without_advice_is_found() {
    let fixture = Fixture::new();
    fixture.edit(
        TROUBLESHOOTING,
        "Do this and that, and then look whether it has helped.",
        "Look.",
    );
    assert_says(&fixture.check(), "a list of texts without advice above it");
}

#[test]
fn a_group_that_is_listed_twice_is_found() {
    let fixture = Fixture::new();
    let text = fixture.read(TROUBLESHOOTING);
    let again = format!(
        "{text}\nAnd here are once more eight words of good advice.\n\n<!-- begin texts: alpha Lost -->\n<!-- end -->\n"
    );
    fixture.write(TROUBLESHOOTING, &again);
    let problems = run(fixture.0.path(), &[]).unwrap_err().to_string();
    assert_says(&problems, "`alpha Lost` is listed already");
}

#[test]
fn advice_for_one_text_is_kept() {
    let fixture = Fixture::new();
    fixture.edit(TROUBLESHOOTING, "is `shut` ``", "is `shut` ``: knock");
    fixture.edit(TROUBLESHOOTING, "of {them}`", "of {them}`: count `them`");
    fixture.edit(
        "crates/alpha/src/a.rs",
        "nobody was there",
        "somebody was there",
    );
    run(fixture.0.path(), &[]).unwrap();
    let page = fixture.read(TROUBLESHOOTING);
    assert!(
        page.contains("\n* `` the door is `shut` ``: knock\n"),
        "{page}"
    );
    assert!(
        page.contains("\n* `cannot open … of {them}`: count `them`\n"),
        "{page}"
    );
    assert!(page.contains("\n* `somebody was there`\n"), "{page}");
    assert_eq!(fixture.check(), "");
}
