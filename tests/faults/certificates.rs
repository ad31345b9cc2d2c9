//! Fault 34: certificates that are not to be trusted.

use std::sync::Arc;

use context_vars::NoVars;
use daytona_env::DaytonaEnvironment;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate and its key.
type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

fn params(host: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn signs_itself(host: &str, years: (i32, i32)) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(host, years).self_signed(&key).unwrap();
    (certificate.der().clone(), key_of(&key))
}

fn of_an_unknown_authority() -> Identity {
    let mut authority = params("ca.invalid", (2020, 2999));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params("localhost", (2020, 2999))
        .signed_by(&key, &authority)
        .unwrap();
    (certificate.der().clone(), key_of(&key))
}

/// There is no setting that would make any of them good enough: nothing is sent, and nothing may exist.
#[tokio::test]
async fn a_certificate_that_nobody_vouches_for() {
    for (what, (certificate, key)) in [
        (
            "right but for its issuer",
            signs_itself("localhost", (2020, 2999)),
        ),
        ("run out", signs_itself("localhost", (2001, 2002))),
        (
            "of another host",
            signs_itself("daytona.invalid", (2020, 2999)),
        ),
        ("of an unknown authority", of_an_unknown_authority()),
    ] {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/api",
            listener.local_addr().unwrap().port()
        );
        let environment = DaytonaEnvironment::builder()
            .api_url(url)
            .api_key("key")
            .create_timeout(std::time::Duration::from_secs(1))
            .build()
            .unwrap();
        let serving = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut said = Vec::new();
                    let _ = stream.read_to_end(&mut said).await;
                    assert!(
                        said.is_empty(),
                        "{what}: {}",
                        String::from_utf8_lossy(&said)
                    );
                }
            }
        };
        let error = tokio::select! {
            opened = environment.open(&NoVars) => opened.unwrap_err(),
            () = serving => unreachable!("it serves for ever"),
        };
        assert!(
            error.is_transient() || error.is_timeout(),
            "{what}: {error}"
        );
        assert!(environment.leftovers().is_empty(), "{what}");
        environment.close().await.unwrap();
    }
}
