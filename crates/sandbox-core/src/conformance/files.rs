//! Files.

use bytes::Bytes;

use super::lab::{Lab, failed, sh};
use super::rule::{Check, Rule, ensure, same};
use crate::{Error, ErrorKind, ExecRequest, FileEntry, Sandbox, SandboxExt};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "file-bytes-exact",
        "`get` returns the bytes of `put`: any byte, none at all, a megabyte",
        "send content as bytes, never as text",
        |lab| Box::pin(bytes_exact(lab)),
    ),
    Rule::new(
        "put-replaces",
        "`put` over a longer file leaves nothing of it",
        "truncate the file, or write a new one and rename it",
        |lab| Box::pin(put_replaces(lab)),
    ),
    Rule::new(
        "put-makes-parents",
        "`put` makes the directories above the file",
        "make them before the file is written",
        |lab| Box::pin(put_makes_parents(lab)),
    ),
    Rule::new(
        "file-names-as-given",
        "spaces, quotes, dashes, dots, wildcards and other scripts in a name are taken as they are",
        "quote names for a shell and encode them for a URL",
        |lab| Box::pin(names_as_given(lab)),
    ),
    Rule::new(
        "files-are-those-of-commands",
        "commands see the files of `put`, and `get` those of commands, at the same relative path",
        "take paths of files as relative to the directory that commands start in",
        |lab| Box::pin(same_files(lab)),
    ),
    Rule::new(
        "missing-is-not-found",
        "`get` and `list` of what is not there fail as `NotFound`",
        "map the provider's answer to `ErrorKind::NotFound`",
        |lab| Box::pin(missing_is_not_found(lab)),
    ),
    Rule::new(
        "file-is-no-directory",
        "`get` of a directory, `list` of a file and `put` over a directory fail, and change nothing",
        "pass the failure on; do not remove what is in the way, nor answer with nothing",
        |lab| Box::pin(file_is_no_directory(lab)),
    ),
    Rule::new(
        "list-tells-entries",
        "`list` tells the entries of one directory by name, with path, kind and size",
        "sort by name, leave out `.` and `..`, and do not go deeper",
        |lab| Box::pin(list_tells(lab)),
    ),
    Rule::new(
        "list-is-complete",
        "`list` tells every entry of a large directory",
        "follow the provider's pages to the last",
        |lab| Box::pin(list_is_complete(lab)),
    ),
    Rule::new(
        "remove-takes-all",
        "`remove` takes a file, or a directory with all in it; what is not there is no error",
        "remove recursively, and take `not found` for success",
        |lab| Box::pin(remove_takes_all(lab)),
    ),
    Rule::new(
        "remove-spares-targets",
        "`remove` of a symbolic link removes the link, not what it leads to",
        "do not follow links before a removal",
        |lab| Box::pin(remove_spares_targets(lab)),
    ),
    Rule::new(
        "make-dir-again",
        "`make_dir` makes the directories above too, and one that exists is no error",
        "take `already exists` for success if it is a directory",
        |lab| Box::pin(make_dir_again(lab)),
    ),
    Rule::new(
        "paths-are-confined",
        "a path that is absolute, climbs out with `..` or holds a NUL is refused as `PathEscape`",
        "call `path::confine` (or `confine_entry`) before anything is sent",
        |lab| Box::pin(paths_confined(lab)),
    ),
    Rule::new(
        "workdir-stays",
        "the working directory itself is neither written nor removed",
        "call `path::confine_entry` in `put` and `remove`",
        |lab| Box::pin(workdir_stays(lab)),
    ),
];

async fn put_get(sandbox: &dyn Sandbox, path: &str, content: Vec<u8>) -> Check {
    let content = Bytes::from(content);
    sandbox.put(path, content.clone()).await?;
    let found = sandbox.get(path).await?;
    ensure(found == content, || {
        let (wanted, found) = (content.len(), found.len());
        format!("{path:?}: put {wanted} bytes, got {found} bytes, or others")
    })
}

