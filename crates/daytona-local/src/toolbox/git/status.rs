//! `GET /git/status`.

use serde_json::{Value, json};

use super::repository;
use super::run::{Command, Git};
use crate::web::Call;
use crate::web::reply::{Failure, Reply};

pub(super) async fn status(git: &Git<'_>, call: &Call) -> Result<Reply, Failure> {
    let path = repository(call)?;
    let words = [
        "--no-optional-locks",
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        "--untracked-files=all",
    ];
    let text = git.run(Command::at(path, &words)).await?;
    let status = Status::parse(&text);
    if status.initial {
        // The daemon cannot resolve HEAD then.
        return Err(Failure::not_found("not found: reference not found"));
    }
    Ok(Reply::json(200, &status.json()))
}

#[derive(Debug, Default, PartialEq)]
struct Status {
    initial: bool,
    head: Option<String>,
    upstream: Option<String>,
    ahead: i64,
    behind: i64,
    files: Vec<Value>,
}

impl Status {
    /// Reads porcelain version 2 with NULs.
    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        let mut records = text.split('\0').filter(|record| !record.is_empty());
        while let Some(record) = records.next() {
            match record.split_at_checked(2) {
                Some(("# ", header)) => status.header(header),
                Some(("1 ", rest)) => status.file(rest, 8, ""),
                Some(("2 ", rest)) => status.file(rest, 9, records.next().unwrap_or_default()),
                Some(("u ", rest)) => status.file(rest, 10, ""),
                Some(("? ", name)) => status.files.push(file(name, '?', '?', "")),
                _ => {}
            }
        }
        status
    }

    fn header(&mut self, header: &str) {
        match header.split_once(' ') {
            Some(("branch.oid", "(initial)")) => self.initial = true,
            Some(("branch.head", head)) if head != "(detached)" => {
                self.head = Some(head.to_owned())
            }
            Some(("branch.upstream", upstream)) => self.upstream = Some(upstream.to_owned()),
            Some(("branch.ab", counts)) => {
                let mut counts = counts
                    .split(' ')
                    .map(|count| count.parse::<i64>().unwrap_or_default().abs());
                self.ahead = counts.next().unwrap_or_default();
                self.behind = counts.next().unwrap_or_default();
            }
            _ => {}
        }
    }

    /// A changed file: two letters, some fields, its name.
    fn file(&mut self, record: &str, fields: usize, was: &str) {
        let mut parts = record.splitn(fields, ' ');
        let mut letters = parts.next().unwrap_or_default().chars();
        let (staging, worktree) = (letters.next().unwrap_or('.'), letters.next().unwrap_or('.'));
        if let Some(name) = parts.last() {
            self.files.push(file(name, staging, worktree, was));
        }
    }

    fn json(&self) -> Value {
        json!({
            "currentBranch": self.head.as_deref().unwrap_or("HEAD"),
            "fileStatus": self.files,
            "ahead": self.ahead,
            "behind": self.behind,
            "branchPublished": self.upstream.is_some(),
            "detached": self.head.is_none(),
            "upstream": self.upstream.as_deref().unwrap_or_default(),
        })
    }
}

fn file(name: &str, staging: char, worktree: char, was: &str) -> Value {
    json!({ "name": name, "extra": was, "staging": word(staging), "worktree": word(worktree) })
}

fn word(letter: char) -> &'static str {
    match letter {
        '?' => "Untracked",
        'M' | 'T' => "Modified",
        'A' => "Added",
        'D' => "Deleted",
        'R' => "Renamed",
        'C' => "Copied",
        'U' => "Updated but unmerged",
        _ => "Unmodified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_record() {
        let z = "0000";
        let text = format!(
            "# branch.oid abc\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -1\0\
             1 .M N... 1 1 1 {z} {z} a b.txt\0\
             2 R. N... 1 1 1 {z} {z} R100 new name\0old name\0\
             u UU N... 1 1 1 1 {z} {z} {z} both\0? dir/new\0"
        );
        let status = Status::parse(&text);
        assert_eq!(
            (status.ahead, status.behind, status.head.as_deref()),
            (2, 1, Some("main"))
        );
        let names: Vec<_> = status
            .files
            .iter()
            .map(|file| file["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a b.txt", "new name", "both", "dir/new"]);
        assert_eq!(status.files[0]["staging"], "Unmodified");
        assert_eq!(status.files[0]["worktree"], "Modified");
        assert_eq!(status.files[1]["staging"], "Renamed");
        assert_eq!(status.files[1]["extra"], "old name");
        assert_eq!(status.files[2]["worktree"], "Updated but unmerged");
        assert_eq!(status.files[3]["staging"], "Untracked");
    }
}
