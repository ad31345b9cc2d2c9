use super::{Row, row, void};

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
    void(
        "88",
        "A WebSocket that drops",
        "resumed at an offset, or unknown",
        "commands and files of a sandbox go over plain requests: no WebSocket carries them",
    ),
    row(
        "89",
        "A transfer cut midway",
        "uploads and downloads cut before, in and after the body",
        "a file is whole, or the call an error",
        &[
            "tests/faults/wire.rs::an_answer_cut_in_its_body",
            "crates/daytona-api/tests/it/wire.rs::a_download_that_is_cut_off_or_too_large_is_an_error",
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
