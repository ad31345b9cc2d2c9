use super::{Row, row, void};

pub(super) const ROWS: &[Row] = &[
    row(
        "77",
        "A future dropped at every poll",
        "lifecycle, commands and files",
        "one create, nothing left, the next open works",
        &[
            "tests/torture/lifecycle.rs::open",
            "tests/torture/lifecycle.rs::close_during_a_create",
            "tests/torture/lifecycle.rs::close_and_report",
            "tests/torture/calls.rs::exec",
            "tests/torture/files.rs::put",
            "tests/torture/files.rs::spills",
            "tests/torture/running.rs::next_and_wait",
            "tests/torture/running.rs::kill",
            "tests/torture/running.rs::exec_piped",
            "tests/torture/others.rs::waking",
            "tests/torture/others.rs::shared_open",
            "tests/torture/others.rs::sweep",
        ],
    ),
    row(
        "78",
        "The first opener goes away",
        "a thousand openers, all but one gone",
        "the rest get the same create",
        &[
            "tests/integration/flight.rs::the_last_of_a_thousand_is_served_by_the_create_of_the_first",
        ],
    ),
    row(
        "79",
        "A panic while creating",
        "a provider that panics",
        "an error; the key works again",
        &[
            "crates/sandbox-core/tests/it/create.rs::a_panic_is_an_error_and_bricks_nothing",
            "crates/sandbox-core/tests/it/cancel.rs::of_a_panicking_create",
        ],
    ),
    row(
        "80",
        "A runtime ends in the middle",
        "eight runtimes that end; a spawner's that ends",
        "the factory's own thread goes on, and takes over from a spawner that ended",
        &[
            "tests/integration/flight.rs::eight_runtimes_that_end_share_one_create",
            "crates/sandbox-core/tests/it/runtimes.rs::a_factorys_runtime_that_ends_mid_create_is_reported_and_its_name_used_again",
            "crates/sandbox-core/tests/it/runtimes.rs::a_factorys_runtime_that_ends_mid_delete_is_taken_over",
        ],
    ),
    row(
        "81",
        "Another runtime uses the handle",
        "three threads with runtimes of their own",
        "it works",
        &["tests/faults/process.rs::runtimes_come_and_go"],
    ),
    void(
        "82",
        "fork() without exec",
        "nothing is promised in the child, which has none of a factory's threads; the parent's sandboxes stay the parent's",
        "the user's program may fork, but a test of it needs unsafe code, which the workspace forbids; exec, or open in the child alone",
    ),
    row(
        "83",
        "Exit without a close; SIGTERM; SIGINT twice",
        "real processes",
        "tidied up where the program lets us, else the lease",
        &[
            "crates/daytona-env-cli/tests/it/signals.rs::a_signal_cleans_up_first",
            "crates/daytona-env-cli/tests/it/creating.rs::the_second_signal_leaves_at_once",
            "tests/crash.rs::killed_at_random_instants",
            "crates/daytona-env-cli/tests/it/lease.rs::a_killed_clients_sandbox_goes_and_a_living_clients_stays",
        ],
    ),
    row(
        "84",
        "SIGKILL at any instant",
        "real processes, real signals, a real server",
        "gone within the lease and a minute",
        &[
            "tests/crash.rs::killed_at_random_instants",
            "crates/daytona-env-cli/tests/it/lease.rs::a_killed_clients_sandbox_goes_and_a_living_clients_stays",
        ],
    ),
    row(
        "85",
        "No descriptor is free",
        "a limit of three",
        "an error, and nothing is left",
        &["tests/faults/process.rs::no_descriptor_is_free"],
    ),
];
