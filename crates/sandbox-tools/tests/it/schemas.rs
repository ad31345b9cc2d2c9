//! What a model is told.

use std::collections::BTreeSet;

use sandbox_core::LocalEnvironment;
use sandbox_tools::{FileTools, SandboxCodeTool, SandboxShellTool, Tool, ToolRegistry};
use serde_json::{Value, json};

use crate::support::{Broken, all};

/// The original's descriptions, as it gives them for a factory whose working directory is /workspace.
const ORIGINAL: &str = include_str!("tool-schemas.json");

/// Where ours differ from the original's, and why.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "/function/parameters/additionalProperties",
        "a model that sends an argument that does not exist learns so",
    ),
    (
        "/function/parameters/properties/command/maxLength",
        "a bound that the tool keeps is told",
    ),
    (
        "/function/parameters/properties/code/maxLength",
        "a bound that the tool keeps is told",
    ),
    (
        "/function/parameters/properties/language/enum",
        "exactly the enabled languages, not four of which some are refused",
    ),
    (
        "/function/description",
        "shell_workdir_srv: the factory's real working directory, not /workspace",
    ),
    (
        "/defer_loading",
        "belongs to the framework that sends the request",
    ),
];

/// A factory that knows its working directory and makes nothing.
fn at(workdir: &'static str) -> At {
    At(workdir)
}

#[derive(Clone, Debug)]
struct At(&'static str);

#[async_trait::async_trait]
impl sandbox_core::SandboxFactory for At {
    async fn open(
        &self,
        _: &dyn sandbox_core::Source,
    ) -> Result<std::sync::Arc<dyn sandbox_core::Sandbox>, sandbox_core::Error> {
        panic!("describing a tool opens nothing")
    }

    fn workdir(&self) -> Option<&str> {
        Some(self.0)
    }

    async fn close(&self) -> Result<(), sandbox_core::CloseError> {
        Ok(())
    }
}

fn ours(case: &str) -> Value {
    let shell = |workdir| SandboxShellTool::builder(at(workdir));
    let code = || SandboxCodeTool::builder(at("/workspace"));
    let tool: Box<dyn Tool> = match case {
        "shell_default" => Box::new(shell("/workspace").build().unwrap()),
        "shell_restricted_allowed" => {
            Box::new(shell("/workspace").allowed(["git"]).build().unwrap())
        }
        "shell_readonly" => Box::new(shell("/workspace").readonly(true).build().unwrap()),
        "shell_workdir_srv" => Box::new(shell("/srv").build().unwrap()),
        "shell_custom_desc" => Box::new(
            shell("/workspace")
                .name("sh_tool")
                .description("Run in {workdir}!")
                .build()
                .unwrap(),
        ),
        "code_default" => Box::new(code().build().unwrap()),
        "code_py_ts" => Box::new(code().languages(["python", "typescript"]).build().unwrap()),
        "code_empty_langs" => Box::new(code().languages::<[&str; 0]>([]).build().unwrap()),
        "code_custom_desc" => Box::new(
            code()
                .name("rc")
                .description("L={languages}")
                .languages(["bash"])
                .build()
                .unwrap(),
        ),
        other => panic!("no tool for {other}"),
    };
    tool.spec().function()
}

/// The places where two values differ.
fn differences(a: &Value, b: &Value, at: &str, found: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()) {
                let at = format!("{at}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &at, found),
                    _ => drop(found.insert(at)),
                }
            }
        }
        (a, b) if a != b => drop(found.insert(at.to_owned())),
        _ => {}
    }
}

#[test]
fn the_originals_schemas_hold_but_for_the_deviations_that_are_listed() {
    let original: serde_json::Map<String, Value> = serde_json::from_str(ORIGINAL).unwrap();
    assert_eq!(original.len(), 9);
    let mut used = BTreeSet::new();
    for (case, theirs) in &original {
        let mut found = BTreeSet::new();
        differences(theirs, &ours(case), "", &mut found);
        for place in found {
            assert!(
                DEVIATIONS.iter().any(|(known, _)| *known == place),
                "{case} differs at {place}"
            );
            assert!(
                place != "/function/description" || case == "shell_workdir_srv",
                "{case}"
            );
            used.insert(place);
        }
    }
    let listed: BTreeSet<String> = DEVIATIONS
        .iter()
        .map(|(place, _)| (*place).to_owned())
        .collect();
    assert_eq!(used, listed, "a deviation that is none");
}

#[test]
fn the_language_enum_is_what_is_enabled() {
    assert_eq!(
        ours("code_py_ts")["function"]["parameters"]["properties"]["language"]["enum"],
        json!(["python", "typescript"])
    );
    assert!(
        ours("shell_workdir_srv")["function"]["description"]
            .as_str()
            .unwrap()
            .ends_with(": /srv")
    );
}

#[test]
fn schemas_of_all_tools() {
    let tools = all(at("/workspace"));
    // serde_json keeps the order of members in some builds
    insta::with_settings!({ sort_maps => true }, {
        insta::assert_json_snapshot!(tools.functions());
    });
    for spec in tools.specs() {
        assert_eq!(
            spec.parameters["additionalProperties"],
            json!(false),
            "{}",
            spec.name
        );
        assert!(spec.description.len() < 300, "{}", spec.name);
    }
}

#[test]
fn other_braces_are_left_alone() {
    let tool = SandboxShellTool::builder(at("/w"))
        .description("{json} {workdir} {}")
        .build()
        .unwrap();
    assert_eq!(tool.spec().description, "{json} /w {}");
}

#[test]
fn where_the_workdir_is_not_known_before_it_says_so() {
    let env = LocalEnvironment::builder().build().unwrap();
    let described = SandboxShellTool::new(env.clone()).unwrap();
    match sandbox_core::SandboxFactory::workdir(&env) {
        Some(workdir) => assert!(described.spec().description.ends_with(workdir)),
        None => assert!(described.spec().description.ends_with("the sandbox's own")),
    }
}

#[test]
fn describing_opens_nothing() {
    let factory = Broken::default();
    let mut tools = ToolRegistry::new();
    tools
        .add(SandboxShellTool::new(factory.clone()).unwrap())
        .unwrap();
    tools
        .add(SandboxCodeTool::new(factory.clone()).unwrap())
        .unwrap();
    tools.add_all(FileTools::new(factory.clone())).unwrap();
    assert_eq!(tools.functions().len(), 8);
    assert_eq!(factory.opened(), 0);
}
