//! Configurations of clients, without secrets.

use serde_json::{Map, Value, json};

use crate::args::{McpArgs, McpClient};
use crate::error::Failure;
use crate::host::MCP_TOKEN;
use crate::output;

const NAME: &str = "daytona-env";
const KEY: &str = "DAYTONA_API_KEY";

/// Prints the configuration on stdout, and on stderr where it belongs and what it needs.
pub(super) fn print(client: McpClient, args: &McpArgs) -> Result<(), Failure> {
    if !args.envs.is_empty() || !args.vars.is_empty() {
        return Err(
            Failure::new("--env and --var would put their values into the configuration")
                .hint("print it without them, and add by hand those that are no secret"),
        );
    }
    let config = if args.http {
        over_http(client, args)?
    } else {
        over_stdio(client)?
    };
    match serde_json::to_string_pretty(&config) {
        Ok(text) => output::line(&text),
        Err(error) => return Err(Failure::new("cannot print the configuration").because(error)),
    }
    output::note(&format!("this goes into {}", place(client)));
    if args.http {
        output::note(&format!(
            "start the server yourself, with {MCP_TOKEN} set to a token of your own"
        ));
    } else {
        output::note(&format!(
            "without {KEY} it uses the embedded server of this machine; for Daytona's service add \"env\": {{\"{KEY}\": \
             {}}} beside \"args\"",
            from_environment(client, KEY)
                .map_or_else(|| "..".to_owned(), |value| format!("\"{value}\""))
        ));
    }
    Ok(())
}

fn place(client: McpClient) -> &'static str {
    match client {
        McpClient::ClaudeDesktop => "claude_desktop_config.json: Settings, Developer, Edit Config",
        McpClient::ClaudeCode => ".mcp.json of a project",
        McpClient::Cursor => ".cursor/mcp.json of a project, or ~/.cursor/mcp.json",
        McpClient::Vscode => ".vscode/mcp.json of a workspace",
    }
}

/// How a client writes the value of a variable of its own environment, if it can.
fn from_environment(client: McpClient, name: &str) -> Option<String> {
    match client {
        McpClient::ClaudeDesktop => None,
        McpClient::ClaudeCode => Some(format!("${{{name}}}")),
        McpClient::Cursor | McpClient::Vscode => Some(format!("${{env:{name}}}")),
    }
}

fn over_stdio(client: McpClient) -> Result<Value, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("cannot tell where this program is").because(error))?;
    let mut server = Map::new();
    if matches!(client, McpClient::ClaudeCode | McpClient::Vscode) {
        server.insert("type".to_owned(), json!("stdio"));
    }
    server.insert("command".to_owned(), json!(program.display().to_string()));
    let words = arguments(std::env::args().skip(1));
    server.insert("args".to_owned(), json!(words));
    Ok(under(client, &server))
}

fn over_http(client: McpClient, args: &McpArgs) -> Result<Value, Failure> {
    const INPUT: &str = "mcp-token";
    if args.port == 0 {
        return Err(
            Failure::new("a configuration needs a port that stays the same")
                .hint("give one with --port"),
        );
    }
    let Some(token) = from_environment(client, MCP_TOKEN) else {
        return Err(
            Failure::new("Claude Desktop starts its servers itself, over stdio")
                .hint("leave out --http"),
        );
    };
    let mut server = Map::new();
    if client != McpClient::Cursor {
        server.insert("type".to_owned(), json!("http"));
    }
    let url = format!("http://127.0.0.1:{}/mcp", args.port);
    server.insert("url".to_owned(), json!(url));
    let token = match client {
        McpClient::Vscode => format!("${{input:{INPUT}}}"),
        _ => token,
    };
    let headers = json!({ "Authorization": format!("Bearer {token}") });
    server.insert("headers".to_owned(), headers);
    let mut config = under(client, &server);
    if client == McpClient::Vscode
        && let Some(config) = config.as_object_mut()
    {
        let input = json!({
            "type": "promptString", "id": INPUT, "description": MCP_TOKEN, "password": true,
        });
        config.insert("inputs".to_owned(), json!([input]));
    }
    Ok(config)
}

fn under(client: McpClient, server: &Map<String, Value>) -> Value {
    let key = match client {
        McpClient::Vscode => "servers",
        _ => "mcpServers",
    };
    json!({ key: { NAME: server } })
}

/// What we were given, without `--print-config` and its value.
fn arguments(given: impl Iterator<Item = String>) -> Vec<String> {
    const OPTION: &str = "--print-config";
    let mut value_follows = false;
    given
        .filter(|word| {
            let is_value = std::mem::take(&mut value_follows);
            value_follows = !is_value && word == OPTION;
            !is_value && word != OPTION && !word.starts_with("--print-config=")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn only_the_option_and_its_value_are_left_out() {
        let words = |given: &str| arguments(given.split(' ').map(str::to_owned)).join(" ");
        assert_eq!(
            words("mcp --print-config cursor --image x"),
            "mcp --image x"
        );
        assert_eq!(
            words("mcp --image x --print-config=cursor"),
            "mcp --image x"
        );
        assert_eq!(words("mcp --image cursor"), "mcp --image cursor");
    }
}
