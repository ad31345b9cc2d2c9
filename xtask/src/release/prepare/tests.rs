use super::*;

fn change(name: &str, text: &str) -> Fragment {
    fragment(name, text, PathBuf::from(name)).unwrap()
}

#[test]
fn sections_are_in_order_and_the_newest_is_first() {
    let fragments = [
        change("a.fixed.md", "A leak.\nIt was small."),
        change("b.added.md", "A sweeper.\n"),
    ];
    let notes = notes(&fragments, "0.2.0", "2026-12-01", false).unwrap();
    assert_eq!(
        notes,
        "## 0.2.0 - 2026-12-01\n\n### Added\n\n* A sweeper.\n\n### Fixed\n\n* A leak.\n  It was small.\n"
    );
    let first = with_section("", &notes);
    assert!(first.starts_with("# Changelog\n\n## 0.2.0"), "{first}");
    let second = with_section(&first, "## 0.3.0 - 2027-01-01\n");
    assert!(
        second.starts_with("# Changelog\n\n## 0.3.0 - 2027-01-01\n\n## 0.2.0"),
        "{second}"
    );
    assert_eq!(
        tag_message("0.2.0", &notes),
        "daytona-env 0.2.0\n\nAdded\n\n* A sweeper.\n\nFixed\n\n* A leak.\n  It was small.\n"
    );
}

#[test]
fn the_first_release_says_that_nobody_had_what_it_mends() {
    let fragments = [change("a.fixed.md", "A leak.")];
    let notes = notes(&fragments, "0.1.0", "2026-12-01", true).unwrap();
    assert_eq!(
        notes,
        "## 0.1.0 - 2026-12-01\n\nThe first release. What was changed or fixed was so in the repository only.\n\n\
         ### Fixed\n\n* A leak.\n"
    );
}

#[test]
fn a_fragment_says_what_kind_of_change_it_is() {
    for (name, text) in [
        ("x.md", "t"),
        ("x.misc.md", "t"),
        ("x.added.txt", "t"),
        ("x.added.md", " \n"),
    ] {
        fragment(name, text, PathBuf::new()).unwrap_err();
    }
    let error = notes(&[], "0.2.0", "2026-12-01", false).unwrap_err();
    assert!(error.to_string().contains("nothing to release"));
}

#[test]
fn versions_go_forward_in_every_place_and_nowhere_else() {
    let manifest = "[workspace.package]\nversion = \"0.1.3\"\n[workspace.dependencies]\n\
                    ours = { path = \"crates/ours\", version = \"0.1.3\" }\nother = { version = \"0.1.3\" }\n";
    let bumped = bump(manifest, "0.2.0", true).unwrap();
    assert_eq!(bumped.matches("0.2.0").count(), 2);
    assert!(bumped.contains("other = { version = \"0.1.3\" }"));
    for version in ["0.1.3", "0.1.2", "0.0.9"] {
        assert!(
            bump(manifest, version, true)
                .unwrap_err()
                .to_string()
                .contains("is not after 0.1.3")
        );
    }
    assert_eq!(bump(manifest, "0.1.3", false).unwrap(), manifest);
    for version in ["1", "1.2", "1.2.x", "v1.2.3", "1.2.3.4"] {
        Options::parse(&[version.to_owned()]).unwrap_err();
    }
}

#[test]
fn every_package_of_this_workspace_goes_forward() {
    let manifest = include_str!("../../../../Cargo.toml");
    let bumped: toml::Table = bump(manifest, "99.0.0", true).unwrap().parse().unwrap();
    let workspace = &bumped["workspace"];
    assert_eq!(workspace["package"]["version"].as_str(), Some("99.0.0"));
    let ours = workspace["dependencies"].as_table().unwrap().iter();
    let ours: Vec<_> = ours
        .filter(|(_, value)| value.get("path").is_some())
        .collect();
    assert!(ours.len() > 5, "{ours:?}");
    for (name, value) in ours {
        assert_eq!(value["version"].as_str(), Some("99.0.0"), "{name}");
    }
}

