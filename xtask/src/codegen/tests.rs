//! A specification of our own, in both dialects, against the expected output in `testdata/golden`.

use std::path::{Path, PathBuf};

use super::*;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn generated() -> (Files, Lock) {
    let overlay = fs::read_to_string(testdata().join("overlay.toml")).unwrap();
    generate(&testdata(), &overlay).unwrap()
}

/// A package with everything written, in a folder of its own.
fn package() -> (tempfile::TempDir, Target) {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::of(dir.path());
    let (files, lock) = generated();
    target.write(&files, &lock).unwrap();
    (dir, target)
}

/// `BLESS=1 cargo test -p xtask` writes the golden files anew.
#[test]
fn both_dialects_give_the_golden_files() {
    let golden = testdata().join("golden");
    let (files, _) = generated();
    if std::env::var_os("BLESS").is_some() {
        for (path, text) in &files {
            write_if_changed(&golden.join(path).with_extension("rs.txt"), text).unwrap();
        }
    }
    for (path, text) in &files {
        let expected = fs::read_to_string(golden.join(path).with_extension("rs.txt")).unwrap();
        assert_eq!(*text, expected, "{}", path.display());
    }
    assert_eq!(files_under(&golden).unwrap().len(), files.len());
}

#[test]
fn a_fresh_package_passes_the_check() {
    let (_dir, target) = package();
    let (files, lock) = generated();
    target.verify().unwrap();
    target.compare(&files, &lock).unwrap();
    assert_eq!(target.write(&files, &lock).unwrap(), 0);
}

#[test]
fn a_hand_edited_file_is_caught() {
    let (_dir, target) = package();
    let path = target.folder.join("models/dogs.rs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("Kilograms", "Pounds")).unwrap();
    let error = target.verify().unwrap_err().to_string();
    assert!(
        error.starts_with("models/dogs.rs was edited by hand: run"),
        "{error}"
    );
    // Also where the lock was made to fit the edit.
    let (files, lock) = generated();
    let error = target.compare(&files, &lock).unwrap_err().to_string();
    assert!(
        error.starts_with("models/dogs.rs is out of date: run"),
        "{error}"
    );
}

#[test]
fn missing_and_extra_files_are_caught() {
    let (_dir, target) = package();
    fs::write(target.folder.join("models/extra.rs"), "").unwrap();
    let error = target.verify().unwrap_err().to_string();
    assert!(error.starts_with("models/extra.rs is among"), "{error}");
    fs::remove_file(target.folder.join("models/extra.rs")).unwrap();
    fs::remove_file(target.folder.join("routes.rs")).unwrap();
    let error = target.verify().unwrap_err().to_string();
    assert!(error.starts_with("routes.rs is missing"), "{error}");
}

#[test]
fn changed_documents_and_stale_leftovers_are_caught_and_mended() {
    let (_dir, target) = package();
    let spec = tempfile::tempdir().unwrap();
    for name in ["api.json", "toolbox.json"] {
        let text = fs::read_to_string(testdata().join(name)).unwrap();
        fs::write(spec.path().join(name), text.replace("exercise", "sports")).unwrap();
    }
    let (files, lock) = generate(spec.path(), "").unwrap();
    let error = target.compare(&files, &lock).unwrap_err().to_string();
    assert!(error.contains("is out of date"), "{error}");
    target.write(&files, &lock).unwrap();
    assert!(!target.folder.join("toolbox/exercise.rs").exists());
    target.verify().unwrap();
    target.compare(&files, &lock).unwrap();
}

#[test]
fn the_overlay_shrinks_when_the_documents_catch_up() {
    let overlay = "[[value]]\napi = \"control-plane\"\nmodel = \"Coat\"\nvalue = \"SHORT\"\n";
    let error = format!("{:#}", generate(&testdata(), overlay).unwrap_err());
    assert!(
        error.contains("by now: drop it from the overlay"),
        "{error}"
    );
}

#[test]
fn what_is_written_by_hand_is_left_out_and_watched() {
    let overlay = |members: &str| {
        format!(
            "[[raw]]\napi = \"control-plane\"\ntags = [\"dogs\"]\n\
             [[by_hand]]\napi = \"control-plane\"\nmodel = \"CreateDog\"\npath = \"crate::by_hand::Puppy\"\n\
             members = {members}\n"
        )
    };
    let error = format!(
        "{:#}",
        generate(&testdata(), &overlay("[\"name\"]")).unwrap_err()
    );
    assert!(error.contains("gives CreateDog the members"), "{error}");
    let members = r#"["name", "env", "token", "type"]"#;
    let (files, _) = generate(&testdata(), &overlay(members)).unwrap();
    let text: String = files.into_values().collect();
    assert!(!text.contains("struct CreateDog "), "{text}");
    assert!(text.contains("crate::by_hand::Puppy"), "{text}");
}

#[test]
fn a_name_that_is_not_defined_is_an_error() {
    let spec = tempfile::tempdir().unwrap();
    for name in ["api.json", "toolbox.json"] {
        let text = fs::read_to_string(testdata().join(name)).unwrap();
        fs::write(
            spec.path().join(name),
            text.replace("schemas/Coat", "schemas/Fur"),
        )
        .unwrap();
    }
    let error = format!("{:#}", generate(spec.path(), "").unwrap_err());
    assert!(error.contains("there is no schema Fur"), "{error}");
}

#[test]
fn arguments_are_understood() {
    let parse =
        |args: &[&str]| Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>());
    let options = parse(&["--check", "--spec-dir", "x"]).unwrap();
    assert!(options.check);
    assert_eq!(options.spec_dir.as_deref(), Some(Path::new("x")));
    assert!(parse(&["--spec-dir"]).is_err());
    assert!(parse(&["--chekc"]).is_err());
}
