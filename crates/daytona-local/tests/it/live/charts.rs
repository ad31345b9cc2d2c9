//! What code that uses matplotlib shows, by `code_run` and by the interpreter.
//!
//! The drawing is done by a module that the test brings along. Where `DAYTONA_LOCAL_MATPLOTLIB` names the folder of
//! packages that holds the real one, the same is drawn with that too.

use daytona_api::api::Toolbox;
use daytona_api::models::charts::{AxisScale, Chart, ChartData, ChartValue};

use super::{Lab, soon};
use crate::support::plain;

const PYPLOT: &str = include_str!("charts/pyplot.py");

const DRAW: &str = r#"
import sys
import matplotlib.pyplot as plt
print("begun")
plt.plot([1, 2, 3], [4, float("nan"), 6.5], label="a")
plt.plot([1, 3], [5, 5])
plt.title("Lines")
plt.xlabel("x")
plt.show()
plt.scatter([1, 2], [0.5, 3], label="cloud")
plt.show()
plt.bar(["p", "q"], [3, 4.5], label="g")
plt.xlabel("name")
plt.show()
plt.barh(["p", "q"], [3, 4.5], label="h")
plt.xlabel("length")
plt.show()
plt.pie([1, 3], labels=["p", "q"], autopct="%1.0f%%")
plt.show()
plt.boxplot([[1, 2, 3, 4, 50]], patch_artist=True, tick_labels=["A"])
plt.show()
both, plots = plt.subplots(1, 3)
both.suptitle("Both")
plots[0].plot([1, 2], [1, 2])
plots[1].bar(["a"], [2])
plt.show()
plt.imshow([[1, 2], [3, 4]])
plt.show()
print("ended")
"#;

/// A chart in a line, without its picture and the marks of its axes.
fn line(chart: &Chart) -> String {
    let number = |value: &ChartValue| value.number().unwrap();
    let points = |all: &[daytona_api::models::charts::PointData]| {
        let one = |data: &daytona_api::models::charts::PointData| {
            let points = data.points.iter();
            let points: Vec<_> = points.map(|at| (number(&at.x), number(&at.y))).collect();
            let label = data
                .label
                .as_deref()
                .filter(|label| !label.starts_with("_child"));
            format!("{} {points:?}", label.unwrap_or_default())
        };
        all.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let data = match &chart.data {
        ChartData::Line(all) | ChartData::Scatter(all) => points(all),
        ChartData::Bar(all) => format!("{all:?}"),
        ChartData::Pie(all) => format!("{all:?}"),
        ChartData::BoxAndWhisker(all) => format!("{all:?}"),
        ChartData::Composite(all) => all.iter().map(line).collect::<Vec<_>>().join(" | "),
        other => format!("{other:?}"),
    };
    let label = |text: &Option<String>| text.clone().unwrap_or_default();
    let axes = [label(&chart.x.label), label(&chart.y.label)].join("/");
    format!("{} [{}] {axes}: {data}", chart.kind(), label(&chart.title))
        .replace(", other: {}", "")
        .replace("_container0", "")
}

fn lines(charts: &[Chart]) -> String {
    for chart in charts {
        let png = chart.png_bytes().unwrap().unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{chart:?}");
        assert!(chart.other.is_empty(), "{chart:?}");
    }
    charts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is drawn by code-run and by the interpreter, which must be the same.
async fn drawn(toolbox: &Toolbox, packages: &str) -> Vec<Chart> {
    let process = toolbox.process();
    let run = process.code_run(DRAW, "python").env("PYTHONPATH", packages);
    let ran = soon(run.send()).await.unwrap();
    assert_eq!(ran.result.as_deref(), Some("begun\nended\n"));
    let charts = ran.artifacts.unwrap().charts.unwrap();

    let code = format!("import sys\nsys.path.insert(0, {packages:?})\n{DRAW}");
    let run = soon(toolbox.interpreter().run(code).send()).await.unwrap();
    let done = soon(run.finish()).await.unwrap();
    assert_eq!((done.stdout.as_str(), done.error), ("begun\nended\n", None));
    assert!(done.other.is_empty(), "{:?}", done.other);
    assert_eq!(lines(&done.charts), lines(&charts));
    charts
}

async fn bring(toolbox: &Toolbox) {
    let files = toolbox.files();
    files.create_folder("matplotlib", None).await.unwrap();
    files.upload("matplotlib/__init__.py", "").await.unwrap();
    files.upload("matplotlib/pyplot.py", PYPLOT).await.unwrap();
}

#[tokio::test]
async fn figures_are_told_with_their_data() {
    for lab in soon(Lab::both()).await {
        bring(&lab.toolbox).await;
        let charts = drawn(&lab.toolbox, "").await;
        insta::assert_snapshot!("figures", lines(&charts));
        let scales: Vec<_> = charts.iter().map(|chart| chart.x.scale.clone()).collect();
        assert_eq!(
            scales[..3],
            [
                Some(AxisScale::Linear),
                Some(AxisScale::Linear),
                Some(AxisScale::Categorical)
            ]
        );
        assert_eq!(charts[2].x.tick_labels, ["p", "q"]);
        lab.server.shutdown().await;
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "where something is that the test may use"
)]
async fn the_real_matplotlib_draws_the_same() {
    // no part of this project: without it, the test above is what there is
    let Ok(packages) = std::env::var("DAYTONA_LOCAL_MATPLOTLIB") else {
        return;
    };
    let lab = soon(Lab::new(plain())).await;
    let charts = drawn(&lab.toolbox, &packages).await;
    insta::assert_snapshot!("figures", lines(&charts));
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_figure_is_told_once_and_trouble_is_as_without_it() {
    let lab = soon(Lab::new(plain())).await;
    bring(&lab.toolbox).await;
    let process = lab.toolbox.process();
    let run = async |code: &str| {
        soon(process.code_run(code, "python").arg("one").send())
            .await
            .unwrap()
    };
    let twice =
        "from matplotlib import pyplot as plt\nfor _ in 'ab':\n  plt.bar(['p'], [1])\n  plt.show()";
    let ran = run(twice).await;
    assert_eq!(ran.artifacts.unwrap().charts.unwrap().len(), 1);
    let unshown = run("import matplotlib.pyplot as plt\nplt.bar(['p'], [1])").await;
    assert_eq!((unshown.exit_code, unshown.artifacts), (Some(0), None));

    // with and without the wrapper
    let plain = "import sys, pickle\nclass A: pass\npickle.dumps(A())\nprint(__name__, sys.argv, sorted(globals()))\n";
    let wrapped = format!("{plain}'matplotlib'\n");
    let (plain, wrapped) = (run(plain).await, run(&wrapped).await);
    let known = plain.result.unwrap();
    assert!(known.starts_with("__main__ ['-', 'one'] ['A', "), "{known}");
    assert_eq!(wrapped.result.unwrap(), known);
    for trouble in [
        "1/0",
        "if",
        "import sys\nsys.exit(3)",
        "raise SystemExit('bye')",
        "import no_such_module",
    ] {
        let (plain, wrapped) = (
            run(trouble).await,
            run(&format!("'matplotlib'\n{trouble}")).await,
        );
        assert_eq!(wrapped.exit_code, plain.exit_code, "{trouble}");
        let last = |text: Option<String>| text.unwrap().lines().last().map(str::to_owned);
        let text = wrapped.result.clone().unwrap();
        assert!(!text.contains("in run"), "{text}");
        assert_eq!(last(wrapped.result), last(plain.result), "{trouble}");
    }
    lab.server.shutdown().await;
}
