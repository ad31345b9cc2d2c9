//! The tools: an agent framework that runs what its model asked for.

use sandbox_core::Source;
use sandbox_tools::ToolRegistry;
use serde_json::Value;

/// What the model is told next.
pub async fn answer(
    tools: &ToolRegistry,
    name: &str,
    arguments: Value,
    context: &dyn Source,
) -> String {
    match tools.call(name, arguments, context).await {
        Ok(output) => output.text().to_owned(),
        Err(error) => error.for_model().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
    use sandbox_tools::{FileTools, SandboxShellTool};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_model_gets_what_it_asked_for() {
        let environment = LocalEnvironment::builder().build().unwrap();
        let mut tools = ToolRegistry::new();
        tools
            .add(SandboxShellTool::new(environment.clone()).unwrap())
            .unwrap();
        tools.add_all(FileTools::new(environment.clone())).unwrap();

        let written = json!({ "path": "sum.sh", "content": "echo $((6 * 7))\n" });
        answer(&tools, "write_file", written, &NoVars).await;
        let ran = json!({ "command": "sh sum.sh" });
        assert_eq!(
            answer(&tools, "run_shell_command", ran, &NoVars).await,
            "42"
        );
        let misspelt = json!({ "comand": "sh sum.sh" });
        let told = answer(&tools, "run_shell_command", misspelt, &NoVars).await;
        assert!(told.contains("comand"), "{told}");
        environment.close().await.unwrap();
    }
}
