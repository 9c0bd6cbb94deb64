//! How servers over HTTP are reached: addresses, who asks, how long to wait. Used by the registry's and ksqlDB's clients.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// Where a server is and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpOptions {
    /// Addresses of the same service, tried in turn: `http://host:8081`. At least one.
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
