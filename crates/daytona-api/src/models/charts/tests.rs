use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{AxisScale, Chart, ChartData, ChartValue};
use crate::models::decode::tests::json_value;
use crate::models::toolbox::CodeRunResponse;

fn chart(value: Value) -> Chart {
    serde_json::from_value(value).unwrap()
}

/// One of each kind, as the wrapper of Daytona's Python package 0.140 writes them.
fn told() -> [Value; 7] {
    let axes = json!({
        "title": "T", "x_label": "x", "y_label": "y", "x_ticks": [0, 1.5], "x_tick_labels": ["0", "1.5"],
        "x_scale": "linear", "y_ticks": ["2026-01-01T00:00:00+00:00"], "y_tick_labels": ["Jan"], "y_scale": "datetime",
    });
    let with = |kind: &str, elements: Value| {
        let mut chart = axes.clone();
        chart["type"] = json!(kind);
        chart["elements"] = elements;
        chart
    };
    [
        with(
            "line",
            json!([{"label": "a", "points": [[0, 1], [0.5, null]]}]),
        ),
        with(
            "scatter",
            json!([{"label": "", "points": [["2026-01-01", 1e3]]}]),
        ),
        with(
            "bar",
            json!([{"label": "a", "group": "g", "value": 3}, {"label": "b", "group": "g", "value": "4.5"}]),
        ),
        with(
            "pie",
            json!([{"label": "a", "angle": 90.0, "radius": 1, "autopct": "25%"}]),
        ),
        with(
            "box_and_whisker",
            json!([{
                "label": "a", "min": 1, "first_quartile": "2", "median": 3.0, "third_quartile": 4, "max": null,
                "outliers": [9, -3.5],
            }]),
        ),
        json!({"type": "composite_chart", "title": null, "png": "AA==", "elements": [
            with("bar", json!([])), {"type": "heatmap", "elements": [[1, 2]], "cells": {"a": 1}},
        ]}),
        json!({"type": "unknown", "png": "AA=="}),
    ]
}

#[test]
fn every_kind_is_typed() {
    insta::assert_debug_snapshot!(told().map(chart));
}

#[test]
fn what_is_written_is_what_was_told() {
    for told in told() {
        let (first, again) = (chart(told.clone()), json!(chart(told.clone())));
        assert_eq!(normal(&again), normal(&told));
        assert_eq!(chart(again), first);
    }
}

#[test]
fn a_run_gives_its_charts() {
    let told = json!({"exitCode": 0, "result": "", "artifacts": {"charts": told(), "later": 1}});
    let run: CodeRunResponse = serde_json::from_value(told).unwrap();
    let charts = run.artifacts.unwrap().charts.unwrap();
    let kinds: Vec<_> = charts.iter().map(Chart::kind).collect();
    let known = [
        "line",
        "scatter",
        "bar",
        "pie",
        "box_and_whisker",
        "composite_chart",
        "unknown",
    ];
    assert_eq!(kinds, known);
    let odd = json!({"artifacts": {"charts": [null, 1, "x", [], {}]}});
    let run: CodeRunResponse = serde_json::from_value(odd).unwrap();
    assert_eq!(run.artifacts.unwrap().charts, Some(vec![Chart::default()]));
}

#[test]
fn what_has_not_its_form_is_kept_beside() {
    let odd = chart(json!({
        "type": "line", "title": ["a"], "x_ticks": [1, {}], "x_tick_labels": "1", "y_scale": "squared", "colour": null,
        "elements": [{"label": 7, "points": [[1, 2], [1, 2, 3]], "dashes": [4]}],
    }));
    assert_eq!((odd.title.clone(), odd.x.ticks.len()), (None, 0));
    let mut others: Vec<_> = odd.other.keys().map(String::as_str).collect();
    others.sort_unstable();
    assert_eq!(others, ["colour", "title", "x_tick_labels", "x_ticks"]);
    assert_eq!(odd.y.scale, Some(AxisScale::Other("squared".to_owned())));
    let ChartData::Line(lines) = &odd.data else {
        panic!("{odd:?}")
    };
    assert_eq!(
        (lines[0].label.as_deref(), lines[0].points.len()),
        (Some("7"), 0)
    );
    assert_eq!(lines[0].other.len(), 2);
    let odd = chart(json!({"type": {"a": 1}, "elements": 5}));
    assert_eq!((odd.kind(), odd.other.len()), ("", 2));
    for wrong in ["[]", "1", "null", "\"line\""] {
        let error = serde_json::from_str::<Chart>(wrong).unwrap_err();
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}

#[test]
fn debug_shows_no_picture() {
    let shown = format!("{:?}", chart(json!({"type": "pie", "png": "QUFBQUFB"})));
    assert!(!shown.contains("QUFB"), "{shown}");
    assert!(shown.contains("8 bytes of base64"), "{shown}");
}

#[cfg(feature = "client")]
#[test]
fn a_picture_that_is_none_is_an_error() {
    let none = chart(json!({}));
    assert_eq!(none.png_bytes().unwrap(), None);
    let error = chart(json!({"png": "?"})).png_bytes().unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Decode);
    insta::assert_snapshot!(error, @"the picture of the chart is not base64");
}

