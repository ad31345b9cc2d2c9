//! Every operation of the Daytona API as data: the client builds its requests from this table, the embedded
//! server its router.

pub use crate::generated::routes::{ALL, control_plane, toolbox};

/// Which of the APIs an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// The control plane; paths are relative to the API's base URL.
    ControlPlane,
    /// The toolbox of one sandbox; paths are relative to `{toolboxProxyUrl}/{sandboxId}`.
    Toolbox,
    /// The object storage that build contexts go to, which speaks the protocol of S3; paths are relative to the
    /// `storageUrl` that `getPushAccess` answers.
    ObjectStorage,
}

/// What the routes that no document has are made from.
const UNDOCUMENTED: Route = Route {
    id: "",
    api: Api::ControlPlane,
    method: Method::Get,
    path: "",
    path_params: &[],
    query: &[],
    headers: &[],
    tag: "",
    deprecated: false,
    newer: false,
    request_types: &[],
    request_model: None,
    response_types: &[],
    response_model: None,
    success: &[200],
};

/// The event socket: Socket.IO over a WebSocket, which no document has, so the id is a name of ours. Not in [`ALL`].
pub const EVENT_SOCKET: Route = Route {
    id: "connectEvents",
    path: "/socket.io/",
    tag: "events",
    success: &[101],
    ..UNDOCUMENTED
};

/// The log of the build of a sandbox's image: at the address that `getBuildLogsUrl` answers, on the toolbox proxy, which
/// no document has, so the id is a name of ours. The path is what the proxy 0.190 has. Not in [`ALL`].
pub const BUILD_LOG: Route = Route {
    id: "readBuildLog",
    path: "/sandboxes/{sandboxId}/build-logs",
    path_params: &["sandboxId"],
    query: &[QueryParam {
        name: "follow",
        required: false,
        array: false,
    }],
    tag: "sandbox",
    response_types: &["application/octet-stream"],
    ..UNDOCUMENTED
};

const fn object(id: &'static str, method: Method) -> Route {
    Route {
        id,
        api: Api::ObjectStorage,
        method,
        path: "/{bucket}/{key}",
        path_params: &["bucket", "key"],
        tag: "object-storage",
        ..UNDOCUMENTED
    }
}

/// Whether an object is there: asked before the files of an image are uploaded. Not in [`ALL`]: the documents of
/// Daytona have no operation of its object storage, so the id is S3's, as `putObject` is.
pub const HEAD_OBJECT: Route = object("headObject", Method::Head);

/// Stores an object: the files of an image, as one archive. Not in [`ALL`].
pub const PUT_OBJECT: Route = object("putObject", Method::Put);

/// The log of the build of a snapshot: at the address that `getSnapshotBuildLogsUrl` answers; see [`BUILD_LOG`]. Not in
/// [`ALL`].
pub const SNAPSHOT_BUILD_LOG: Route = Route {
    id: "readSnapshotBuildLog",
    path: "/snapshots/{snapshotId}/build-logs",
    path_params: &["snapshotId"],
    tag: "snapshots",
    ..BUILD_LOG
};

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl Method {
    /// The name as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A parameter in the query string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct QueryParam {
    /// Its name, as it is sent.
    pub name: &'static str,
    /// Whether the documents call it required.
    pub required: bool,
    /// Whether it may be repeated.
    pub array: bool,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Route {
    /// The operation id in the documents.
    pub id: &'static str,
    /// The API it belongs to.
    pub api: Api,
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for each parameter.
    pub path: &'static str,
    /// The parameters in the path, in order.
    pub path_params: &'static [&'static str],
    /// The parameters in the query string.
    pub query: &'static [QueryParam],
    /// The request headers the documents name.
    pub headers: &'static [&'static str],
    /// The tag that groups it.
    pub tag: &'static str,
    /// Whether the documents call it deprecated.
    pub deprecated: bool,
    /// Known from newer clients only; the documents do not have it yet, so `id` is a name of ours.
    pub newer: bool,
    /// The content types of a request body; empty where there is none.
    pub request_types: &'static [&'static str],
    /// The schema of a request body, where it is a named one.
    pub request_model: Option<&'static str>,
    /// The content types of a success; empty where the answer has no body.
    pub response_types: &'static [&'static str],
    /// The schema of a success, where it is a named one or a list of them.
    pub response_model: Option<&'static str>,
    /// The statuses of a success, in ascending order; empty where no document says.
    pub success: &'static [u16],
}

impl Route {
    /// Whether the operation upgrades to a WebSocket.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.success.contains(&101)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_route_is_well_formed_and_named_once() {
        let mut seen = HashSet::new();
        for route in ALL {
            assert!(
                seen.insert((route.api, route.method, route.path)),
                "{} twice",
                route.id
            );
            assert!(route.path.starts_with('/'), "{}", route.id);
            assert_eq!(
                route.path.matches('{').count(),
                route.path_params.len(),
                "{}",
                route.id
            );
            for param in route.path_params {
                assert!(route.path.contains(&format!("{{{param}}}")), "{}", route.id);
            }
            assert!(route.newer || !route.success.is_empty(), "{}", route.id);
            assert!(route.success.is_sorted(), "{}", route.id);
        }
    }

    #[test]
    fn the_table_has_what_the_documents_and_newer_clients_have() {
        let count = |api, newer| {
            ALL.iter()
                .filter(|r| r.api == api && r.newer == newer)
                .count()
        };
        assert_eq!(count(Api::ControlPlane, false), 196);
        assert_eq!(count(Api::Toolbox, false), 103);
        assert_eq!(count(Api::ControlPlane, true), 7);
        assert_eq!(count(Api::Toolbox, true), 5);

        let create = control_plane::CREATE_SANDBOX;
        assert_eq!((create.method, create.path), (Method::Post, "/sandbox"));
        assert_eq!(create.request_model, Some("CreateSandbox"));
        assert_eq!(create.success, [200]);
        let list = control_plane::LIST_SANDBOXES;
        let states = list
            .query
            .iter()
            .find(|param| param.name == "states")
            .unwrap();
        assert!(states.array && !states.required);
        assert!(list.query.iter().any(|param| param.name == "minGpu"));
        let websockets: Vec<_> = ALL
            .iter()
            .filter(|r| r.is_websocket())
            .map(|r| r.path)
            .collect();
        assert_eq!(
            websockets,
            [
                "/process/interpreter/execute",
                "/process/pty/{sessionId}/connect",
                "/process/pty/create-connect"
            ]
        );
    }
}
