//! What Python code drew, as [`CodeRunArtifacts::charts`](super::toolbox::CodeRunArtifacts::charts) and the code
//! interpreter tell it: the data behind a figure of matplotlib, and its picture.
//!
//! Nothing that a server tells is lost. A member that this version does not know, or whose value has not the form it
//! should, stays in `other` as it came; a chart of an unknown type is [`ChartData::Unknown`] with its elements. Numbers
//! may come as `5`, `5.0` or `"5"`, labels as text or numbers; `null` is the same as nothing, and so is an empty list.
//!
//! Facts from Daytona's published document of the toolbox and from its Python package, 0.140 and 0.226.
//!
//! ```
//! use daytona_api::models::charts::{Chart, ChartData, ChartValue};
//!
//! let told = r#"{
//!     "type": "line", "title": "Growth", "x_label": "day", "x_scale": "linear",
//!     "elements": [{"label": "height", "points": [[1, 0.5], [2.0, 0.75]]}]
//! }"#;
//! let chart: Chart = serde_json::from_str(told)?;
//! assert_eq!((chart.kind(), chart.x.label.as_deref()), ("line", Some("day")));
//! let ChartData::Line(lines) = &chart.data else { panic!("{chart:?}") };
//! assert_eq!(lines[0].points[1].x, ChartValue::Number(2.0));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod data;
mod members;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::data::{BarData, BoxAndWhiskerData, ChartValue, PieData, Point, PointData};
use self::members::{Members, impl_members};
use super::decode;

/// A figure, or one of the plots of a figure that has several ([`ChartData::Composite`]).
///
/// Debug shows of the picture its size only.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Chart {
    /// What kind of chart it is, and what it shows.
    pub data: ChartData,
    /// What stands above it.
    pub title: Option<String>,
    /// The picture of the whole figure, a PNG file in base64. Plots within a figure have none.
    pub png: Option<String>,
    /// The horizontal axis. Of bars and boxes that lie it is the vertical one: labels stay with what they are of.
    pub x: Axis,
    /// The other axis.
    pub y: Axis,
    /// What this version does not know, or cannot read, as it came.
    pub other: Map<String, Value>,
}

impl Chart {
    /// The kind in Daytona's words, such as `box_and_whisker`; empty where none was told.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.data.kind()
    }

    /// The picture: a PNG file. `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where [`png`](Self::png) is not base64.
    ///
    /// ```
    /// use daytona_api::models::charts::Chart;
    ///
    /// let chart: Chart = serde_json::from_str(r#"{"type": "pie", "png": "iVBORw=="}"#)?;
    /// assert_eq!(chart.png_bytes()?.as_deref(), Some(&b"\x89PNG"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "client")]
    pub fn png_bytes(&self) -> Result<Option<Vec<u8>>, crate::Error> {
        use base64::Engine as _;
        let Some(text) = &self.png else {
            return Ok(None);
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim());
        bytes.map(Some).map_err(|error| {
            let what = "the picture of the chart is not base64";
            crate::Error::new(crate::ErrorKind::Decode, what).with_source(error)
        })
    }

    fn read(mut members: Members) -> Self {
        let kind = members.text("type");
        // none has this kind: what was told stays beside
        let unnamed = kind.as_ref().is_some_and(String::is_empty);
        let kind = kind.unwrap_or_default();
        let mut chart = Self {
            title: members.text("title"),
            png: members.text("png"),
            x: Axis::read(&mut members, &X),
            y: Axis::read(&mut members, &Y),
            data: ChartData::read(kind, &mut members),
            other: members.rest(),
        };
        if unnamed {
            chart.other.insert("type".to_owned(), Value::from(""));
        }
        chart
    }

    fn write(&self) -> Map<String, Value> {
        let mut members = Members::of(&self.other);
        members.set("type", Some(self.kind()).filter(|kind| !kind.is_empty()));
        members.set("title", self.title.as_ref());
        members.set("png", self.png.as_ref());
        self.x.write(&mut members, &X);
        self.y.write(&mut members, &Y);
        self.data.write(&mut members);
        members.rest()
    }
}

impl fmt::Debug for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let png = self.png.as_ref().map(|png| Size(png.len()));
        f.debug_struct("Chart")
            .field("data", &self.data)
            .field("title", &self.title)
            .field("png", &png)
            .field("x", &self.x)
            .field("y", &self.y)
            .field("other", &self.other)
            .finish()
    }
}

struct Size(usize);

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of base64", self.0)
    }
}

impl_members!(Chart);

/// What a chart shows, by its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChartData {
    /// `line`: lines through points.
    Line(Vec<PointData>),
    /// `scatter`: points.
    Scatter(Vec<PointData>),
    /// `bar`: bars, standing or lying.
    Bar(Vec<BarData>),
    /// `pie`: the slices of a pie.
    Pie(Vec<PieData>),
    /// `box_and_whisker`: how values are spread.
    BoxAndWhisker(Vec<BoxAndWhiskerData>),
    /// `composite_chart`: a figure of several plots.
    Composite(Vec<Chart>),
    /// `unknown`, and every other kind.
    Unknown {
        /// The kind as the server calls it; empty where it does not say.
        kind: String,
        /// Its elements as they came.
        elements: Vec<Value>,
    },
}

