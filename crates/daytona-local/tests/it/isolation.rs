use daytona_local::{Isolation, IsolationMode, Server};
use serde_json::json;

use crate::support::{isolated, plain, start};

#[tokio::test]
async fn the_mode_in_force_is_told() {
    for (asked, mode) in [
        (Isolation::Required, IsolationMode::Namespaces),
        (Isolation::Auto, IsolationMode::Namespaces),
        (Isolation::None, IsolationMode::None),
    ] {
        let server = Server::builder()
            .isolation(asked)
            .network(false)
            .start()
            .await
            .unwrap();
        let report = server.isolation();
        assert_eq!((report.mode, report.reason), (mode, None));
        assert_eq!(
            report.network,
            mode == IsolationMode::None,
            "none cannot cut the network"
        );
    }
}

#[tokio::test]
async fn a_program_sees_nothing_of_the_hosts() {
    let planted = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(planted.path(), "canary-of-the-host").unwrap();
    let home = nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .dir;
    let in_home = tempfile::NamedTempFile::new_in(&home);
    let (server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    let mut paths = vec![
        planted.path().to_path_buf(),
        "/etc/shadow".into(),
        "/run".into(),
    ];
    paths.extend(in_home.as_ref().ok().map(|file| file.path().to_path_buf()));
    paths.push(std::env::current_exe().unwrap());
    for path in paths {
        assert!(
            path.exists() || !nix::unistd::geteuid().is_root(),
            "{}",
            path.display()
        );
        let (code, output) = client
            .run(
                &id,
                &format!(
                    "ls -A '{0}' && [ ! -d '{0}' ] || [ -n \"$(ls -A '{0}' 2>/dev/null)\" ]",
                    path.display()
                ),
            )
            .await;
        assert_ne!(code, 0, "{}: {output}", path.display());
    }
    let (_, output) = client
        .run(
            &id,
            "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat /proc/*/cmdline | tr '\\0' ' '",
        )
        .await;
    assert!(
        !output.contains("CARGO") && !output.contains("cargo"),
        "{output}"
    );
    let (_, output) = client.run(&id, "ls -d /proc/[0-9]* | wc -l").await;
    assert!(
        output.trim().parse::<u32>().unwrap() < 10,
        "other processes: {output}"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn nothing_of_the_hosts_can_be_changed_and_no_privilege_is_left() {
    let (_server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    for command in [
        "touch /usr/x",
        "touch /etc/x",
        "touch /bin/x",
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /usr",
        "umount /proc/sys",
        "unshare --user true",
        "unshare --mount true",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo c > /proc/sysrq-trigger",
        "chroot / true",
        "mknod /tmp/n c 1 3",
        "hostname other",
    ] {
        let (code, output) = client.run(&id, command).await;
        assert_ne!(code, 0, "{command}: {output}");
    }
    let (_, output) = client
        .run(
            &id,
            "grep -E '^(Cap(Eff|Prm|Bnd|Inh|Amb)|NoNewPrivs)' /proc/self/status | tr -d '\\t\\n'",
        )
        .await;
    let none = "0000000000000000";
    assert_eq!(
        output,
        format!("CapInh:{none}CapPrm:{none}CapEff:{none}CapBnd:{none}CapAmb:{none}NoNewPrivs:1")
    );
    // pid 1 holds the sandbox; what is in there cannot end it.
    client.run(&id, "kill -9 1; kill -9 -1; true").await;
    assert_eq!(client.run(&id, "echo still here").await.1, "still here\n");
}

#[tokio::test]
async fn a_variable_cannot_steer_what_runs_outside() {
    let (_server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    let body = json!({ "command": "echo ran", "envs": { "LD_PRELOAD": "/no/such.so", "BASH_ENV": "/x", "_launch_cwd": "/" } });
    let reply = client.execute(&id, body).await.json();
    assert!(
        reply["result"].as_str().unwrap().ends_with("ran\n"),
        "{reply}"
    );
}

#[tokio::test]
async fn python_and_the_usual_folders_work_inside() {
    let (_server, client) = start(isolated()).await;
    let id = client.create(json!({})).await;
    let (code, output) = client
        .run(&id, "python3 -c 'import ssl, sqlite3, json; print(6*7)'")
        .await;
    assert_eq!((code, output.as_str()), (0, "42\n"));
    for folder in [
        "/tmp",
        "/workspace",
        "/home/daytona",
        "/var/tmp",
        "/dev/shm",
    ] {
        assert_eq!(
            client
                .run(&id, &format!("echo x > {folder}/f && cat {folder}/f"))
                .await
                .1,
            "x\n"
        );
    }
    assert_eq!(
        client
            .run(&id, "echo x > /dev/null; head -c 4 /dev/zero | wc -c")
            .await
            .1
            .trim(),
        "4"
    );
    assert_eq!(
        client
            .run(&id, "script -qec 'tty' /dev/null")
            .await
            .1
            .trim(),
        "/dev/pts/0"
    );
    assert_eq!(
        client
            .run(&id, "mkdir /made && echo y > /made/f && echo ok")
            .await
            .1,
        "ok\n"
    );
    let file = client
        .get(&format!("/toolbox/{id}/files/download?path=/made/f"))
        .await;
    assert_eq!(file.text(), "y\n", "the files routes see what programs see");
}

#[tokio::test]
async fn sandboxes_do_not_see_each_other() {
    let (_server, client) = start(isolated()).await;
    let (a, b) = (
        client.create(json!({})).await,
        client.create(json!({})).await,
    );
    client
        .run(&a, "echo secret > /tmp/s; sleep 1000 >/dev/null 2>&1 &")
        .await;
    let (_, output) = client.run(&b, "ls /tmp; ps ax").await;
    assert!(
        !output.contains('s') || !output.contains("sleep 1000"),
        "{output}"
    );
    assert_ne!(client.run(&b, "cat /tmp/s").await.0, 0);
}

#[tokio::test]
async fn folders_can_be_shown_read_only() {
    let shown = tempfile::tempdir().unwrap();
    std::fs::create_dir(shown.path().join("bin")).unwrap();
    let tool = shown.path().join("bin/shown-tool");
    std::fs::write(&tool, "#!/bin/sh\necho from the host\n").unwrap();
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (_server, client) = start(isolated().bind_ro(shown.path())).await;
    let id = client.create(json!({})).await;
    assert_eq!(client.run(&id, "shown-tool").await.1, "from the host\n");
    let path = shown.path().display();
    assert_ne!(client.run(&id, &format!("touch {path}/x")).await.0, 0);
    let upload = client.request(
        "POST",
        &format!("/toolbox/{id}/files/upload-v2?path={path}/x"),
    );
    assert_eq!(
        client.send(upload.body("x".into()).unwrap()).await.status,
        403
    );
}

#[tokio::test]
async fn the_network_can_be_cut_for_all_or_for_one() {
    let interfaces = "grep -c : /proc/net/dev";
    let (_server, client) = start(isolated()).await;
    let open = client.create(json!({})).await;
    let cut = client.create(json!({ "networkBlockAll": true })).await;
    let many: u32 = client
        .run(&open, interfaces)
        .await
        .1
        .trim()
        .parse()
        .unwrap();
    assert_eq!(
        client.run(&cut, interfaces).await.1.trim(),
        "1",
        "loopback alone"
    );
    let (_server, client) = start(isolated().network(false)).await;
    let id = client.create(json!({})).await;
    assert_eq!(client.run(&id, interfaces).await.1.trim(), "1");
    assert!(many >= 1);
}

#[tokio::test]
async fn without_isolation_the_home_is_the_sandboxes_own() {
    let (_server, client) = start(plain()).await;
    let id = client.create(json!({})).await;
    let (_, output) = client.run(&id, "echo $HOME $TMPDIR $PATH").await;
    let words: Vec<&str> = output.split_whitespace().collect();
    assert!(
        words[0].ends_with(&format!("{id}/home/daytona")),
        "{output}"
    );
    assert!(words[1].ends_with(&format!("{id}/tmp")), "{output}");
}
