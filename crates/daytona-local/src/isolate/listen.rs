//! What listens in a sandbox: the sockets that its own processes hold, and nobody else's, though it may share the
//! network with this machine and with other sandboxes.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::cell::Cell;
use super::scan;

/// The state of a socket that listens, as the kernel's tables name it.
const LISTEN: &str = "0A";

/// One socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    inode: u64,
}

/// The sockets that listen in the network of a sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners {
    /// Those of the sandbox's own processes.
    own: Vec<Listener>,
    others: Vec<Listener>,
    /// Where the kernel's tables of this network are.
    tables: PathBuf,
    /// Whether this process is in the same network.
    pub(crate) shared: bool,
}

impl Cell {
    /// What listens now. Nothing where no program has run since it was started.
    pub(crate) async fn listeners(&self) -> io::Result<Listeners> {
        // held, so that the id of its pid 1 stays its own
        let mut space = self.space().await;
        let (marker, process, shared) = if self.host.tools().is_some() {
            let Some(space) = space.as_mut() else {
                return Ok(Listeners::default());
            };
            if !space.alive() {
                return Ok(Listeners::default());
            }
            (None, format!("/proc/{}", space.pid), space.network)
        } else {
            let marker = format!("DAYTONA_SANDBOX_ID={}", self.id);
            (Some(marker), "/proc/self".to_owned(), true)
        };
        let read = tokio::task::spawn_blocking(move || {
            let process = PathBuf::from(process);
            let held = match marker {
                // the processes of its pid namespace, which none of them can leave
                None => all_sockets(&process.join("root/proc"))?,
                Some(marker) => {
                    let mut held = HashSet::new();
                    for pid in scan::find(&marker) {
                        sockets(Path::new(&format!("/proc/{pid}")), &mut held);
                    }
                    held
                }
            };
            let tables = process.join("net");
            let (own, others) = table(&tables)?
                .into_iter()
                .partition(|listener| held.contains(&listener.inode));
            Ok(Listeners {
                own,
                others,
                tables,
                shared,
            })
        });
        read.await.map_err(io::Error::other)?
    }
}

impl Listeners {
    /// The ports of the sandbox's own, in order.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<_> = self.own.iter().map(|one| one.address.port()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Where to connect so that one of the sandbox's own takes it, if there is such a place: no socket of somebody else
    /// may listen there too.
    pub(crate) fn reach(&self, port: u16) -> Option<Listener> {
        let own = self.own.iter().filter(|one| one.address.port() == port);
        let mut places: Vec<_> = own
            .map(|one| Listener {
                address: SocketAddr::new(connectable(one.address.ip()), port),
                inode: one.inode,
            })
            .collect();
        // what everything understands comes first
        places.sort_by_key(|place| place.address.is_ipv6());
        places.into_iter().find(|place| {
            let taken = |other: &Listener| {
                other.address.port() == port && takes(other.address.ip(), place.address.ip())
            };
            !self.others.iter().any(taken)
        })
    }

    /// Whether what [`Listeners::reach`] gave still listens, and nobody else does there. Read again: to be asked once a
    /// connection is made.
    pub(crate) async fn still(&self, place: Listener) -> bool {
        let tables = self.tables.clone();
        let read = tokio::task::spawn_blocking(move || table(&tables)).await;
        let Ok(Ok(now)) = read else {
            return false;
        };
        let port = place.address.port();
        let own = |one: &Listener| self.own.iter().any(|own| own.inode == one.inode);
        let takers = now.iter().filter(|one| {
            one.address.port() == port && takes(one.address.ip(), place.address.ip())
        });
        let mut known = false;
        for taker in takers {
            if !own(taker) {
                return false;
            }
            known |= taker.inode == place.inode;
        }
        known
    }
}

