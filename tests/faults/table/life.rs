use super::{Row, row, void};

pub(super) const ROWS: &[Row] = &[
    row(
        "53",
        "Stopped behind our back",
        "stopped by the server",
        "lost and replaced, or started; never silently",
        &[
            "tests/faults/life.rs::stopped_behind_our_back",
            "crates/daytona-env/src/sandbox/tests/faults.rs::a_stopped_sandbox_is_named",
        ],
    ),
    row(
        "54",
        "Archived, paused, resizing, snapshotting, unknown",
        "eight states, for two looks and for ever; fourteen of a sandbox that is held",
        "an answer by the deadline, nothing left; waited for, started, or lost and replaced, and said",
        &[
            "tests/faults/life.rs::states_on_the_way_and_elsewhere",
            "tests/faults/held.rs::what_passes_is_waited_for",
            "tests/faults/held.rs::what_stops_is_started_or_lost",
            "tests/faults/held.rs::what_does_not_pass_ends_at_the_deadline",
        ],
    ),
    row(
        "55",
        "Destroyed behind our back",
        "gone, then five opens at once",
        "one create, the next generation, the old handle says lost",
        &["tests/faults/life.rs::destroyed_behind_our_back"],
    ),
    row(
        "56",
        "The proxy says 404, the API knows it",
        "404 from the toolbox alone",
        "not lost",
        &["tests/faults/life.rs::a_404_of_the_proxy_alone"],
    ),
    row(
        "57",
        "The idle limit passes during a long command",
        "a command of three hours on a lease of five minutes",
        "it ends as it would have",
        &[
            "tests/faults/life.rs::a_long_command",
            "tests/faults/held.rs::a_long_command_that_nobody_renews",
            "crates/daytona-local/tests/it/plane/processes.rs::a_running_command_keeps_its_sandbox_awake",
        ],
    ),
    row(
        "58",
        "The idle limit passes without a request",
        "a day without a call",
        "whoever holds a handle keeps it alive",
        &[
            "tests/faults/life.rs::a_day_without_a_call",
            "tests/faults/held.rs::looking_is_no_use",
        ],
    ),
    row(
        "59",
        "Renewals fail",
        "429 and 5xx for most of a lease; renewals answered and lost",
        "nothing is lost, or it is said",
        &[
            "tests/faults/life.rs::renewals_that_fail_for_a_while",
            "tests/faults/life.rs::renewals_that_are_lost",
        ],
    ),
    row(
        "60",
        "The process is suspended for longer than its lease",
        "SIGSTOP",
        "looked at before it is used again",
        &[
            "tests/crash.rs::a_frozen_process_finds_its_sandbox_gone",
            "tests/crash.rs::frozen_at_random_instants",
            "crates/sandbox-core/tests/it/revive.rs::long_silence_is_a_doubt",
        ],
    ),
    row(
        "61",
        "A connection that was left open keeps it awake",
        "a request that stays open after its client's death",
        "the lifetime ends it",
        &["tests/faults/life.rs::an_open_request_of_a_dead_client"],
    ),
    row(
        "62",
        "Public traffic keeps it awake",
        "as 61: activity without end",
        "the lifetime ends it; sandboxes are not public",
        &["tests/faults/life.rs::an_open_request_of_a_dead_client"],
    ),
    void(
        "63",
        "Organization suspended, region down, runner not ready",
        "the bound is stated with this exception",
        "the server's own timers stand still then: no client can remove anything; docs/reliability.md says so",
    ),
    row(
        "64",
        "An answer about another sandbox",
        "another's id and name in answers",
        "neither used nor deleted",
        &["tests/faults/life.rs::an_answer_about_another_sandbox"],
    ),
];