impl Default for ChartData {
    /// Of a kind that is not told.
    fn default() -> Self {
        Self::Unknown {
            kind: String::new(),
            elements: Vec::new(),
        }
    }
}

impl ChartData {
    /// As [`Chart::kind`].
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Line(_) => "line",
            Self::Scatter(_) => "scatter",
            Self::Bar(_) => "bar",
            Self::Pie(_) => "pie",
            Self::BoxAndWhisker(_) => "box_and_whisker",
            Self::Composite(_) => "composite_chart",
            Self::Unknown { kind, .. } => kind,
        }
    }

    fn read(kind: String, members: &mut Members) -> Self {
        match kind.as_str() {
            "line" => Self::Line(members.objects("elements", PointData::read)),
            "scatter" => Self::Scatter(members.objects("elements", PointData::read)),
            "bar" => Self::Bar(members.objects("elements", BarData::read)),
            "pie" => Self::Pie(members.objects("elements", PieData::read)),
            "box_and_whisker" => {
                Self::BoxAndWhisker(members.objects("elements", BoxAndWhiskerData::read))
            }
            "composite_chart" => Self::Composite(members.objects("elements", Chart::read)),
            _ => Self::Unknown {
                kind,
                elements: members.list("elements", |value| Some(value.clone())),
            },
        }
    }

    fn write(&self, members: &mut Members) {
        let name = "elements";
        match self {
            Self::Line(all) | Self::Scatter(all) => members.set_list(name, all),
            Self::Bar(all) => members.set_list(name, all),
            Self::Pie(all) => members.set_list(name, all),
            Self::BoxAndWhisker(all) => members.set_list(name, all),
            Self::Composite(all) => members.set_list(name, all),
            Self::Unknown { elements, .. } => members.set_list(name, elements),
        }
    }
}

/// An axis of a chart. Kinds that have none (`pie`) or tell less of them (`bar`) leave it as it is by default.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Axis {
    /// What it is of.
    pub label: Option<String>,
    /// How values lie on it.
    pub scale: Option<AxisScale>,
    /// Where its marks are. On a scale of times they are texts (ISO 8601).
    pub ticks: Vec<ChartValue>,
    /// What stands at the marks.
    pub tick_labels: Vec<String>,
}

/// The names of an axis' members.
struct Names {
    label: &'static str,
    scale: &'static str,
    ticks: &'static str,
    tick_labels: &'static str,
}

const X: Names = Names {
    label: "x_label",
    scale: "x_scale",
    ticks: "x_ticks",
    tick_labels: "x_tick_labels",
};

const Y: Names = Names {
    label: "y_label",
    scale: "y_scale",
    ticks: "y_ticks",
    tick_labels: "y_tick_labels",
};

impl Axis {
    fn read(members: &mut Members, names: &Names) -> Self {
        Self {
            label: members.text(names.label),
            scale: members.text(names.scale).map(AxisScale::from),
            ticks: members.list(names.ticks, ChartValue::read),
            tick_labels: members.list(names.tick_labels, members::text),
        }
    }

    fn write(&self, members: &mut Members, names: &Names) {
        members.set(names.label, self.label.as_ref());
        members.set(names.scale, self.scale.as_ref());
        members.set_list(names.ticks, &self.ticks);
        members.set_list(names.tick_labels, &self.tick_labels);
    }
}

/// How values lie on an axis: matplotlib's scales, and two that Daytona tells apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AxisScale {
    /// `linear`
    Linear,
    /// `datetime`: times.
    Datetime,
    /// `categorical`: names, at 0, 1, 2..
    Categorical,
    /// `log`
    Log,
    /// `symlog`
    Symlog,
    /// `logit`
    Logit,
    /// `asinh`
    Asinh,
    /// `function`
    Function,
    /// `functionlog`
    Functionlog,
    /// Another one, as it was told.
    Other(String),
}

impl AxisScale {
    /// The scale as servers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Linear => "linear",
            Self::Datetime => "datetime",
            Self::Categorical => "categorical",
            Self::Log => "log",
            Self::Symlog => "symlog",
            Self::Logit => "logit",
            Self::Asinh => "asinh",
            Self::Function => "function",
            Self::Functionlog => "functionlog",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for AxisScale {
    fn from(text: &str) -> Self {
        match text {
            "linear" => Self::Linear,
            "datetime" => Self::Datetime,
            "categorical" => Self::Categorical,
            "log" => Self::Log,
            "symlog" => Self::Symlog,
            "logit" => Self::Logit,
            "asinh" => Self::Asinh,
            "function" => Self::Function,
            "functionlog" => Self::Functionlog,
            _ => Self::Other(text.to_owned()),
        }
    }
}

decode::impl_text!(AxisScale);

#[cfg(test)]
mod tests;
