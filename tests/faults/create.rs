//! Faults 37 to 52: creates.

use std::time::Duration;

use context_vars::NoVars;
use daytona_api::routes::control_plane::{CREATE_SANDBOX, GET_SANDBOX, UPDATE_LAST_ACTIVITY};
use daytona_env::DaytonaEnvironment;
use daytona_local::{Fault, Server};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::world::{NEVER, at, closes, heals, in_place, left};

fn message(status: u16, text: &str) -> String {
    json!({ "statusCode": status, "message": text }).to_string()
}

/// 41. The server lost a race with itself; there is no sandbox.
#[tokio::test(start_paused = true)]
async fn a_conflict_that_made_nothing() {
    let server = in_place(|builder| builder);
    let text = "Sandbox was modified by another operation, please try again";
    let conflict = Fault::on(&CREATE_SANDBOX).answer(409, message(409, text));
    server.faults().inject(conflict);
    let environment = at(&server).build().unwrap();
    environment.open(&NoVars).await.unwrap();
    assert_eq!(left(&server).len(), 1);
    heals(&server, &environment).await;
}

/// 42. The server remembers for ten seconds that the name was unknown, while the sandbox is there.
#[tokio::test(start_paused = true)]
async fn a_look_up_that_remembers_too_long() {
    for again in 1..=3 {
        let server = in_place(|builder| builder);
        let ten = Duration::from_secs(10);
        let cache = Fault::on(&GET_SANDBOX).negative_cache(ten).always();
        server.faults().inject(cache);
        // asked for before it is there, so that its absence is remembered
        server
            .faults()
            .inject(Fault::on(&CREATE_SANDBOX).reset_before_commit());
        let lost = Fault::on(&CREATE_SANDBOX).reset_after_commit().times(again);
        server.faults().inject(lost);
        let environment = at(&server).build().unwrap();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        assert!(
            server.sandboxes().len() <= 1,
            "{again}: {:?}",
            server.sandboxes()
        );
        if let Ok(sandbox) = opened {
            let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
            assert_eq!(alive, [sandbox.id()]);
        }
        let _ = environment.close().await;
        sleep(Duration::from_secs(180)).await;
        assert_eq!(left(&server), [], "{again}");
        heals(&server, &environment).await;
    }
}

/// 43. It never gets anywhere: the open ends at its deadline, and the sandbox as soon as the server lets it.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_stuck() {
    for image in [false, true] {
        let server = in_place(|builder| builder);
        server.faults().inject(Fault::on(&CREATE_SANDBOX).stuck());
        let mut builder = at(&server).create_timeout(Duration::from_secs(60));
        if image {
            builder = builder.image("debian:12");
        }
        let environment = builder.build().unwrap();
        let error = timeout(NEVER, environment.open(&NoVars))
            .await
            .unwrap()
            .unwrap_err();
        assert!(error.is_timeout(), "{error}");
        if let Err(error) = timeout(NEVER, environment.close()).await.unwrap() {
            assert_eq!(error.leftovers().len(), 1, "{error}");
            assert_eq!(left(&server)[0].name, error.leftovers()[0].name());
        }
        sleep(Duration::from_secs(20 * 60)).await;
        assert_eq!(left(&server), [], "the queue waits for it");
        heals(&server, &environment).await;
    }
}

/// 46. It cannot be deleted while it is created: whoever gave up on it waits until it can.
#[tokio::test(start_paused = true)]
async fn a_delete_while_it_is_created() {
    for seconds in [1, 20, 100] {
        let server = in_place(|builder| builder.create_delay(Duration::from_secs(seconds)));
        let environment = at(&server).build().unwrap();
        let gave_up = timeout(Duration::from_millis(100), environment.open(&NoVars)).await;
        assert!(gave_up.is_err());
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        if let Err(error) = &closed {
            assert!(seconds > 25, "{error}");
            assert_eq!(error.leftovers().len(), 1);
        } else {
            assert_eq!(left(&server), []);
        }
        sleep(Duration::from_secs(180)).await;
        assert_eq!(left(&server), []);
    }
}

/// 47. Nothing was made, and the error says which limit it was.
#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up() {
    for (status, text, quota) in [
        (400, "Total CPU limit exceeded. Maximum: 10", true),
        (403, "Total memory limit exceeded. Maximum: 10", true),
        (400, "No available runners", false),
    ] {
        let server = in_place(|builder| builder);
        let refusal = Fault::on(&CREATE_SANDBOX).answer(status, message(status, text));
        server.faults().inject(refusal.always());
        let environment = at(&server).build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.is_quota() || !quota, "{:?}: {error}", error.kind());
        closes(&server, &environment).await;
        heals(&server, &environment).await;
    }
}

