//! What became of a record, as a value: what a handler returns, and what a failure is.
//!
//! Plain data, any thread.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// An error of any type, as a handler returns it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a handler made of a record.
///
/// Most handlers return `()` or a `Result` and leave this to the policies of their consumer:
///
/// ```
/// use std::time::Duration;
/// use ksql_runtime::consume::{IntoOutcome, Outcome};
///
/// # fn charge() -> Result<(), std::io::Error> { Ok(()) }
/// fn decide(amount: i64) -> Outcome {
///     if amount < 0 {
///         return Outcome::dlq("a negative amount");
///     }
///     match charge() {
///         Ok(()) => Outcome::done(),
///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Outcome::retry_after(Duration::from_secs(1)),
///         Err(error) => Err::<(), _>(error).into_outcome(), // the consumer's policy decides
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is finished.
    Done,
    /// It comes again after the consumer's back-off, whatever `on_error` says; `with_retry` counts it.
    Retry,
    /// It comes again after this time.
    RetryAfter(Duration),
    /// It goes to the dead letters, for this reason.
    Dlq(String),
    /// It is finished and counts as skipped.
    Skip,
    /// It failed: the policy for errors of this class decides.
    Failed(HandlerError),
}

impl Outcome {
    /// The record is finished.
    pub fn done() -> Outcome {
        Outcome::Done
    }

    /// The record comes again after the consumer's back-off.
    pub fn retry() -> Outcome {
        Outcome::Retry
    }

    /// The record comes again after this time. Records of other keys are not held up, and nothing behind it is committed.
    pub fn retry_after(wait: Duration) -> Outcome {
        Outcome::RetryAfter(wait)
    }

    /// The record goes to the dead letters.
    pub fn dlq(reason: impl Into<String>) -> Outcome {
        Outcome::Dlq(reason.into())
    }

    /// The record is passed over, and counted as such.
    pub fn skip() -> Outcome {
        Outcome::Skip
    }
}

/// What kind of failure an error is: policies can differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The record is at fault: it would fail again. What an error is that says nothing else.
    #[default]
    Record,
    /// Something the handler needs is away: it may work later. A handler that took too long is this.
    Transient,
    /// Nothing can be done until somebody looks: the same would happen to every record.
    Fatal,
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorClass::Record => "record",
            ErrorClass::Transient => "transient",
            ErrorClass::Fatal => "fatal",
        })
    }
}

/// An error of a handler with its class and, where it has one, a stable code.
///
/// Any error becomes one of class [`ErrorClass::Record`] by `?`; another class is said:
///
/// ```
/// use ksql_runtime::consume::HandlerError;
///
/// async fn charge() -> Result<(), HandlerError> {
///     let answer: Result<(), std::io::Error> = Err(std::io::Error::other("the bank does not answer"));
///     answer.map_err(|error| HandlerError::transient(error).with_code("bank.away"))
/// }
/// ```
#[derive(Debug)]
pub struct HandlerError {
    class: ErrorClass,
    code: Cow<'static, str>,
    source: BoxError,
}

/// The code of an error that has none of its own.
const CODE: &str = "handler.error";

impl HandlerError {
    fn new(class: ErrorClass, source: BoxError) -> HandlerError {
        HandlerError {
            class,
            code: Cow::Borrowed(CODE),
            source,
        }
    }

    /// The record is at fault.
    pub fn record(source: impl Into<BoxError>) -> HandlerError {
        HandlerError::new(ErrorClass::Record, source.into())
    }

    /// It may work later.
    pub fn transient(source: impl Into<BoxError>) -> HandlerError {
        HandlerError::new(ErrorClass::Transient, source.into())
    }

    /// Nothing works until somebody looks.
    pub fn fatal(source: impl Into<BoxError>) -> HandlerError {
        HandlerError::new(ErrorClass::Fatal, source.into())
    }

    /// The same with a stable code, which dead letters carry: route on it, never on the text. Default: `handler.error`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> HandlerError {
        self.code = code.into();
        self
    }

    /// Its class.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The error with all its causes.
    pub fn message(&self) -> String {
        let mut text = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// The error itself.
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.source
    }
}

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(error: E) -> HandlerError {
        HandlerError::record(error)
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "no outcome of a record",
    note = "it returns `()`, `Outcome`, `Result<(), E>` or `Result<Outcome, E>`, where `E` is an error or `HandlerError`"
)]
pub trait IntoOutcome {
    /// The same as an outcome.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<O: IntoOutcome, E: Into<HandlerError>> IntoOutcome for Result<O, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(outcome) => outcome.into_outcome(),
            Err(error) => Outcome::Failed(error.into()),
        }
    }
}
