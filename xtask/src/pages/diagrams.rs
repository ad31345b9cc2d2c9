//! Diagrams of what the code has already: the arrows between the crates, and the states of a slot.
//!
//! Each is a picture, which every reader of the page sees, and its text for Mermaid, which some pages draw and searches
//! find.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::drawing::{Arrow, Graph, Node, svg};
use crate::tidy::tree::Tree;

/// Written by the test that walks through all states.
pub(super) const TRANSITIONS: &str = "crates/sandbox-core/src/cache/slot/tests/snapshots/sandbox_core__cache__slot__tests__walk__transitions.snap";
const ALL: &[&str] = &["crates", "slot"];

/// Where the picture is.
fn file(what: &str) -> String {
    format!("docs/diagrams/{what}.svg")
}

/// The page with its diagrams as the code has them.
pub(super) fn draw(tree: &Tree, page: &str) -> Result<String> {
    let mut missing = BTreeSet::from_iter(ALL.iter().copied());
    let drawn = super::replace(page, |what, _| {
        missing.remove(what);
        let diagram = Diagram::of(tree, what)?;
        let (title, mermaid) = (&diagram.title, diagram.mermaid());
        Ok(format!(
            "\n![{title}](diagrams/{what}.svg)\n\n<details><summary>The same as text, for Mermaid</summary>\n\n\
             ```mermaid\n{mermaid}```\n\n</details>\n\n"
        ))
    })?;
    if let Some(what) = missing.first() {
        bail!("there is no `<!-- begin {what} -->`");
    }
    Ok(drawn)
}

/// The pictures, by the files they are in.
pub(super) fn pictures(tree: &Tree) -> Result<Vec<(String, String)>> {
    let mut pictures = Vec::new();
    for what in ALL {
        pictures.push((file(what), svg(&Diagram::of(tree, what)?.graph())));
    }
    Ok(pictures)
}

/// What both are made of.
struct Diagram {
    title: &'static str,
    /// The first lines of its text.
    head: &'static str,
    /// In the order in which they are drawn.
    nodes: Vec<String>,
    edges: Vec<Edge>,
}

struct Edge {
    from: String,
    to: String,
    label: String,
    is_dotted: bool,
}

impl Diagram {
    fn of(tree: &Tree, what: &str) -> Result<Self> {
        match what {
            "crates" => crates(tree),
            "slot" => slot(tree),
            other => bail!("nothing draws `{other}`"),
        }
    }

    fn mermaid(&self) -> String {
        let mut text = self.head.to_owned();
        for edge in &self.edges {
            let arrow = if edge.is_dotted { "-.->" } else { "-->" };
            let _ = write!(text, "    {} {arrow} {}", edge.from, edge.to);
            if !edge.label.is_empty() {
                let _ = write!(text, ": {}", edge.label);
            }
            text.push('\n');
        }
        text
    }

    /// Several arrows between two nodes are one with all their labels, and one to itself is a note.
    fn graph(&self) -> Graph {
        let place = |name: &str| self.nodes.iter().position(|node| node == name);
        let mut graph = Graph {
            title: self.title.to_owned(),
            ..Graph::default()
        };
        for name in &self.nodes {
            let own = self
                .edges
                .iter()
                .filter(|edge| edge.from == *name && edge.to == *name);
            let own: Vec<&str> = own.map(|edge| edge.label.as_str()).collect();
            let note = if own.is_empty() {
                String::new()
            } else {
                format!("{}: stays", own.join(", "))
            };
            graph.nodes.push(Node {
                name: name.clone(),
                note,
            });
        }
        for edge in self.edges.iter().filter(|edge| edge.from != edge.to) {
            let (Some(from), Some(to)) = (place(&edge.from), place(&edge.to)) else {
                continue;
            };
            let mut arrows = graph.arrows.iter_mut();
            match arrows.find(|arrow| (arrow.from, arrow.to) == (from, to)) {
                Some(arrow) => {
                    let _ = write!(arrow.label, ", {}", edge.label);
                }
                None => graph.arrows.push(Arrow {
                    from,
                    to,
                    label: edge.label.clone(),
                    is_dashed: edge.is_dotted,
                }),
            }
        }
        graph
    }
}

/// What each crate is built on. What only a feature brings is dotted; what only tests use is left out.
fn crates(tree: &Tree) -> Result<Diagram> {
    let packages = tree.packages()?;
    let ours = || {
        packages
            .iter()
            .filter(|package| package.folder.starts_with("crates/"))
    };
    let mut edges = Vec::new();
    for package in ours() {
        for (used, entry) in package.entries("dependencies") {
            if ours().any(|other| other.name() == used) {
                edges.push(Edge {
                    from: package.name().to_owned(),
                    to: used.clone(),
                    label: String::new(),
                    is_dotted: entry.get("optional").and_then(toml::Value::as_bool) == Some(true),
                });
            }
        }
    }
    // Each above what it is built on.
    let mut open: BTreeSet<&str> = ours().map(|package| package.name()).collect();
    let mut nodes = Vec::new();
    while !open.is_empty() {
        let is_used = |name: &str| {
            let mut users = edges.iter().filter(|edge| edge.to == name);
            users.any(|edge| open.contains(edge.from.as_str()))
        };
        let next = open.iter().copied().find(|name| !is_used(name));
        let next = next.context("the crates depend on each other in a circle")?;
        open.remove(next);
        nodes.push(next.to_owned());
    }
    Ok(Diagram {
        title: "What each crate is built on",
        head: "flowchart LR\n",
        nodes,
        edges,
    })
}

/// One arrow per line of the snapshot, `From -> To: event`.
fn slot(tree: &Tree) -> Result<Diagram> {
    let snapshot = tree
        .get(TRANSITIONS)
        .with_context(|| format!("there is no {TRANSITIONS}"))?;
    let (_, body) = snapshot
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("---\n"))
        .context("the snapshot of the slot's transitions has no body")?;
    let mut edges = Vec::new();
    for line in body.lines() {
        let parts = line.split_once(" -> ").and_then(|(from, rest)| {
            let (to, label) = rest.split_once(": ")?;
            Some((from, to, label))
        });
        let (from, to, label) = parts.with_context(|| format!("`{line}` is no transition"))?;
        edges.push(Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            label: label.to_owned(),
            is_dotted: false,
        });
    }
    // As they are reached, from where a slot begins.
    let mut nodes = vec!["Vacant".to_owned()];
    let mut at = 0;
    while let Some(from) = nodes.get(at).cloned() {
        for edge in edges.iter().filter(|edge| edge.from == from) {
            if !nodes.contains(&edge.to) {
                nodes.push(edge.to.clone());
            }
        }
        at += 1;
    }
    if let Some(edge) = edges.iter().find(|edge| !nodes.contains(&edge.from)) {
        bail!("no transition leads to {}", edge.from);
    }
    Ok(Diagram {
        title: "The states of a slot",
        head: "stateDiagram-v2\n    [*] --> Vacant\n",
        nodes,
        edges,
    })
}