/// 49. What the server does not promise is not relied upon.
#[tokio::test(start_paused = true)]
async fn a_lease_that_the_server_ignores() {
    for (member, value) in [
        ("autoDeleteInterval", json!(-1)),
        ("autoStopInterval", json!(0)),
        ("autoStopInterval", json!(600)),
    ] {
        let server = in_place(|builder| builder);
        for route in [&CREATE_SANDBOX, &GET_SANDBOX] {
            let other = Fault::on(route).set_fields([(member, value.clone())]);
            server.faults().inject(other.always());
        }
        let environment = at(&server).build().unwrap();
        let error = environment.open(&NoVars).await.unwrap_err();
        assert!(
            error.to_string().contains("lease") || error.to_string().contains("interval"),
            "{error}"
        );
        closes(&server, &environment).await;
        heals(&server, &environment).await;
    }
}

/// 50.
#[tokio::test(start_paused = true)]
async fn a_create_that_a_proxy_repeats() {
    let server = in_place(|builder| builder);
    server
        .faults()
        .inject(Fault::on(&CREATE_SANDBOX).run_twice());
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
    assert_eq!(alive, [sandbox.id()]);
    heals(&server, &environment).await;
}

/// 50b. The create is done long after its connection died: nobody can rule it out, so a close in between says so, and
/// what appears is removed.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_much_later() {
    for seconds in [30, 44, 60, 100, 119] {
        let late = Duration::from_secs(seconds);
        let server = in_place(|builder| builder);
        let create = || Fault::on(&CREATE_SANDBOX);
        server.faults().inject(create().commit_late(late));
        server
            .faults()
            .inject(create().reset_before_commit().always());
        let environment = at(&server)
            .create_timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let error = timeout(NEVER, environment.open(&NoVars))
            .await
            .unwrap()
            .unwrap_err();
        assert!(error.is_transient() || error.is_timeout(), "{error}");
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        assert_eq!(
            closed.unwrap_err().leftovers().len(),
            1,
            "{seconds} s: close did not say so"
        );
        sleep(Duration::from_secs(200)).await;
        assert_eq!(left(&server), [], "{seconds} s");
    }
}

/// 50b. The first try is done late, the second at once: while that sandbox lives, its name keeps the first out.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_later_than_its_repetition() {
    for seconds in [1, 30, 119] {
        let server = in_place(|builder| builder);
        let late = Duration::from_secs(seconds);
        server
            .faults()
            .inject(Fault::on(&CREATE_SANDBOX).commit_late(late));
        let environment = at(&server).build().unwrap();
        let sandbox = environment.open(&NoVars).await.unwrap();
        sleep(Duration::from_secs(130)).await;
        let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
        assert_eq!(alive, [sandbox.id()]);
        heals(&server, &environment).await;
    }
}

/// What is done late appears then, and is removed once nothing more can come.
async fn comes_and_goes(server: &Server, environment: &DaytonaEnvironment, late: Instant) {
    sleep_until(late + Duration::from_secs(2)).await;
    assert_eq!(left(server).len(), 1, "nothing came");
    sleep(Duration::from_secs(125)).await;
    assert_eq!(left(server), [], "what came was not removed");
    closes(server, environment).await;
}

/// 50b. The first try is done after the sandbox of the second was deleted, and its name with it. A close before that does
/// not promise what it cannot know, and what appears is removed.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_after_its_name_was_freed() {
    for seconds in [30, 60, 115] {
        let server = in_place(|builder| builder);
        let late = Fault::on(&CREATE_SANDBOX).commit_late(Duration::from_secs(seconds));
        server.faults().inject(late);
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        let name = environment.open(&NoVars).await.unwrap().name().to_owned();
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        let error = closed.unwrap_err();
        let names: Vec<_> = error.leftovers().iter().map(|left| left.name()).collect();
        assert_eq!(names, [name.as_str()], "{error}");
        assert_eq!(left(&server), [], "gone is what was there");
        comes_and_goes(&server, &environment, begun + Duration::from_secs(seconds)).await;
    }
}

/// 50b. The first try is done after the sandbox of the second was lost, and by the time anybody notices nothing more can
/// come: what came is looked for all the same.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_while_nobody_could_look() {
    let server = in_place(|builder| builder);
    let late = Fault::on(&CREATE_SANDBOX).commit_late(Duration::from_secs(30));
    server.faults().inject(late);
    let deaf = Fault::on(&UPDATE_LAST_ACTIVITY).answer(503, "{}");
    server.faults().inject(deaf.always());
    let environment = at(&server).build().unwrap();
    let sandbox = environment.open(&NoVars).await.unwrap();
    assert!(server.vanish(sandbox.id()).await);
    sleep(Duration::from_secs(130)).await;
    let names: Vec<_> = left(&server).into_iter().map(|row| row.name).collect();
    assert_eq!(names, [sandbox.name()], "nothing came");
    closes(&server, &environment).await;
    assert_eq!(left(&server), []);
}

