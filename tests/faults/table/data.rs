use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "86",
        "Endless output",
        "100 MiB, and more",
        "bounded in memory; told; kept in a file",
        &[
            "tests/integration/bad_input.rs::a_hundred_mebibytes_of_output",
            "crates/daytona-env/src/wrapper/tests/output.rs::a_hundred_mebibytes_are_cut_and_kept",
        ],
    ),
    row(
        "87",
        "Bytes that are no text",
        "every byte, escapes, bidi controls, lone surrogates",
        "exact as bytes; as text only where asked for",
        &[
            "tests/faults/data.rs::bytes_that_are_no_text",
            "crates/daytona-env/src/wrapper/tests/output.rs::bytes_are_exact",
        ],
    ),
    row(
        "88",
        "A WebSocket that drops, a giant or split frame",
        "logs, terminals and code cut at every byte, in any frames, beyond the limit",
        "nothing is lost or repeated, or the break is an error; commands and files of a handle go over plain requests",
        &[
            "crates/daytona-api/tests/it/sockets/logs.rs::a_connection_that_breaks_anywhere_loses_and_repeats_nothing",
            "crates/daytona-api/tests/it/sockets/logs.rs::a_log_comes_whole_however_it_is_cut_into_frames",
            "crates/daytona-api/tests/it/sockets/logs.rs::a_message_beyond_the_limit_is_refused_before_it_is_read",
            "crates/daytona-api/tests/it/sockets/terminal.rs::cut_anywhere_it_shows_what_came_and_then_the_break",
        ],
    ),
    row(
        "88b",
        "An event socket that is not there, refuses, drops, falls silent, repeats, swaps or delays",
        "cut at every byte; closed in every way; 403, 404, 429, 503, a page, a reset, a hang; each fault of its telling",
        "an event is a hint: each start is noticed all the same, by a look, half a second or a quarter of the wait late at \
         most; nobody waits for the socket; a listener is told of each gap; it goes with the environment",
        &[
            "crates/daytona-api/tests/it/sockets/events.rs::a_connection_that_breaks_anywhere_is_opened_again_and_the_gap_is_told",
            "crates/daytona-api/tests/it/sockets/events.rs::every_way_to_close_or_to_talk_nonsense_ends_in_another_connection",
            "crates/daytona-api/tests/it/sockets/events.rs::a_slow_listener_loses_the_oldest_is_told_and_holds_up_nobody",
            "tests/faults/events.rs::whatever_is_wrong_with_it_a_start_is_noticed",
            "tests/faults/events.rs::a_server_without_it_is_asked_as_fast_as_ever",
            "tests/faults/events.rs::a_start_that_fails_ends_the_wait_at_once_with_its_reason",
            "tests/faults/events.rs::it_goes_with_the_environment",
        ],
    ),
    row(
        "89",
        "A transfer cut midway",
        "uploads and downloads cut before, in and after the body",
        "a file is whole, or the call an error",
        &[
            "tests/faults/wire.rs::an_answer_cut_in_its_body",
            "crates/daytona-api/tests/it/files.rs::a_download_that_is_cut_off_or_too_large_is_an_error",
        ],
    ),
    row(
        "90",
        "Paths that lead elsewhere or look odd",
        "`..`, absolute, NUL, line breaks; quotes, backslashes, percent signs",
        "refused before anything is sent, or the very file",
        &[
            "tests/faults/data.rs::paths_that_lead_elsewhere_or_look_odd",
            "crates/sandbox-core/tests/it/contract.rs::paths_are_confined",
        ],
    ),
];
