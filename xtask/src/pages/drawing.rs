//! A graph as SVG: its nodes one below the other, arrows downwards on the right and upwards on the left.
//!
//! All arrows to one node share a line on each side, so there are never more lines than nodes, and nothing is laid out by
//! trial: the same graph is the same picture, to the byte.

use std::fmt::Write as _;

/// What is drawn.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) title: String,
    /// From top to bottom.
    pub(super) nodes: Vec<Node>,
    pub(super) arrows: Vec<Arrow>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    /// In small below the name.
    pub(super) note: String,
}

/// From one node to another, by their places.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    pub(super) is_dashed: bool,
}

/// Between two lines that leave a node.
const ROW: usize = 20;
/// Between two lines that run beside each other.
const LANE: usize = 18;
/// Between two nodes.
const GAP: usize = 16;
const MARGIN: usize = 16;
const NODE: usize = 190;
/// The width of a letter of a label, rather too much.
const LETTER: usize = 7;
/// What can be told apart, on white and by those who do not tell all colours apart.
const COLOURS: &[&str] = &[
    "#0b5394", "#b45309", "#00695c", "#8e24aa", "#c2185b", "#455a64", "#6d4c41", "#1b7f1b",
];

/// The right side, or the left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Down,
    Up,
}

struct Layout<'a> {
    graph: &'a Graph,
    /// The upper edge and the height of each node.
    boxes: Vec<(usize, usize)>,
    /// By side: the nodes that arrows lead to, those with the shortest line first.
    lanes: [Vec<usize>; 2],
    /// The room for labels on each side.
    labels: [usize; 2],
}

