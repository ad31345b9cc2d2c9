//! What listens in a sandbox, through the client of daytona-api.

use std::net::{Ipv4Addr, TcpListener};

use daytona_api::api::Toolbox;

use crate::live::{Lab, soon};
use crate::support::isolated;

/// Listens at an address, on the given port or on a free one from 3000 to 9999, until it is killed. Tells the port.
pub(crate) const LISTEN: &str = "
import os, random, socket, sys, time
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
while True:
    listener = socket.socket(family)
    port = int(sys.argv[2]) if sys.argv[2:] else random.randint(3000, 9999)
    try:
        listener.bind((sys.argv[1], port))
        listener.listen()
        break
    except OSError:
        listener.close()
print(port, flush=True)
if os.fork() == 0:
    null = os.open('/dev/null', os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    time.sleep(1000000)
os._exit(0)
";

pub(crate) async fn run(toolbox: &Toolbox, command: &str) -> String {
    let done = soon(toolbox.process().execute(command).send())
        .await
        .unwrap();
    assert_eq!(done.exit_code, Some(0), "{}", done.result);
    done.result
}

async fn listen(toolbox: &Toolbox, address: &str) -> u16 {
    let told = run(toolbox, &format!("python3 -c \"{LISTEN}\" {address}")).await;
    told.trim().parse().unwrap()
}

#[tokio::test]
async fn the_ports_of_a_sandbox_are_those_of_its_own_programs() {
    // of this machine, in the range that may be asked about
    let hosts = (3000..9999).find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let hosts_port = hosts.as_ref().unwrap().local_addr().unwrap().port();
    for lab in soon(Lab::both()).await {
        let ports = lab.toolbox.ports();
        assert!(ports.list().await.unwrap().is_empty());
        run(&lab.toolbox, "true").await;
        assert!(ports.list().await.unwrap().is_empty());

        let other = lab.api.sandboxes().create().send().await.unwrap();
        let other = lab.api.toolbox(&other).unwrap();
        let others = listen(&other, "127.0.0.1").await;
        let mut own = vec![
            listen(&lab.toolbox, "127.0.0.1").await,
            listen(&lab.toolbox, "0.0.0.0").await,
            listen(&lab.toolbox, "::1").await,
        ];
        own.sort_unstable();
        assert_eq!(ports.list().await.unwrap(), own);
        assert_eq!(other.ports().list().await.unwrap(), [others]);
        for port in own {
            assert!(ports.is_in_use(port).await.unwrap(), "{port}");
            assert!(!other.ports().is_in_use(port).await.unwrap(), "{port}");
        }
        for port in [others, hosts_port] {
            assert!(!ports.is_in_use(port).await.unwrap(), "{port}");
        }

        // they end with the sandbox
        lab.api.sandboxes().stop(&lab.id, false).await.unwrap();
        lab.server.settled().await;
        assert_eq!(ports.list().await.unwrap_err().status(), Some(400));
        lab.api.sandboxes().start(&lab.id).await.unwrap();
        assert!(ports.list().await.unwrap().is_empty());
        lab.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_program_that_hides_itself_is_still_the_sandboxes_own() {
    let lab = soon(Lab::new(isolated())).await;
    let hidden = format!("env -i PATH=\"$PATH\" setsid -w python3 -c \"{LISTEN}\" 127.0.0.1");
    let told = run(&lab.toolbox, &hidden).await;
    let port: u16 = told.trim().parse().unwrap();
    assert_eq!(lab.toolbox.ports().list().await.unwrap(), [port]);
    lab.server.shutdown().await;
}

#[tokio::test]
async fn a_sandbox_without_the_network_has_ports_of_its_own() {
    let lab = soon(Lab::new(isolated().network(false))).await;
    let hosts = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = hosts.local_addr().unwrap().port();
    let address = format!("127.0.0.1 {port}");
    assert_eq!(listen(&lab.toolbox, &address).await, port);
    assert_eq!(lab.toolbox.ports().list().await.unwrap(), [port]);
    let ask = format!(
        "python3 -c 'import socket; socket.create_connection((\"localhost\", {port})); print(1)'"
    );
    assert_eq!(run(&lab.toolbox, &ask).await, "1\n");
    lab.server.shutdown().await;
}

#[tokio::test]
async fn only_some_ports_may_be_asked_about() {
    let lab = soon(Lab::new(isolated())).await;
    let ports = lab.toolbox.ports();
    for port in [0, 1, 2999, 10_000, 65_535] {
        let error = ports.is_in_use(port).await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{port}");
        assert_eq!(
            error.message(),
            Some("bad request: port must be a number between 3000 and 9999")
        );
    }
    for port in [3000, 9999] {
        ports.is_in_use(port).await.unwrap();
    }
    lab.server.shutdown().await;
}
