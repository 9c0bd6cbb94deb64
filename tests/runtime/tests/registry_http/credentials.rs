//! Who asks: sent, and never shown.

use ksql_runtime::http::{Auth, HttpOptions};
use ksql_runtime::registry::{HttpRegistry, Registry};
use ksql_runtime::secret::Secret;
use ksql_runtime_tests::http_server::closed_port;
use serde_json::json;
use wiremock::matchers::{basic_auth, bearer_token, path};
use wiremock::{Mock, MockServer, Request};

use super::{client, ok};

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let server = MockServer::start().await;
    for (at, matcher) in [
        (
            "/basic/subjects",
            Box::new(basic_auth("ada", "hunter2")) as Box<dyn wiremock::Match>,
        ),
        ("/bearer/subjects", Box::new(bearer_token("hunter2"))),
    ] {
        Mock::given(path(at))
            .and(Matches(matcher))
            .respond_with(ok(json!([])))
            .mount(&server)
            .await;
    }
    let basic = Auth::Basic {
        user: "ada".to_owned(),
        password: Secret::new("hunter2"),
    };
    let in_address = server.uri().replace("http://", "http://ada:hunter2@");
    for (url, auth) in [
        (format!("{}/basic", server.uri()), basic),
        (
            format!("{}/bearer", server.uri()),
            Auth::Bearer(Secret::new("hunter2")),
        ),
        (format!("{in_address}/basic"), Auth::None),
        // That of the address holds for it.
        (
            format!("{in_address}/basic"),
            Auth::Bearer(Secret::new("other")),
        ),
    ] {
        let mut options = HttpOptions::new([url]);
        options.auth = auth;
        let registry = client(&options);
        assert_eq!(
            registry.subjects().await.expect("let in"),
            Vec::<String>::new()
        );
        let refused = registry.versions("s").await.expect_err("there is none");
        let shown = format!(
            "{options:?} {registry:?} {:?} {refused} {refused:?}",
            Registry::Http(registry.clone())
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let mut url = closed_port().replace("http://", "http://ada:hunter2@");
    url.push_str("/path");
    let away = client(&HttpOptions::new([url]))
        .subjects()
        .await
        .expect_err("nobody");
    let mut shown = format!("{away} {away:?}");
    let mut cause: Option<&dyn std::error::Error> = Some(&away);
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(
        shown.contains("/path") && !shown.contains("hunter2"),
        "{shown}"
    );
}

struct Matches(Box<dyn wiremock::Match>);

impl wiremock::Match for Matches {
    fn matches(&self, request: &Request) -> bool {
        self.0.matches(request)
    }
}

#[test]
fn settings_that_make_no_client_are_refused() {
    let none = HttpRegistry::new(&HttpOptions::new(Vec::<String>::new())).expect_err("no address");
    assert_eq!(
        none.to_string(),
        "the schema registry cannot be used: no address is given: name one such as `http://localhost:8081`"
    );
    let mut options = HttpOptions::new(["https://localhost"]);
    options.ca_certificate = Some("/nowhere/ca.pem".into());
    let error = HttpRegistry::new(&options).expect_err("no certificate");
    assert!(
        error.to_string().contains("/nowhere/ca.pem cannot be read"),
        "{error}"
    );
}