/// 50b. The first try is done after the second has failed, and what that left was deleted: what failed was not the first.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_after_its_repetition_failed() {
    for seconds in [30, 60, 115] {
        let server = in_place(|builder| builder);
        let create = || Fault::on(&CREATE_SANDBOX);
        let late = Duration::from_secs(seconds);
        server.faults().inject(create().commit_late(late));
        server
            .faults()
            .inject(create().error_state("no space left"));
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("no space left"), "{error}");
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        assert_eq!(closed.unwrap_err().leftovers().len(), 1, "{seconds} s");
        assert_eq!(left(&server), [], "gone is what had failed");
        comes_and_goes(&server, &environment, begun + Duration::from_secs(seconds)).await;
    }
}

/// 50b. The first try is done after what the second made was deleted, though the answer to that could not be read.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_done_after_an_answer_that_could_not_be_read() {
    for what in ["garbage", "cut", "a number"] {
        let server = in_place(|builder| builder);
        let create = || Fault::on(&CREATE_SANDBOX);
        let late = Duration::from_secs(30);
        server.faults().inject(create().commit_late(late));
        let struck = server.faults().inject(match what {
            "garbage" => create().garbage(300, 7),
            "cut" => create().truncate_body(40),
            _ => create().set_fields([("id", serde_json::json!(7))]),
        });
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        let opened = timeout(NEVER, environment.open(&NoVars)).await.unwrap();
        assert_eq!((opened.is_ok(), struck.hits()), (true, 1));
        let closed = timeout(NEVER, environment.close()).await.unwrap();
        assert!(closed.is_err(), "{what}");
        assert_eq!(closed.unwrap_err().leftovers().len(), 1, "{what}");
        assert_eq!(left(&server), [], "gone is what was opened");
        comes_and_goes(&server, &environment, begun + late).await;
    }
}

/// 50b. A try for a shared sandbox went unanswered; by the time it is looked for its name is that of a successor, which others
/// may use: the look is none, and does not lengthen its life.
#[tokio::test(start_paused = true)]
async fn a_late_look_at_a_shared_name_is_no_use_of_it() {
    let server = in_place(|builder| builder);
    let unanswered = Fault::on(&CREATE_SANDBOX).reset_before_commit();
    server.faults().inject(unanswered);
    let shared = at(&server).share("fleet", "a-fleet-key-0123456789");
    let environment = shared.build().unwrap();
    let first = environment.open(&NoVars).await.unwrap();
    assert!(server.vanish(first.id()).await);
    // its renewal tells that it is gone
    sleep(Duration::from_secs(70)).await;
    let second = environment.open(&NoVars).await.unwrap();
    assert_eq!(second.name(), first.name());
    assert_ne!(second.id(), first.id());
    let seen = |what: &str| {
        let requests = server.requests();
        let about = requests.iter().filter(|seen| seen.path.contains(what));
        about.count()
    };
    let (looks, used) = (seen(first.name()), seen("/toolbox/"));
    sleep(Duration::from_secs(60)).await;
    assert!(seen(first.name()) > looks, "nobody looked");
    assert_eq!(seen("/toolbox/"), used);
    assert_eq!(left(&server).len(), 1, "it belongs to all");
    environment.close().await.unwrap();
    sleep(Duration::from_secs(6 * 60)).await;
    closes(&server, &environment).await;
}

/// 51. Each has its own, and closes its own.
#[tokio::test(start_paused = true)]
async fn two_processes_with_one_key() {
    let server = in_place(|builder| builder);
    let (one, two) = (at(&server).build().unwrap(), at(&server).build().unwrap());
    let ours = one.open(&NoVars).await.unwrap();
    let theirs = two.open(&NoVars).await.unwrap();
    assert_ne!((ours.id(), ours.name()), (theirs.id(), theirs.name()));
    one.close().await.unwrap();
    let alive: Vec<_> = left(&server).into_iter().map(|row| row.id).collect();
    assert_eq!(alive, [theirs.id()]);
    heals(&server, &two).await;
}

/// 52. It is started, but nothing can be done in it.
#[tokio::test(start_paused = true)]
async fn a_toolbox_that_never_answers() {
    for fault in [
        Fault::any()
            .path("/toolbox/*")
            .answer(502, "<html>Bad Gateway</html>"),
        Fault::any().path("/toolbox/*").reset_before_commit(),
        Fault::any().path("/toolbox/*").hang(),
    ] {
        let server = in_place(|builder| builder);
        let struck = server.faults().inject(fault.always());
        let environment = at(&server).build().unwrap();
        let begun = Instant::now();
        let opened = timeout(NEVER * 3, environment.open(&NoVars)).await.unwrap();
        assert!(opened.is_err(), "{opened:?} after {:?}", begun.elapsed());
        assert!(struck.hits() > 0);
        closes(&server, &environment).await;
        heals(&server, &environment).await;
    }
}
