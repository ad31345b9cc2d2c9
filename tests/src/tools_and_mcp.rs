//! The code blocks of the guide to the tools compile and run.

#[doc = include_str!("../../docs/tools-and-mcp.md")]
struct ToolsAndMcp;
