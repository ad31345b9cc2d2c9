use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "65",
        "409 a few times",
        "1, 2 and 5 times",
        "tried again until it is gone",
        &["tests/faults/delete.rs::a_delete_that_is_refused_for_a_while"],
    ),
    row(
        "66",
        "429 and 5xx a few times",
        "1, 2 and 5 times",
        "as 65",
        &["tests/faults/delete.rs::a_delete_that_is_refused_for_a_while"],
    ),
    row(
        "67",
        "The answer is lost",
        "resets, closes, cuts after the commit",
        "asked again: 404 is done",
        &["tests/faults/delete.rs::a_delete_whose_answer_is_lost_or_that_comes_too_late"],
    ),
    row(
        "68",
        "404 at once",
        "gone before the delete",
        "done",
        &["tests/faults/delete.rs::a_delete_whose_answer_is_lost_or_that_comes_too_late"],
    ),
    row(
        "69",
        "It never works",
        "500 for ever; success that is none",
        "close says so at its deadline, with names and bounds, and can be called again",
        &[
            "tests/faults/delete.rs::a_delete_that_never_works",
            "tests/faults/delete.rs::a_delete_that_is_swallowed_ends_by_the_lease",
        ],
    ),
    row(
        "70",
        "Forks are in the way",
        "400 with Daytona's words",
        "reported with its reason, and gone once they are",
        &["tests/faults/delete.rs::a_delete_with_forks_in_the_way"],
    ),
    row(
        "71",
        "A close in the middle of a create",
        "at six instants of it",
        "waits for the create and deletes",
        &["tests/faults/delete.rs::a_close_in_the_middle_of_a_create"],
    ),
    row(
        "72",
        "A close that is dropped",
        "after each of its polls",
        "the work goes on; the next close joins it",
        &["tests/torture/lifecycle.rs::close"],
    ),
    row(
        "73",
        "Closes at once, and again",
        "two together and a third",
        "one delete each, one answer for all",
        &[
            "tests/faults/delete.rs::closes_at_once_and_again",
            "crates/daytona-env/tests/it/owned.rs::closing_deletes_once_however_many_call",
        ],
    ),
    row(
        "74",
        "An open that began before a close",
        "an open across a close, one after it",
        "closed; the later one begins anew",
        &["tests/faults/delete.rs::an_open_across_a_close"],
    ),
    row(
        "75",
        "A thousand sandboxes at close",
        "more than go at once",
        "waves of 64",
        &[
            "crates/sandbox-core/tests/it/close.rs::many_sandboxes_are_removed_in_waves_of_64",
            "tests/integration/close.rs::a_hundred_and_thirty_keys",
        ],
    ),
    row(
        "76",
        "A successor has the name",
        "names and ids in the requests",
        "deletes go by id",
        &["tests/faults/delete.rs::deletes_go_by_id"],
    ),
];