/// The address by which a socket bound to this one is reached.
fn connectable(bound: IpAddr) -> IpAddr {
    match bound {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Whether a socket that is bound to one address may get a connection to the other. One bound to `::` may take IPv4 too.
fn takes(bound: IpAddr, wanted: IpAddr) -> bool {
    match bound {
        IpAddr::V4(ip) if ip.is_unspecified() => wanted.is_ipv4(),
        IpAddr::V6(ip) if ip.is_unspecified() => true,
        IpAddr::V6(ip) => wanted == bound || ip.to_ipv4_mapped().map(IpAddr::from) == Some(wanted),
        IpAddr::V4(_) => wanted == bound,
    }
}

/// The sockets of all processes that a mounted `proc` shows.
fn all_sockets(proc: &Path) -> io::Result<HashSet<u64>> {
    let mut held = HashSet::new();
    for entry in fs::read_dir(proc)?.flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            sockets(&entry.path(), &mut held);
        }
    }
    Ok(held)
}

/// The sockets of one process; none of one that has ended.
fn sockets(process: &Path, held: &mut HashSet<u64>) {
    let Ok(entries) = fs::read_dir(process.join("fd")) else {
        return;
    };
    for entry in entries.flatten() {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let inode = target
            .to_str()
            .and_then(|target| target.strip_prefix("socket:["))
            .and_then(|rest| rest.strip_suffix(']'));
        held.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
    }
}

/// What listens in one network.
fn table(folder: &Path) -> io::Result<Vec<Listener>> {
    let mut all = parse(&fs::read_to_string(folder.join("tcp"))?);
    // not there where the kernel has no IPv6
    let six = fs::read_to_string(folder.join("tcp6")).unwrap_or_default();
    all.extend(parse(&six));
    Ok(all)
}

fn parse(table: &str) -> Vec<Listener> {
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let address = address(fields.next()?)?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        (state == LISTEN).then_some(Listener { address, inode })
    };
    table.lines().filter_map(line).collect()
}

/// `0100007F:1F90`: each four bytes as a number of this machine, the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in ip.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, inode: u64) -> Listener {
        Listener {
            address: address.parse().unwrap(),
            inode,
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_tables_are_understood() {
        let four = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \u{20}  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n\
            \u{20}  1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 0 10 -1\n";
        assert_eq!(parse(four), [at("127.0.0.1:8080", 4711)]);
        let six = "  0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A \
            00000000:00000000 00:00000000 00000000  1000        0 99 1 0 100 0 0 10 0\n";
        assert_eq!(parse(six), [at("[::1]:3000", 99)]);
        assert_eq!(parse("rubbish\n1: x:y\n2: 00:00 0 0A"), []);
    }

    #[test]
    fn a_place_that_somebody_else_listens_at_is_not_reached() {
        let reach = |own: &[Listener], others: &[Listener]| {
            let listeners = Listeners {
                own: own.to_vec(),
                others: others.to_vec(),
                ..Listeners::default()
            };
            listeners.reach(80).map(|one| one.address.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        let (any, any6) = (at("0.0.0.0:80", 1), at("[::]:80", 2));
        assert_eq!(reach(&[any], &[]), some("127.0.0.1:80"));
        assert_eq!(reach(&[any6], &[]), some("[::1]:80"));
        assert_eq!(reach(&[any6, any], &[]), some("127.0.0.1:80"));
        let loopback = at("127.0.0.1:80", 3);
        assert_eq!(reach(&[any], &[loopback]), None);
        assert_eq!(reach(&[any, any6], &[loopback]), some("[::1]:80"));
        assert_eq!(reach(&[loopback], &[any6]), None);
        assert_eq!(reach(&[loopback], &[at("[::ffff:127.0.0.1]:80", 4)]), None);
        assert_eq!(
            reach(&[loopback], &[at("127.0.0.2:80", 4), at("0.0.0.0:81", 5)]),
            some("127.0.0.1:80")
        );
        assert_eq!(reach(&[at("127.0.0.1:81", 6)], &[]), None);
    }
}
