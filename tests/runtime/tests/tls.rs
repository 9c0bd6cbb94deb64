//! HTTPS to a registry and to ksqlDB whose certificates a private authority signed, with and without a certificate of the
//! client, by the clients' options and by a context's configuration. The servers are in this process.
//!
//! Kafka's own TLS is librdkafka's, see `kafka_tls.rs`.

mod authority;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authority::Authority;
use ksql_runtime::error::Error;
use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{KsqlDb, KsqlDbOptions};
use ksql_runtime::registry::{HttpRegistry, Patience};
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::errors::chain;
use ksql_runtime_tests::mock::{self, Mock};
use ksql_runtime_tests::workload::{Row, row};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

const LIMIT: Duration = Duration::from_secs(120);

/// What a server does: leads to a server without TLS.
struct Server {
    url: String,
    /// Connections whose client showed a certificate.
    shown: Arc<AtomicUsize>,
}

impl Server {
    /// HTTPS before another server's address; with `clients`, only for clients of that authority.
    fn before(url: &str, authority: &Authority, clients: Option<&Authority>) -> Server {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (certificate, key) = authority.signed("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.ca.der().clone()).expect("a root");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = Arc::new(
            builder
                .with_single_cert(chain, key.into())
                .expect("a config"),
        );
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shown = Arc::new(AtomicUsize::new(0));
        let (behind, counted) = (
            url.trim_start_matches("http://").to_owned(),
            Arc::clone(&shown),
        );
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let (behind, counted) = (behind.clone(), Arc::clone(&counted));
                std::thread::spawn(move || {
                    // A client that is refused, or goes, is what some tests are about.
                    let _ = serve(StreamOwned::new(connection, stream), &behind, &counted);
                });
            }
        });
        Server {
            url: format!("https://{address}"),
            shown,
        }
    }
}

/// One request and its answer, without TLS on the other side.
fn serve(
    mut tls: StreamOwned<ServerConnection, TcpStream>,
    behind: &str,
    shown: &AtomicUsize,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let length = tls.read(&mut bytes)?;
        request.extend(&bytes[..length]);
        if length == 0 || is_whole(&request) {
            break;
        }
    }
    if tls.conn.peer_certificates().is_some() {
        shown.fetch_add(1, Ordering::AcqRel);
    }
    let mut other = TcpStream::connect(behind)?;
    other.write_all(&request)?;
    let mut answer = Vec::new();
    other.read_to_end(&mut answer)?;
    tls.write_all(&answer)?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == "content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    request.len() >= head + 4 + length.unwrap_or(0)
}

/// Answers as ksqlDB's `/info`.
fn ksqldb() -> ksql_runtime_tests::http_server::TestServer {
    ksql_runtime_tests::http_server::TestServer::start(|_| {
        ksql_runtime_tests::http_server::Play::json(serde_json::json!({ "KsqlServerInfo": {
            "version": "0.29.0", "kafkaClusterId": "k", "ksqlServiceId": "default_", "serverStatus": "RUNNING"
        } }))
    })
}

/// What the registry's and ksqlDB's clients say with these options.
async fn asked(registry: &HttpOptions, ksqldb: &HttpOptions) -> [Result<(), Error>; 2] {
    let once = Patience {
        limit: Duration::ZERO,
        ..Patience::default()
    };
    let registry = HttpRegistry::with_patience(registry, once).expect("a client");
    let ksqldb = KsqlDb::new(KsqlDbOptions::new(ksqldb.clone())).expect("a client");
    [
        registry.subjects().await.map(drop).map_err(Error::from),
        ksqldb.info().await.map(drop).map_err(Error::from),
    ]
}

