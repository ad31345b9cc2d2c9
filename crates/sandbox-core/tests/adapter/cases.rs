//! The command policy against recorded decisions of the original.

#![expect(clippy::unwrap_used, reason = "the data is part of the test")]

use context_vars::NoVars;
use sandbox_core::adapter::{CommandPolicy, ShellAdapter, ShellReply};
use serde::Deserialize;

use crate::recorder::{Recorder, Seen};

#[derive(Debug, Deserialize)]
struct Case {
    id: u32,
    group: String,
    allowed: Option<Vec<String>>,
    blocked: Option<Vec<String>>,
    ignore: Option<Vec<String>>,
    readonly: bool,
    workdir: String,
    command: String,
    result: Decision,
    restricted: bool,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    DeniedMessage(String),
    Argv(Vec<String>),
}

impl Case {
    fn policy(&self) -> CommandPolicy {
        let mut policy = CommandPolicy::new().readonly(self.readonly);
        if let Some(patterns) = &self.allowed {
            policy = policy.allowed(patterns);
        }
        if let Some(patterns) = &self.blocked {
            policy = policy.blocked(patterns);
        }
        if let Some(patterns) = &self.ignore {
            policy = policy.ignore(patterns);
        }
        policy
    }
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/filter-cases.json")).unwrap();
    assert!(cases.len() > 100, "only {} cases", cases.len());
    cases
}

#[test]
fn every_decision_and_message_is_the_originals() {
    let mut wrong = Vec::new();
    for case in cases() {
        let policy = case.policy();
        assert_eq!(policy.is_restricted(), case.restricted, "case {}", case.id);
        let ours = match policy.check(&case.command, &case.workdir) {
            Ok(argv) => Decision::Argv(argv),
            Err(refusal) => Decision::DeniedMessage(refusal.to_string()),
        };
        if ours != case.result {
            wrong.push(format!("{case:?}\n    ours: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_refused_opens_nothing_and_what_is_allowed_arrives_word_for_word() {
    for case in cases() {
        let recorder = Recorder::new(&case.workdir);
        let shell = ShellAdapter::builder(recorder.clone())
            .policy(case.policy())
            .build()
            .unwrap();
        let reply = shell.run(&case.command, &NoVars).await;
        let about = format!("case {} of {}", case.id, case.group);
        match case.result {
            Decision::DeniedMessage(message) => {
                assert!(matches!(reply, Ok(ShellReply::Refused(_))), "{about}");
                assert_eq!(reply.unwrap().to_text(), message, "{about}");
                assert_eq!(recorder.opened(), 0, "{about}");
                assert_eq!(recorder.seen(), [], "{about}");
            }
            Decision::Argv(argv) if argv.is_empty() => {
                assert!(matches!(reply, Ok(ShellReply::Empty)), "{about}");
                assert_eq!(reply.unwrap().to_text(), "[exit code: 2]", "{about}");
                assert_eq!(recorder.seen(), [], "{about}");
            }
            Decision::Argv(argv) => {
                assert!(
                    matches!(reply, Ok(ShellReply::Ran(_))),
                    "{about}: {reply:?}"
                );
                assert_eq!(recorder.seen(), [Seen::Exec(argv)], "{about}");
            }
        }
    }
}
