//! How servers over HTTP are reached: addresses, who asks, how long to wait. Used by the registry's and ksqlDB's clients.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::secret::{Secret, without_secrets};

/// Where a server is and how it is asked.
#[derive(Clone, PartialEq)]
pub struct HttpOptions {
    /// Addresses of the same service, tried in turn: `http://host:8081`. At least one. A user and password may stand in
    /// them (`http://user:password@host:8081`); they hold for that address, and are never printed.
    pub urls: Vec<String>,
    /// Who asks.
    pub auth: Auth,
    /// A PEM file of certificates trusted beside the system's.
    pub ca_certificate: Option<PathBuf>,
    /// A PEM file with the client's certificate and key, where the server asks for one.
    pub client_certificate: Option<PathBuf>,
    /// How long connecting may take. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long an answer may take. Default: 30 s.
    pub request_timeout: Duration,
}

impl HttpOptions {
    /// The defaults for some addresses.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        HttpOptions {
            urls: urls.into_iter().map(Into::into).collect(),
            auth: Auth::None,
            ca_certificate: None,
            client_certificate: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
        }
    }

    /// A client with these settings. It sets no time limit of its own for whole answers, since some of them never end:
    /// callers give [`HttpOptions::request_timeout`] to each request that has an end.
    ///
    /// # Errors
    /// Where a certificate cannot be read, or TLS cannot be set up.
    pub(crate) fn client(&self) -> Result<reqwest::Client, HttpSetupError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .user_agent(concat!("ksql-runtime/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::limited(3));
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| HttpSetupError {
                what: format!("{} cannot be read: {error}", path.display()),
            })
        };
        if let Some(path) = &self.ca_certificate {
            let certificates =
                reqwest::Certificate::from_pem_bundle(&read(path)?).map_err(|error| {
                    HttpSetupError {
                        what: format!("{} holds no certificates: {error}", path.display()),
                    }
                })?;
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate);
            }
        }
        if let Some(path) = &self.client_certificate {
            let identity =
                reqwest::Identity::from_pem(&read(path)?).map_err(|error| HttpSetupError {
                    what: format!(
                        "{} holds no certificate with its key: {error}",
                        path.display()
                    ),
                })?;
            builder = builder.identity(identity);
        }
        builder.build().map_err(|error| HttpSetupError {
            what: format!("no HTTP client can be made: {error}"),
        })
    }
}

// By hand, because an address may hold a password.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.urls.iter().map(|url| without_secrets(url)).collect();
        f.debug_struct("HttpOptions")
            .field("urls", &urls)
            .field("auth", &self.auth)
            .field("ca_certificate", &self.ca_certificate)
            .field("client_certificate", &self.client_certificate)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .finish()
    }
}

/// One address and who asks there.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The address, without user and password.
    pub(crate) url: Url,
    /// Who asks: the user of the address, else the one of the options.
    pub(crate) auth: Auth,
}

impl Endpoint {
    /// The address as it is shown: without the slash at its end.
    pub(crate) fn shown(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The address of something at this server; the parts of the path are encoded.
    pub(crate) fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        // Only addresses that cannot have a path refuse, and those were refused before.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        url
    }
}

impl HttpOptions {
    /// The addresses, checked.
    ///
    /// # Errors
    /// Where there is none, or one is no address of an HTTP server.
    pub(crate) fn endpoints(&self) -> Result<Vec<Endpoint>, HttpSetupError> {
        if self.urls.is_empty() {
            return Err(HttpSetupError {
                what: "no address is given: name one such as `http://localhost:8081`".to_owned(),
            });
        }
        self.urls.iter().map(|text| self.endpoint(text)).collect()
    }

    fn endpoint(&self, text: &str) -> Result<Endpoint, HttpSetupError> {
        let refused = |defect: &str| HttpSetupError {
            what: format!(
                "`{}` is no address of a server ({defect}): write one such as `http://localhost:8081`",
                without_secrets(text)
            ),
        };
        let mut url = Url::parse(text.trim()).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("it starts with neither http:// nor https://"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("nothing may follow its path"));
        }
        let auth = if url.username().is_empty() {
            self.auth.clone()
        } else {
            Auth::Basic {
                user: decoded(url.username()),
                password: Secret::new(decoded(url.password().unwrap_or_default())),
            }
        };
        // Neither fails on an address with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Endpoint { url, auth })
    }
}

/// Text of an address with `%41` read as `A`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let encoded = (*first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten()
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = encoded.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Nobody in particular.
    #[default]
    None,
    /// A name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

impl Auth {
    /// The request with the credentials.
    pub(crate) fn apply(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Auth::None => request,
            Auth::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
            Auth::Bearer(token) => request.bearer_auth(token.expose()),
        }
    }
}

