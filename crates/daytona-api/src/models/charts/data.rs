//! What the kinds of charts are made of.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::members::{self, Members, impl_members};

/// A value on an axis.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum ChartValue {
    /// A number.
    Number(f64),
    /// A time (ISO 8601) or a name.
    Text(String),
    /// None: a gap, or a number that JSON does not have.
    #[default]
    Missing,
}

impl ChartValue {
    /// The number, also one that came as text.
    ///
    /// ```
    /// use daytona_api::models::charts::ChartValue;
    ///
    /// assert_eq!(ChartValue::Text("2.5".to_owned()).number(), Some(2.5));
    /// assert_eq!(ChartValue::Text("2026-03-01".to_owned()).number(), None);
    /// ```
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Missing => None,
        }
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Missing),
            Value::Number(number) => number.as_f64().map(Self::Number),
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl Serialize for ChartValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Missing => serializer.serialize_unit(),
        }
    }
}

/// A point.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// Where it is on the horizontal axis.
    pub x: ChartValue,
    /// Where it is on the vertical axis.
    pub y: ChartValue,
}

impl Point {
    fn read(value: &Value) -> Option<Self> {
        match value.as_array()?.as_slice() {
            [x, y] => Some(Self {
                x: ChartValue::read(x)?,
                y: ChartValue::read(y)?,
            }),
            _ => None,
        }
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.x, &self.y).serialize(serializer)
    }
}

/// One line, or one cloud of points.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PointData {
    /// Its name.
    pub label: Option<String>,
    /// Its points, in their order.
    pub points: Vec<Point>,
    /// What this version does not know, or cannot read, as it came.
    pub other: Map<String, Value>,
}

impl PointData {
    pub(super) fn read(mut members: Members) -> Self {
        Self {
            label: members.text("label"),
            points: members.list("points", Point::read),
            other: members.rest(),
        }
    }

    fn write(&self) -> Map<String, Value> {
        let mut members = Members::of(&self.other);
        members.set("label", self.label.as_ref());
        members.set_list("points", &self.points);
        members.rest()
    }
}

impl_members!(PointData);

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BarData {
    /// What stands at it.
    pub label: Option<String>,
    /// The name of the bars it belongs to.
    pub group: Option<String>,
    /// How long it is. Servers write a number or a text; [`ChartValue::number`] takes both.
    pub value: Option<ChartValue>,
    /// What this version does not know, or cannot read, as it came.
    pub other: Map<String, Value>,
}

impl BarData {
    pub(super) fn read(mut members: Members) -> Self {
        Self {
            label: members.text("label"),
            group: members.text("group"),
            value: members.value("value", ChartValue::read),
            other: members.rest(),
        }
    }

    fn write(&self) -> Map<String, Value> {
        let mut members = Members::of(&self.other);
        members.set("label", self.label.as_ref());
        members.set("group", self.group.as_ref());
        members.set("value", self.value.as_ref());
        members.rest()
    }
}

impl_members!(BarData);

/// One slice of a pie.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PieData {
    /// What stands beside it.
    pub label: Option<String>,
    /// How wide it is, in degrees.
    pub angle: Option<f64>,
    /// Its radius; 1 unless the code says otherwise.
    pub radius: Option<f64>,
    /// What stands in it, such as `25%`. Told by the matplotlib wrapper of older clients; servers may leave it out.
    pub autopct: Option<ChartValue>,
    /// What this version does not know, or cannot read, as it came.
    pub other: Map<String, Value>,
}

impl PieData {
    pub(super) fn read(mut members: Members) -> Self {
        Self {
            label: members.text("label"),
            angle: members.number("angle"),
            radius: members.number("radius"),
            autopct: members.value("autopct", ChartValue::read),
            other: members.rest(),
        }
    }

    fn write(&self) -> Map<String, Value> {
        let mut members = Members::of(&self.other);
        members.set("label", self.label.as_ref());
        members.set("angle", self.angle);
        members.set("radius", self.radius);
        members.set("autopct", self.autopct.as_ref());
        members.rest()
    }
}

impl_members!(PieData);

/// One box with its whiskers. All numbers are in the unit of its axis.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BoxAndWhiskerData {
    /// What stands at it.
    pub label: Option<String>,
    /// The end of the lower whisker.
    pub min: Option<f64>,
    /// The lower end of the box.
    pub first_quartile: Option<f64>,
    /// The line in the box.
    pub median: Option<f64>,
    /// The upper end of the box.
    pub third_quartile: Option<f64>,
    /// The end of the upper whisker.
    pub max: Option<f64>,
    /// Values beyond the whiskers.
    pub outliers: Vec<f64>,
    /// What this version does not know, or cannot read, as it came.
    pub other: Map<String, Value>,
}

impl BoxAndWhiskerData {
    pub(super) fn read(mut members: Members) -> Self {
        Self {
            label: members.text("label"),
            min: members.number("min"),
            first_quartile: members.number("first_quartile"),
            median: members.number("median"),
            third_quartile: members.number("third_quartile"),
            max: members.number("max"),
            outliers: members.list("outliers", members::number),
            other: members.rest(),
        }
    }

    fn write(&self) -> Map<String, Value> {
        let mut members = Members::of(&self.other);
        members.set("label", self.label.as_ref());
        members.set("min", self.min);
        members.set("first_quartile", self.first_quartile);
        members.set("median", self.median);
        members.set("third_quartile", self.third_quartile);
        members.set("max", self.max);
        members.set_list("outliers", &self.outliers);
        members.rest()
    }
}

impl_members!(BoxAndWhiskerData);