async fn bytes_exact(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    put_get(&*sandbox, "all", (0..=255).collect()).await?;
    put_get(&*sandbox, "none", Vec::new()).await?;
    put_get(&*sandbox, "ends", b" \r\n\0\xff\n\n ".to_vec()).await?;
    let megabyte = (0..1_048_576_u32).map(|at| (at % 251).to_le_bytes()[0]);
    put_get(&*sandbox, "megabyte", megabyte.collect()).await
}

async fn put_replaces(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    put_get(&*sandbox, "file", vec![b'x'; 10_000]).await?;
    put_get(&*sandbox, "file", b"short".to_vec()).await?;
    put_get(&*sandbox, "file", Vec::new()).await
}

async fn put_makes_parents(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    put_get(&*sandbox, "a/b/c/file", b"deep".to_vec()).await?;
    put_get(&*sandbox, "./a//b/./other", b"twisted".to_vec()).await?;
    let content = sandbox.get_text("a/b/other").await?;
    same(
        "the file behind a twisted path",
        content.as_str(),
        "twisted",
    )
}

async fn names_as_given(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let mut names = vec![
        "two words",
        "it's",
        "\"quoted\"",
        "-dash",
        "..dots",
        "a*b?[c]",
        "$HOME",
        "50%25",
        "ünï",
        "a+b&c=d#e",
    ];
    for name in &names {
        put_get(&*sandbox, name, name.as_bytes().to_vec()).await?;
    }
    names.sort_unstable();
    let listed = sandbox.list("").await?;
    let found: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    same("the names in the directory", found, names.clone())?;
    for name in names {
        let read = ExecRequest::argv(["cat", &format!("./{name}")]);
        let printed = sandbox.exec(read).await?.stdout().text_lossy();
        same(
            "what a command reads under that name",
            printed.as_str(),
            name,
        )?;
        sandbox.remove(name).await?;
    }
    same(
        "what is left after removing them",
        sandbox.list("").await?,
        Vec::new(),
    )
}

async fn same_files(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("in/file", "from put").await?;
    let printed = sh(&*sandbox, "cat in/file").await?;
    same("what a command reads", printed.as_str(), "from put")?;
    sh(&*sandbox, "mkdir -p out && printf 'from sh' > out/file").await?;
    let content = sandbox.get_text("out/file").await?;
    same("what `get` reads", content.as_str(), "from sh")?;
    sandbox.make_dir("made").await?;
    sandbox.remove("in/file").await?;
    sh(&*sandbox, "test -d made && test ! -e in/file").await?;
    Ok(())
}

async fn missing_is_not_found(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let kinds = [ErrorKind::NotFound];
    for path in ["nothing", "no/such/file"] {
        failed("get of what is not there", sandbox.get(path).await, &kinds)?;
        failed(
            "list of what is not there",
            sandbox.list(path).await,
            &kinds,
        )?;
    }
    Ok(())
}

async fn file_is_no_directory(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("dir/file", "text").await?;
    let fails = |what: &str, failed: bool| {
        let what = what.to_owned();
        ensure(failed, || format!("{what} succeeded"))
    };
    fails("get of a directory", sandbox.get("dir").await.is_err())?;
    fails("list of a file", sandbox.list("dir/file").await.is_err())?;
    fails(
        "put over a directory",
        sandbox.put("dir", "x".into()).await.is_err(),
    )?;
    let below = sandbox.put("dir/file/below", "x".into()).await;
    fails("put below a file", below.is_err())?;
    let content = sandbox.get_text("dir/file").await?;
    same("the file after them", content.as_str(), "text")
}

async fn list_tells(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    same(
        "an empty directory's entries",
        sandbox.list("").await?,
        Vec::new(),
    )?;
    sandbox.put_text("dir/b", "four").await?;
    sandbox.put_text("dir/a", "").await?;
    sandbox.put_text("dir/sub/deeper", "x").await?;
    sandbox.put_text("dir/.hidden", "x").await?;
    let listed = sandbox.list("dir").await?;
    let brief = |entry: &FileEntry| {
        let size = if entry.is_dir { 0 } else { entry.size };
        (entry.name.clone(), entry.path.clone(), entry.is_dir, size)
    };
    let wanted = [
        (".hidden", "dir/.hidden", false, 1),
        ("a", "dir/a", false, 0),
        ("b", "dir/b", false, 4),
        ("sub", "dir/sub", true, 0),
    ];
    let wanted =
        wanted.map(|(name, path, is_dir, size)| (name.to_owned(), path.to_owned(), is_dir, size));
    same(
        "the entries",
        listed.iter().map(brief).collect::<Vec<_>>(),
        wanted.to_vec(),
    )?;
    for root in ["", "."] {
        let found: Vec<_> = sandbox.list(root).await?.iter().map(brief).collect();
        let wanted = vec![("dir".to_owned(), "dir".to_owned(), true, 0)];
        same("the entries of the working directory", found, wanted)?;
    }
    Ok(())
}

