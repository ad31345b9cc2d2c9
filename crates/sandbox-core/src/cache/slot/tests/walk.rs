//! All states a slot can be in, and what leads from one to another: docs/architecture.md draws the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Condition as _, State};
use super::model::{End, Model, Step};
use super::{DOUBTFUL, LOST, SOUND};

/// What happens, in words; of those with a number every number that the walk can meet.
fn steps() -> Vec<(&'static str, Step)> {
    let mut steps = vec![
        ("open", Step::Enter),
        ("made", Step::Finish(0, End::Ready)),
        ("failed", Step::Finish(0, End::Nothing)),
        ("no clear answer", Step::Finish(0, End::Unclear)),
        ("looked at", Step::FinishRevival(0)),
        ("may have stopped", Step::Mark(0, DOUBTFUL)),
        ("known to be gone", Step::Mark(0, LOST)),
        ("answers", Step::Mark(0, SOUND)),
        ("taken out", Step::TakeOut(0)),
        ("close", Step::NextEpoch),
    ];
    steps.extend((0..8).map(|number| ("decided", Step::Decided(number))));
    steps
}

fn name(model: &Model) -> &'static str {
    match model.slot.state() {
        State::Vacant { unclear: None } => "Vacant",
        State::Vacant { unclear: Some(_) } => "Unclear",
        State::Creating(_) => "Creating",
        State::Reviving(..) => "Reviving",
        State::Ready(entry) if entry.is_sound() => "Ready",
        State::Ready(entry) if entry.is_live() => "Doubtful",
        State::Ready(_) => "Lost",
    }
}

fn replay(path: &[Step]) -> Model {
    let mut model = Model::new();
    for step in path {
        model.step(*step);
    }
    model
}

#[test]
fn transitions() {
    let mut paths: BTreeMap<&str, Vec<Step>> = BTreeMap::from([("Vacant", Vec::new())]);
    let mut open = vec!["Vacant"];
    let mut arrows = BTreeSet::new();
    while let Some(from) = open.pop() {
        for (event, step) in steps() {
            // A sandbox that is looked at may be found to be gone, or to be well.
            let before = match step {
                Step::FinishRevival(_) => vec![None, Some(Step::Mark(0, LOST))],
                _ => vec![None],
            };
            for first in before {
                let mut path = paths.get(from).cloned().unwrap_or_default();
                path.extend(first);
                let there = name(&replay(&path));
                path.push(step);
                let to = name(&replay(&path));
                if there != from || (to == from && event != "open") {
                    continue;
                }
                let how = match (event, first) {
                    ("looked at", Some(_)) => "gone",
                    ("looked at", None) if to == "Doubtful" => "still there",
                    _ => event,
                };
                arrows.insert(format!("{from} -> {to}: {how}"));
                if !paths.contains_key(to) {
                    paths.insert(to, path);
                    open.push(to);
                }
            }
        }
    }
    assert_eq!(paths.len(), 7, "a state that nothing leads to");
    let lines: Vec<String> = arrows.into_iter().collect();
    insta::assert_snapshot!(lines.join("\n"));
}
