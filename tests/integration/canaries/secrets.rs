//! The secrets of a life of an environment, by the place where each is given.

use super::forms::Search;

pub(crate) struct Canaries {
    pub(crate) key: String,
    pub(crate) env: String,
    pub(crate) env_variable: String,
    pub(crate) variable: String,
    pub(crate) scope: String,
    /// What a fleet has in common; never sent.
    pub(crate) fleet: String,
    /// What goes into a command.
    pub(crate) input: String,
    /// What is in a file.
    pub(crate) file: String,
}

impl Canaries {
    /// Each holds what a quoting, escaping or encoding changes. The key may hold no more than a header can.
    pub(crate) fn new() -> Self {
        Self {
            key: "dtn_4d0fa9e17c55\"6b\\e2/91+0d&a7=3c".to_owned(),
            env: "env_8c21f04d77ab\"9e\\03/é d5\u{9}b+6a&1f=e8".to_owned(),
            env_variable: "evr_51b7c6e82af0\"49\\d3/ü 1b\u{9}7+c5&20=9d".to_owned(),
            variable: "var_90ad3f5ce81b\"76\\4c/ß 2e\u{9}8+f1&5d=03".to_owned(),
            scope: "scp_e6b081d45f9a\"32\\c7/ø 0f\u{9}4+b8&e1=6a".to_owned(),
            fleet: "flt_1c94a7d3e06b\"58\\f2/å 9d\u{9}3+e4&7c=b0".to_owned(),
            input: "inp_7e2d90b6c4f1\"0a\\85/î d3\u{9}6+4f&b9=1c".to_owned(),
            file: "fil_b3f8162ae7d9\"c4\\5e/ñ 70\u{9}8+a2&d6=f5".to_owned(),
        }
    }

    /// The canaries, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("key", self.key.as_str()),
            ("env", &self.env),
            ("env by variable", &self.env_variable),
            ("variable", &self.variable),
            ("scope", &self.scope),
            ("fleet key", &self.fleet),
            ("input", &self.input),
            ("file", &self.file),
        ]
        .into_iter()
    }

    /// What finds them.
    pub(crate) fn search(&self) -> Search {
        Search::new(self.all())
    }
}