fn options(server: &Server, change: impl Fn(&mut HttpOptions)) -> HttpOptions {
    let mut options = HttpOptions::new([&server.url]);
    change(&mut options);
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_trusted_where_it_is_named_and_refused_where_it_is_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (plain, info) = (mock::registry(), ksqldb());
    let registry = Server::before(&plain.url(), &authority, None);
    let ksqldb = Server::before(&info.url(), &authority, None);
    let with = |file: Option<PathBuf>| {
        [&registry, &ksqldb]
            .map(|server| options(server, |options| options.ca_certificate.clone_from(&file)))
    };
    let [at_registry, at_ksqldb] = with(Some(authority.certificate()));
    for answer in asked(&at_registry, &at_ksqldb).await {
        answer.expect("trusted");
    }
    for file in [None, Some(other.certificate())] {
        let [at_registry, at_ksqldb] = with(file);
        for (answer, server) in asked(&at_registry, &at_ksqldb)
            .await
            .into_iter()
            .zip([&registry, &ksqldb])
        {
            let error = answer.expect_err("an authority nobody knows");
            let text = chain(&error);
            assert!(
                text.contains(&server.url)
                    && text.contains("certificate")
                    && text.contains("`ca_certificate`"),
                "{text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_certificate_where_one_is_asked_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (plain, info) = (mock::registry(), ksqldb());
    let registry = Server::before(&plain.url(), &authority, Some(&authority));
    let ksqldb = Server::before(&info.url(), &authority, Some(&authority));
    let with = |file: Option<PathBuf>| {
        [&registry, &ksqldb].map(|server| {
            options(server, |options| {
                options.ca_certificate = Some(authority.certificate());
                options.client_certificate.clone_from(&file);
            })
        })
    };
    for file in [None, Some(other.client("stranger"))] {
        let [at_registry, at_ksqldb] = with(file);
        for (answer, server) in asked(&at_registry, &at_ksqldb)
            .await
            .into_iter()
            .zip([&registry, &ksqldb])
        {
            let error = answer.expect_err("nobody the server knows");
            let text = chain(&error);
            assert!(
                text.contains(&server.url) && text.contains("`client_certificate`"),
                "{text}"
            );
            assert_eq!(server.shown.load(Ordering::Acquire), 0);
        }
    }
    let [at_registry, at_ksqldb] = with(Some(authority.client("shop")));
    for answer in asked(&at_registry, &at_ksqldb).await {
        answer.expect("let in");
    }
    for server in [&registry, &ksqldb] {
        assert!(server.shown.load(Ordering::Acquire) > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_uses_the_certificates_of_its_configuration_beside_a_kafka_without_tls() {
    let authority = Authority::new();
    let (plain, mock) = (mock::registry(), Mock::start(1));
    let registry = Server::before(&plain.url(), &authority, Some(&authority));
    let ca = authority.certificate().display().to_string();
    let client = authority.client("shop").display().to_string();
    let place = Place::at(&mock.bootstrap(), &registry.url);
    for topic in [place.topic(), place.dead_letters()] {
        mock.create_topic(&topic, 4, 1).expect("created");
    }
    for (settings, said) in [
        (vec![], "`ca_certificate`"),
        (vec![("ca_certificate", &*ca)], "`client_certificate`"),
    ] {
        let settings: Vec<_> = [("reach_timeout", "300ms")]
            .into_iter()
            .chain(settings)
            .collect();
        let error = place.start(&settings).await.expect_err("refused");
        let text = error.to_string();
        assert!(
            text.starts_with("start failed at the step `reach the schema registry`")
                && text.contains(said),
            "{text}"
        );
    }
    let ctx = place
        .start(&[("ca_certificate", &*ca), ("client_certificate", &*client)])
        .await
        .expect("it starts");
    let receipt = ctx.set::<Row>().add(row(1, 1)).await.expect("added");
    let set = ctx.set::<Row>().at_least(receipt);
    let found = tokio::time::timeout(LIMIT, set.get(1)).await;
    assert_eq!(found.expect("in time").expect("a read"), Some(row(1, 1)));
    ctx.shutdown().await.expect("a clean end");
}