async fn list_is_complete(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let line = "mkdir many; i=0; while [ $i -lt 1234 ]; do : > many/$i; i=$((i+1)); done";
    sh(&*sandbox, line).await?;
    let listed = sandbox.list("many").await?;
    same("how many of 1234 files are listed", listed.len(), 1234)
}

async fn remove_takes_all(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("dir/sub/file", "x").await?;
    sandbox.put_text("dir/file", "x").await?;
    sandbox.put_text("other", "x").await?;
    sandbox.remove("dir/file").await?;
    failed(
        "get of a removed file",
        sandbox.get("dir/file").await,
        &[ErrorKind::NotFound],
    )?;
    sandbox.remove("dir").await?;
    failed(
        "list of a removed directory",
        sandbox.list("dir").await,
        &[ErrorKind::NotFound],
    )?;
    for path in ["dir", "dir/file", "nothing"] {
        sandbox.remove(path).await?;
    }
    let content = sandbox.get_text("other").await?;
    same("the file beside it", content.as_str(), "x")
}

async fn remove_spares_targets(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("target/file", "x").await?;
    sh(&*sandbox, "ln -s target link && ln -s target/file name").await?;
    sandbox.remove("link").await?;
    sandbox.remove("name").await?;
    let printed = sh(&*sandbox, "cat target/file; ls").await?;
    same("what is left", printed.as_str(), "xtarget\n")
}

async fn make_dir_again(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.make_dir("a/b/c").await?;
    sandbox.make_dir("a/b/c").await?;
    sandbox.make_dir("a").await?;
    sandbox.make_dir(".").await?;
    sh(&*sandbox, "test -d a/b/c").await?;
    sandbox.put_text("a/file", "x").await?;
    let over = sandbox.make_dir("a/file").await;
    ensure(over.is_err(), || {
        "make_dir over a file succeeded".to_owned()
    })?;
    let content = sandbox.get_text("a/file").await?;
    same("the file after it", content.as_str(), "x")
}

async fn paths_confined(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    let outside = format!("{}/file", sandbox.workdir());
    let kinds = [ErrorKind::PathEscape];
    for path in [
        "../file",
        "a/../../file",
        "..",
        "/etc/passwd",
        outside.as_str(),
        "a\0b",
    ] {
        let check = |call: &str, result: Result<(), Error>| {
            failed(&format!("{call} of {path:?}"), result, &kinds).map(drop)
        };
        check("put", sandbox.put(path, "x".into()).await)?;
        check("get", sandbox.get(path).await.map(drop))?;
        check("list", sandbox.list(path).await.map(drop))?;
        check("remove", sandbox.remove(path).await)?;
        check("make_dir", sandbox.make_dir(path).await)?;
    }
    // What only looks like it stays allowed.
    put_get(&*sandbox, "a/../inside", b"x".to_vec()).await?;
    same("what was written", sandbox.list("").await?.len(), 1)
}

async fn workdir_stays(lab: &Lab) -> Check {
    let sandbox = lab.open().await?;
    sandbox.put_text("file", "x").await?;
    let kinds = [ErrorKind::InvalidInput, ErrorKind::PathEscape];
    for path in ["", ".", "./", "a/.."] {
        let removed = sandbox.remove(path).await;
        failed(&format!("remove of {path:?}"), removed, &kinds)?;
        let put = sandbox.put(path, "x".into()).await;
        failed(&format!("put of {path:?}"), put, &kinds)?;
    }
    let content = sandbox.get_text("file").await?;
    same("the file in it", content.as_str(), "x")
}