/// Numbers alike however they are spelled; without what is the same as nothing.
fn normal(value: &Value) -> Value {
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), normal(value)));
            let empty =
                |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            Value::Object(members.filter(|(_, value)| !empty(value)).collect())
        }
        Value::Array(all) => all.iter().map(normal).collect(),
        Value::Number(number) => json!(number.as_f64()),
        Value::Bool(yes) => json!(yes.to_string()),
        Value::String(text) => number(text).map_or_else(|| json!(text), |number| json!(number)),
        Value::Null => Value::Null,
    }
}

/// A value for a member of this name: of the right form three times in four.
fn member(name: &'static str, depth: u32) -> BoxedStrategy<Value> {
    let number = prop_oneof![
        any::<i32>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from)
    ];
    let number =
        prop_oneof![3 => number.clone(), 1 => number.prop_map(|number| json!(number.to_string()))]
            .boxed();
    let text =
        prop_oneof![3 => ".{0,4}".prop_map(Value::from), 1 => any::<i16>().prop_map(Value::from)]
            .boxed();
    let list = |one: BoxedStrategy<Value>| {
        prop::collection::vec(one, 0..3)
            .prop_map(Value::from)
            .boxed()
    };
    let right = match name {
        "type" => {
            const KINDS: [&str; 8] = [
                "line",
                "scatter",
                "bar",
                "pie",
                "box_and_whisker",
                "composite_chart",
                "unknown",
                "sankey",
            ];
            prop::sample::select(&KINDS[..])
                .prop_map(Value::from)
                .boxed()
        }
        "elements" => list(object(depth.saturating_sub(1))),
        "points" => list(
            prop::collection::vec(number, 2..4)
                .prop_map(Value::from)
                .boxed(),
        ),
        "outliers" | "x_ticks" | "y_ticks" => list(number),
        "x_tick_labels" | "y_tick_labels" => list(text),
        "title" | "png" | "x_label" | "x_scale" | "label" | "group" | "autopct" => text,
        _ => number,
    };
    prop_oneof![3 => right, 1 => json_value()].boxed()
}

/// A chart, or an element of one.
fn object(depth: u32) -> BoxedStrategy<Value> {
    const NAMES: [&str; 24] = [
        "type",
        "title",
        "png",
        "elements",
        "x_label",
        "x_scale",
        "x_ticks",
        "x_tick_labels",
        "y_label",
        "y_scale",
        "y_ticks",
        "y_tick_labels",
        "label",
        "points",
        "group",
        "value",
        "angle",
        "radius",
        "autopct",
        "min",
        "median",
        "first_quartile",
        "outliers",
        "new",
    ];
    if depth == 0 {
        return json_value().boxed();
    }
    let members: Vec<_> = NAMES
        .iter()
        .map(|name| {
            prop::option::weighted(0.6, member(name, depth)).prop_map(move |value| (*name, value))
        })
        .collect();
    let all = members.prop_map(|members| {
        let told = members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(told.collect::<Map<_, _>>())
    });
    all.boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_told_is_lost(told in object(3)) {
        let first: Chart = serde_json::from_str(&told.to_string()).unwrap();
        let again = json!(first);
        prop_assert_eq!(normal(&again), normal(&told));
        prop_assert_eq!(serde_json::from_str::<Chart>(&again.to_string()).unwrap(), first);
    }

    #[test]
    fn a_value_is_a_number_where_it_can_be(number in any::<i32>()) {
        let number = f64::from(number) / 8.0;
        prop_assert_eq!(ChartValue::Number(number).number(), Some(number));
        prop_assert_eq!(ChartValue::Text(number.to_string()).number(), Some(number));
    }
}