pub(super) fn svg(graph: &Graph) -> String {
    let layout = Layout::of(graph);
    let (width, height) = layout.size();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#ffffff\"/>\n",
        escaped(&graph.title)
    );
    for side in [Side::Down, Side::Up] {
        for (lane, to) in layout.lanes(side).iter().enumerate() {
            layout.line(side, lane, *to, &mut text);
        }
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        layout.node(at, node, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

impl<'a> Layout<'a> {
    fn of(graph: &'a Graph) -> Self {
        let mut layout = Self {
            graph,
            boxes: Vec::new(),
            lanes: [Vec::new(), Vec::new()],
            labels: [0, 0],
        };
        for (index, side) in [Side::Down, Side::Up].into_iter().enumerate() {
            let length = |to: usize| {
                let all = graph.arrows.iter().filter(|arrow| arrow.to == to);
                let all = all.filter(|arrow| side_of(arrow) == side);
                all.map(|arrow| arrow.from.abs_diff(to)).max()
            };
            let mut lanes: Vec<(usize, usize)> = (0..graph.nodes.len())
                .filter_map(|to| Some((length(to)?, to)))
                .collect();
            lanes.sort_unstable();
            let labels = graph.arrows.iter().filter(|arrow| side_of(arrow) == side);
            let longest = labels.map(|arrow| arrow.label.chars().count()).max();
            if let (Some(lane), Some(label)) =
                (layout.lanes.get_mut(index), layout.labels.get_mut(index))
            {
                *lane = lanes.into_iter().map(|(_, to)| to).collect();
                *label = longest.map_or(0, |longest| longest * LETTER + 2 * ROW);
            }
        }
        let mut top = MARGIN;
        for at in 0..graph.nodes.len() {
            let rows = [Side::Down, Side::Up].map(|side| layout.rows(side, at).len());
            let height = rows.into_iter().max().unwrap_or_default().max(2) * ROW + ROW / 2;
            layout.boxes.push((top, height));
            top += height + GAP;
        }
        layout
    }

    fn lanes(&self, side: Side) -> &[usize] {
        let [down, up] = &self.lanes;
        if side == Side::Down { down } else { up }
    }

    /// What leaves or reaches a node on one side, from top to bottom: the other ends, `None` for what reaches it.
    fn rows(&self, side: Side, at: usize) -> Vec<Option<&'a Arrow>> {
        let mut leaving: Vec<&Arrow> = self
            .graph
            .arrows
            .iter()
            .filter(|arrow| arrow.from == at && side_of(arrow) == side)
            .collect();
        let lane = |arrow: &&Arrow| self.lanes(side).iter().position(|to| *to == arrow.to);
        leaving.sort_by_key(lane);
        let mut rows: Vec<Option<&Arrow>> = leaving.into_iter().map(Some).collect();
        // What goes far leaves first where it must pass the others' lines, and what comes does so from above or below.
        if self.lanes(side).contains(&at) {
            rows.push(None);
        }
        if side == Side::Down {
            rows.reverse();
        }
        rows
    }

    /// The height at which an arrow leaves its node; `None` for where the arrows to a node reach it.
    fn port(&self, side: Side, at: usize, arrow: Option<&Arrow>) -> usize {
        let (top, height) = self.boxes.get(at).copied().unwrap_or_default();
        let rows = self.rows(side, at);
        let row = rows.iter().position(|row| match (row, arrow) {
            (Some(row), Some(arrow)) => std::ptr::eq(*row, arrow),
            (None, None) => true,
            _ => false,
        });
        let free = height - rows.len() * ROW;
        top + free / 2 + row.unwrap_or_default() * ROW + ROW / 2
    }

    /// The edge of the nodes on this side, and the place of a line.
    fn across(&self, side: Side, lane: usize) -> (usize, usize) {
        let [down, up] = self.labels;
        let left = MARGIN + up + self.lanes(Side::Up).len() * LANE;
        match side {
            Side::Down => (left + NODE, left + NODE + down + lane * LANE),
            Side::Up => (left, (left - up).saturating_sub(lane * LANE)),
        }
    }

    fn size(&self) -> (usize, usize) {
        let (_, right) = self.across(Side::Down, self.lanes(Side::Down).len());
        let bottom = self.boxes.last().map_or(0, |(top, height)| top + height);
        (right + MARGIN, bottom + MARGIN)
    }

    /// All arrows to one node on one side.
    fn line(&self, side: Side, lane: usize, to: usize, text: &mut String) {
        let colour = COLOURS.get(to % COLOURS.len()).copied().unwrap_or_default();
        let (edge, x) = self.across(side, lane);
        let end = self.port(side, to, None);
        let back = |from: usize, by: usize| match side {
            Side::Down => from + by,
            Side::Up => from - by,
        };
        let _ = writeln!(
            text,
            "<g stroke=\"{colour}\" fill=\"none\" stroke-width=\"1.5\">"
        );
        let arrows = self.graph.arrows.iter();
        let arrows: Vec<&Arrow> = arrows
            .filter(|arrow| arrow.to == to && side_of(arrow) == side)
            .collect();
        let dashes = |is_dashed: bool| {
            let dashes = " stroke-dasharray=\"5 4\"";
            if is_dashed { dashes } else { "" }
        };
        let mut far = end;
        for arrow in &arrows {
            let start = self.port(side, arrow.from, Some(arrow));
            if start.abs_diff(end) > far.abs_diff(end) {
                far = start;
            }
            let dashes = dashes(arrow.is_dashed);
            let _ = writeln!(text, "<path d=\"M{edge} {start}H{x}\"{dashes}/>");
        }
        let tip = back(edge, 9);
        let dashes = dashes(arrows.iter().all(|arrow| arrow.is_dashed));
        let _ = writeln!(
            text,
            "<path d=\"M{x} {far}V{end}H{tip}\"{dashes}/>\n<path d=\"M{edge} {end}L{tip} {}V{}Z\" fill=\"{colour}\" stroke=\"none\"/>\n</g>",
            end - 4,
            end + 4
        );
        let (anchor, from) = match side {
            Side::Down => ("start", edge + 8),
            Side::Up => ("end", edge - 8),
        };
        for arrow in arrows.iter().filter(|arrow| !arrow.label.is_empty()) {
            let y = self.port(side, arrow.from, Some(arrow)) - 4;
            let label = escaped(&arrow.label);
            let _ = writeln!(
                text,
                "<text x=\"{from}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{label}</text>"
            );
        }
    }

    fn node(&self, at: usize, node: &Node, text: &mut String) {
        let (top, height) = self.boxes.get(at).copied().unwrap_or_default();
        let (x, _) = self.across(Side::Up, 0);
        let (middle, centre) = (x + NODE / 2, top + height / 2);
        let colour = COLOURS.get(at % COLOURS.len()).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{top}\" width=\"{NODE}\" height=\"{height}\" rx=\"5\" fill=\"#f8f9fa\" stroke=\"{colour}\" \
             stroke-width=\"1.5\"/>"
        );
        let y = if node.note.is_empty() {
            centre + 5
        } else {
            centre - 2
        };
        let _ = writeln!(
            text,
            "<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\" font-size=\"14\" font-weight=\"bold\" fill=\"#212529\">{}</text>",
            escaped(&node.name)
        );
        if !node.note.is_empty() {
            let _ = writeln!(
                text,
                "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"#495057\">{}</text>",
                centre + 14,
                escaped(&node.note)
            );
        }
    }
}

fn side_of(arrow: &Arrow) -> Side {
    if arrow.to > arrow.from {
        Side::Down
    } else {
        Side::Up
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