/// Why no client could be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct HttpSetupError {
    what: String,
}

/// The innermost cause of a failed request: what the outer ones wrap says nothing more. Where a certificate was refused it
/// says what to set.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let encrypted = error.url().is_some_and(|url| url.scheme() == "https");
    match advice(&text, encrypted) {
        Some(advice) => format!("{text} ({advice})"),
        None => text,
    }
}

/// What to set where TLS found one of the two certificates wanting, by the words of the TLS library: reqwest keeps its
/// errors behind a type that cannot be asked.
fn advice(text: &str, encrypted: bool) -> Option<&'static str> {
    // In TLS 1.3 a server refuses a client when that one takes the handshake for done already: its connection may be gone
    // before the reason is read.
    const LOST: [&str; 5] = [
        "connection was not ready",
        "connection closed before message completed",
        "Connection reset by peer",
        "Broken pipe",
        "unexpected end of file",
    ];
    // The second one is an authority of a name that is known, and of another key.
    if text.contains("invalid peer certificate: UnknownIssuer")
        || text.contains("invalid peer certificate: BadSignature")
    {
        return Some(
            "`ca_certificate` names the certificates of authorities trusted beside the system's",
        );
    }
    if encrypted && LOST.iter().any(|said| text.contains(said)) {
        return Some(
            "the connection was lost: should the server ask for a certificate, `client_certificate` names it",
        );
    }
    let alert = text.split_once("received fatal alert: ")?.1;
    // What servers say of a client's certificate that is missing, or that they do not know.
    [
        "CertificateRequired",
        "HandshakeFailure",
        "BadCertificate",
        "CertificateUnknown",
        "UnknownCA",
        "DecryptError",
        "AccessDenied",
    ]
    .iter()
    .any(|said| alert.starts_with(said))
    .then_some("the server asks for a certificate it trusts: `client_certificate` names it")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::{Auth, HttpOptions, advice};

    #[test]
    fn what_to_set_is_told_where_a_certificate_is_wanting_and_nowhere_else() {
        let lost = "operation was canceled: connection was not ready";
        assert!(advice(lost, true).is_some_and(|told| told.contains("`client_certificate`")));
        assert_eq!(advice(lost, false), None);
        for (text, told) in [
            (
                "invalid peer certificate: UnknownIssuer",
                "`ca_certificate`",
            ),
            ("invalid peer certificate: Expired", ""),
            (
                "received fatal alert: CertificateRequired",
                "`client_certificate`",
            ),
            ("received fatal alert: UnknownCA", "`client_certificate`"),
            ("received fatal alert: ProtocolVersion", ""),
            ("Connection refused (os error 111)", ""),
        ] {
            let said = advice(text, true);
            assert_eq!(said.is_some(), !told.is_empty(), "{text}: {said:?}");
            assert!(said.unwrap_or_default().contains(told), "{text}: {said:?}");
        }
    }

    #[test]
    fn credentials_of_an_address_are_used_and_not_shown() {
        let options = HttpOptions::new(["http://ada:p%40ss@host:8081/apis/ccompat/v7/"]);
        let endpoint = options.endpoints().unwrap().remove(0);
        assert_eq!(endpoint.shown(), "http://host:8081/apis/ccompat/v7");
        assert!(
            matches!(&endpoint.auth, Auth::Basic { user, password } if user == "ada" && password.expose() == "p@ss")
        );
        let shown = format!("{options:?} {endpoint:?}");
        assert!(
            !shown.contains("p@ss") && !shown.contains("p%40ss"),
            "{shown}"
        );
    }

    #[test]
    fn parts_of_a_path_are_encoded_one_by_one() {
        for base in ["http://host:8081", "http://host:8081/"] {
            let endpoint = HttpOptions::new([base]).endpoints().unwrap().remove(0);
            assert_eq!(
                endpoint
                    .at(&["subjects", "a/b ü%-value", "versions"])
                    .as_str(),
                "http://host:8081/subjects/a%2Fb%20%C3%BC%25-value/versions"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for (text, told) in [
            ("host:8081", "neither http:// nor https://"),
            ("ftp://ada:hunter2@host", "`ftp://***@host`"),
            ("http://ada:hunter2@host/?x=1", "nothing may follow"),
            ("http://", "empty host"),
        ] {
            let error = HttpOptions::new([text])
                .endpoints()
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(told) && !error.contains("hunter2"),
                "{error}"
            );
        }
        let none = HttpOptions::new(Vec::<String>::new())
            .endpoints()
            .unwrap_err();
        assert!(none.to_string().contains("no address"), "{none}");
    }
}
