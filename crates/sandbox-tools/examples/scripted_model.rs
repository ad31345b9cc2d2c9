//! A model's loop without a model and without a network: what a framework does with the tools.
//!
//! `cargo run -p sandbox-tools --example scripted_model`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use sandbox_core::{LocalEnvironment, NoVars, SandboxFactory};
use sandbox_tools::{FileTools, SandboxShellTool, ToolRegistry};
use serde_json::{Value, json};

/// What a model would answer, turn by turn: a tool to call, or a text that ends the conversation.
enum Turn {
    Call(&'static str, Value),
    Say(&'static str),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let env = LocalEnvironment::builder().build()?;
    let mut tools = ToolRegistry::new();
    tools.add(SandboxShellTool::new(env.clone())?)?;
    tools.add_all(FileTools::new(env.clone()))?;
    println!("a model is told of {} tools", tools.functions().len());

    let script = [
        Turn::Call(
            "write_file",
            json!({ "path": "sum.sh", "content": "echo $((40 + 3))\n" }),
        ),
        Turn::Call("run_shell_command", json!({ "command": "sh sum.sh" })),
        Turn::Call(
            "edit_file",
            json!({ "path": "sum.sh", "old_text": "40 + 3", "new_text": "40 + 2" }),
        ),
        Turn::Call("run_shell_command", json!({ "comand": "sh sum.sh" })), // models make mistakes
        Turn::Call("run_shell_command", json!({ "command": "sh sum.sh" })),
        Turn::Say("The sum is 42."),
    ];
    for turn in script {
        match turn {
            Turn::Call(name, arguments) => {
                let answer = match tools.call(name, arguments, &NoVars).await {
                    Ok(output) => output.text().to_owned(),
                    Err(error) => error.for_model().to_owned(),
                };
                println!("{name}: {answer}");
            }
            Turn::Say(text) => println!("{text}"),
        }
    }
    env.close().await?;
    Ok(())
}
