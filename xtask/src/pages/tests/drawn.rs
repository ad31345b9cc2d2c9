//! Diagrams and pictures that drift from the code.

use super::*;

#[test]
fn a_diagram_that_drifts_is_found() {
    let fixture = Fixture::new();
    let page = fixture.read(ARCHITECTURE);
    assert!(
        page.contains("```mermaid\nflowchart LR\n    alpha --> beta\n```"),
        "{page}"
    );
    let states = "stateDiagram-v2\n    [*] --> Vacant\n    Creating --> Ready: made\n    Ready --> Vacant: close\n    Vacant --> Creating: open\n";
    assert!(page.contains(states), "{page}");

    fixture.edit(
        "crates/alpha/Cargo.toml",
        "path = \"b\"",
        "path = \"b\", optional = true",
    );
    let found = fixture.check();
    assert_says(
        &found,
        "docs/architecture.md: the code has \"    alpha -.-> beta\" too",
    );

    let fixture = Fixture::new();
    fixture.edit(
        diagrams::TRANSITIONS,
        "Ready -> Vacant: close",
        "Ready -> Lost: gone",
    );
    assert_says(
        &fixture.check(),
        "the code has \"    Ready --> Lost: gone\" too",
    );

    let fixture = Fixture::new();
    fixture.edit(ARCHITECTURE, "Vacant: close", "Ready: close");
    assert_says(
        &fixture.check(),
        "docs/architecture.md:28: the code has no \"    Ready --> Ready: close\"",
    );
    let fixture = Fixture::new();
    fixture.edit(ARCHITECTURE, "<!-- begin slot -->", "");
    assert_says(&fixture.check(), "there is no `<!-- begin slot -->`");
}

#[test]
fn a_picture_that_drifts_is_found() {
    const SLOT: &str = "docs/diagrams/slot.svg";
    const CRATES: &str = "docs/diagrams/crates.svg";
    let fixture = Fixture::new();
    let page = fixture.read(ARCHITECTURE);
    assert!(
        page.contains("![The states of a slot](diagrams/slot.svg)"),
        "{page}"
    );
    let picture = fixture.read(SLOT);
    for name in ["Vacant", "Creating", "Ready", "made", "close"] {
        assert_eq!(
            picture.matches(&format!(">{name}</text>")).count(),
            1,
            "{name}: {picture}"
        );
    }
    assert!(!picture.contains("stroke-dasharray"), "{picture}");

    // By hand, by the code, and not at all.
    fixture.edit(SLOT, ">made<", ">born<");
    assert_eq!(
        fixture.check(),
        format!("{SLOT} is not what the code says; {FIX}")
    );
    run(fixture.0.path(), &[]).unwrap();
    assert_eq!(fixture.check(), "");
    fixture.edit(
        "crates/alpha/Cargo.toml",
        "path = \"b\"",
        "path = \"b\", optional = true",
    );
    assert_says(
        &fixture.check(),
        &format!("{CRATES} is not what the code says"),
    );
    run(fixture.0.path(), &[]).unwrap();
    assert!(fixture.read(CRATES).contains("stroke-dasharray"));
    fs::remove_file(fixture.0.path().join(CRATES)).unwrap();
    assert_says(
        &fixture.check(),
        &format!("{CRATES} is not what the code says"),
    );
    run(fixture.0.path(), &[]).unwrap();
    fixture.write("docs/diagrams/old.svg", "<svg/>");
    assert_says(&fixture.check(), "docs/diagrams/old.svg: nothing draws it");
}

#[test]
fn a_state_that_nothing_leads_to_is_no_picture() {
    let fixture = Fixture::new();
    fixture.edit(diagrams::TRANSITIONS, "Creating -> Ready: made\n", "");
    assert_says(&fixture.check(), "no transition leads to Ready");
    fixture.edit(
        diagrams::TRANSITIONS,
        "Ready -> Vacant: close",
        "Ready to Vacant",
    );
    assert_says(&fixture.check(), "`Ready to Vacant` is no transition");
}

#[test]
fn lines_of_a_picture_do_not_meet_but_where_they_cross() {
    use drawing::{Arrow, Graph, Node, svg};
    let node = |name: &str| Node {
        name: name.to_owned(),
        note: String::new(),
    };
    let arrow = |from, to, label: &str, is_dashed| Arrow {
        from,
        to,
        label: label.to_owned(),
        is_dashed,
    };
    let graph = Graph {
        title: "A < B".to_owned(),
        nodes: ["a", "b", "c", "d"].map(node).into(),
        arrows: vec![
            arrow(0, 3, "far", true),
            arrow(0, 1, "near", false),
            arrow(1, 3, "", false),
            arrow(2, 3, "", false),
            arrow(3, 0, "back & up", false),
            arrow(2, 0, "up", false),
            arrow(2, 1, "one up", false),
        ],
    };
    let picture = svg(&graph);
    assert_eq!(picture, svg(&graph), "the same graph is the same picture");
    assert!(picture.contains("<title>A &lt; B</title>"), "{picture}");
    assert!(picture.contains(">back &amp; up</text>"), "{picture}");

    // The horizontal lines by where they begin, and the vertical ones by where they stand.
    let numbers = |path: &str| -> Vec<i64> {
        let parts = path.split(|c: char| !c.is_ascii_digit());
        parts.filter_map(|part| part.parse().ok()).collect()
    };
    let paths = picture.split("<path d=\"").skip(1);
    let paths: Vec<&str> = paths.filter_map(|rest| rest.split('"').next()).collect();
    let starts: Vec<Vec<i64>> = paths
        .iter()
        .filter(|path| path.contains('H') && !path.contains('V'))
        .map(|path| numbers(path))
        .collect();
    let trunks: Vec<Vec<i64>> = paths
        .iter()
        .filter(|path| path.contains('H') && path.contains('V'))
        .map(|path| numbers(path))
        .collect();
    assert_eq!((starts.len(), trunks.len()), (7, 4), "{paths:?}");
    for (at, one) in trunks.iter().enumerate() {
        for other in trunks.iter().skip(at + 1) {
            assert_ne!(
                one.first(),
                other.first(),
                "two lines beside each other: {paths:?}"
            );
        }
    }
    let right = starts.iter().map(|start| start[0]).max();
    let mut ends: Vec<(bool, i64)> = starts
        .iter()
        .map(|start| (Some(start[0]) == right, start[1]))
        .collect();
    ends.extend(
        trunks
            .iter()
            .map(|trunk| (Some(trunk[0]) > right, trunk[2])),
    );
    let all = ends.len();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(
        ends.len(),
        all,
        "two lines at one place of a node: {paths:?}"
    );
}
