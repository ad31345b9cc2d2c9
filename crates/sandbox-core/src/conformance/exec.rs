//! Commands.

use super::rule::Rule;

mod ends;
mod input;
mod output;
mod running;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "exit-codes",
        "the exit code of a command arrives as it is",
        "report the code of the command, not of what started it",
        |lab| Box::pin(ends::exit_codes(lab)),
    ),
    Rule::new(
        "runs-once",
        "a command is started once, whatever its end: a failure, a signal, its timeout",
        "send it once, and never again once a byte of it may have left",
        |lab| Box::pin(ends::runs_once(lab)),
    ),
    Rule::new(
        "signals-are-told",
        "a command ended by a signal is `Signaled`, with its number",
        "look at the wait status, or take 128 + n of a shell for signal n",
        |lab| Box::pin(ends::signals_told(lab)),
    ),
    Rule::new(
        "signals-are-not-codes",
        "a command that exits with 128 + n by itself is `Exited`, not `Signaled`",
        "look at the wait status; where a shell is between that mixes the two, leave this rule out and say so",
        |lab| Box::pin(ends::signals_are_not_codes(lab)),
    ),
    Rule::new(
        "missing-program",
        "a program that is not there is `Exited(127)`, one that may not be run `Exited(126)`, as in a shell",
        "map the failure to start, with its message on standard error",
        |lab| Box::pin(ends::missing_program(lab)),
    ),
    Rule::new(
        "timeout-keeps-output",
        "a command that takes too long is `TimedOut`, with what it had written",
        "let the timer kill the command and read its output after that",
        |lab| Box::pin(ends::timeout_keeps_output(lab)),
    ),
    Rule::new(
        "timeout-kills-the-tree",
        "at its timeout a command dies with all it started, in other sessions too",
        "mark the environment of the command and kill every process that has the mark",
        |lab| Box::pin(ends::timeout_kills_tree(lab)),
    ),
    Rule::new(
        "background-does-not-hold",
        "a command has ended when it has, whatever it left running",
        "wait for the process, not for the end of its output",
        |lab| Box::pin(ends::background(lab)),
    ),
    Rule::new(
        "streams-apart",
        "standard output and standard error arrive apart",
        "give the command two pipes or two files",
        |lab| Box::pin(output::streams_apart(lab)),
    ),
    Rule::new(
        "output-bytes-exact",
        "output arrives byte for byte, white space and bytes that are no UTF-8 included",
        "never strip it, and never pass it through text",
        |lab| Box::pin(output::bytes_exact(lab)),
    ),
    Rule::new(
        "output-is-bounded",
        "beginning and end of a long output arrive up to the limits, and its size is told",
        "keep a head and a ring for the tail while reading, and count",
        |lab| Box::pin(output::bounded(lab)),
    ),
    Rule::new(
        "spill-holds-all",
        "where a `spill_path` is told, the whole stream can be read there in the sandbox",
        "tell no path when the file could not be written to its end",
        |lab| Box::pin(output::spill_holds_all(lab)),
    ),
    Rule::new(
        "words-are-taken-as-they-are",
        "no shell reads the words of a command: wildcards, quotes, `$`, line ends and empty words arrive",
        "start the program with its words, or quote each of them",
        |lab| Box::pin(input::words(lab)),
    ),
    Rule::new(
        "stdin-given",
        "the command reads the bytes it was given, and their end",
        "write them while reading the output, then close the pipe",
        |lab| Box::pin(input::stdin_given(lab)),
    ),
    Rule::new(
        "stdin-closed",
        "without input given, the command reads the end at once",
        "connect standard input to `/dev/null`",
        |lab| Box::pin(input::stdin_closed(lab)),
    ),
    Rule::new(
        "env-of-one-call",
        "variables of a call reach this command alone, and come before those of the sandbox",
        "set them on the process, not in the sandbox",
        |lab| Box::pin(input::env_of_one_call(lab)),
    ),
    Rule::new(
        "cwd-of-one-call",
        "a directory, relative or absolute, is for this command alone",
        "set it on the process; relative means below the working directory",
        |lab| Box::pin(input::cwd_of_one_call(lab)),
    ),
    Rule::new(
        "missing-cwd-runs-nothing",
        "a command whose directory is not there does not run anywhere else, and does not succeed",
        "refuse it; never fall back to another directory",
        |lab| Box::pin(input::missing_cwd(lab)),
    ),
    Rule::new(
        "bad-requests-are-refused",
        "a request that cannot be meant is `InvalidInput`, and nothing runs",
        "call `ExecRequest::validate` first",
        |lab| Box::pin(input::bad_requests(lab)),
    ),
    Rule::new(
        "started-is-live",
        "the output of a started command arrives while it runs; where `start` is refused, it is `Unsupported` and nothing runs",
        "emit what is read at once; or keep the default of `start`",
        |lab| Box::pin(running::live(lab)),
    ),
    Rule::new(
        "started-is-exact",
        "each stream of a started command arrives byte for byte, without a gap or a repetition",
        "resume at the offset that was handed on, not at what was asked for",
        |lab| Box::pin(running::exact(lab)),
    ),
    Rule::new(
        "kill-ends-the-tree",
        "`kill` ends a started command with all it started, and tells once that it was alive",
        "mark the environment of the command and kill every process that has the mark before telling",
        |lab| Box::pin(running::killed(lab)),
    ),
    Rule::new(
        "started-dropped-is-killed",
        "a `Running` that is dropped is killed with all it started",
        "take the killer of the control, and obey it",
        |lab| Box::pin(running::dropped(lab)),
    ),
    Rule::new(
        "detached-runs-on",
        "a `Running` that is detached runs to its end",
        "kill when that is asked for, not when nobody reads",
        |lab| Box::pin(running::detached(lab)),
    ),
    Rule::new(
        "spill-is-read-and-removed",
        "where `read_spill` is there, it gives the part that is asked for, and `remove_spill` removes",
        "count from the beginning of the stream; less comes back at its end",
        |lab| Box::pin(running::spill(lab)),
    ),
];