/// A committed tree of these files.
fn committed(files: &[(&str, &str)]) -> (tempfile::TempDir, Shell) {
    let folder = tempfile::tempdir().unwrap();
    let sh = Shell::new().unwrap();
    sh.change_dir(folder.path());
    for (path, text) in files {
        sh.write_file(path, text).unwrap();
    }
    cmd!(sh, "cargo generate-lockfile --offline --quiet")
        .quiet()
        .run()
        .unwrap();
    cmd!(sh, "git init --quiet").quiet().run().unwrap();
    cmd!(sh, "git add .").quiet().run().unwrap();
    cmd!(
        sh,
        "git -c user.name=a -c user.email=a@b commit --quiet -m first"
    )
    .quiet()
    .run()
    .unwrap();
    (folder, sh)
}

#[test]
fn a_new_version_that_does_not_resolve_is_refused_and_the_tree_stays_as_it_is() {
    // one names the version of the other
    let (folder, sh) = committed(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.package]\nversion = \"0.1.0\"\n\
             [workspace.dependencies]\na = { path = \"crates/a\", version = \"0.1.0\" }\n",
        ),
        (
            "crates/a/Cargo.toml",
            "[package]\nname = \"a\"\nversion.workspace = true\nedition = \"2024\"\n",
        ),
        ("crates/a/src/lib.rs", "//! A.\n"),
        (
            "crates/b/Cargo.toml",
            "[package]\nname = \"b\"\nversion.workspace = true\nedition = \"2024\"\n[dependencies]\n\
             a.workspace = true\n",
        ),
        ("crates/b/src/lib.rs", "//! B.\n"),
    ]);
    let out = tempfile::tempdir().unwrap();
    let manifest = sh.read_file("Cargo.toml").unwrap();
    let bumped = bump(&manifest, "0.2.0", false).unwrap();
    let made = out.path().join("tree");
    copy(&sh, &bumped, &made).unwrap();
    let lock = fs::read_to_string(made.join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("version = \"0.2.0\"").count(), 2, "{lock}");

    let half = bumped.replacen("version = \"0.2.0\" }", "version = \"0.1.0\" }", 1);
    let error = copy(&sh, &half, &made).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not resolve with the new version"),
        "{error:#}"
    );
    clean(&sh).unwrap();
    assert!(folder.path().join("crates/a/src/lib.rs").exists());
}

#[test]
fn a_dirty_tree_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sh = Shell::new().unwrap();
    sh.change_dir(folder.path());
    cmd!(sh, "git init --quiet").quiet().run().unwrap();
    clean(&sh).unwrap();
    fs::write(folder.path().join("new"), "").unwrap();
    assert!(
        clean(&sh)
            .unwrap_err()
            .to_string()
            .contains("not committed")
    );
}

#[test]
fn a_red_tree_is_refused() {
    // The first step that every tree must pass is its format.
    let (folder, _sh) = committed(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"a\"]\n[workspace.package]\nversion = \"0.1.0\"\n",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nversion.workspace = true\nedition = \"2024\"\n",
        ),
        ("a/src/lib.rs", "pub   fn badly_set() {}\n"),
        ("changelog.d/a.added.md", "A thing.\n"),
    ]);
    let before = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    let error = run(folder.path(), &["0.2.0".to_owned()]).unwrap_err();
    assert!(
        format!("{error:#}").contains("the tree is red"),
        "{error:#}"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("Cargo.toml")).unwrap(),
        before
    );
}

#[test]
fn an_sbom_names_no_folder_of_this_machine() {
    let copy = Path::new("/home/me/tree");
    let list =
        r#""bom-ref": "path+file:///home/me/tree/crates/a#0.1.0", "purl": "pkg:cargo/a@0.1.0""#;
    assert_eq!(
        without_machine(list, copy).unwrap(),
        r#""bom-ref": "path+file:///crates/a#0.1.0", "purl": "pkg:cargo/a@0.1.0""#
    );
    let error = without_machine(r#""from": "/home/me/tree""#, copy).unwrap_err();
    assert!(error.to_string().contains("names a folder"), "{error:#}");
}
