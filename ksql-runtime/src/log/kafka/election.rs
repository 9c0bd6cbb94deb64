//! Which instance of an application writes what its queries make: the one that has the partition of a topic, in a group that
//! every instance is a member of.
//!
//! The group says who shall write, the transactions see to it that nobody else does: whoever gets the partition begins with
//! the application's transactional id, and from then on the brokers refuse what a former owner sends, however long it slept.
//! The topic itself is the owner's journal (see the engine).
//!
//! Invariant: between two takings of office nobody but the owner commits anything; a term's number is never used again in a process.
//! The thread here is the only one that takes and leaves office; queries' threads take turns at the one transaction.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::watch;

use super::KafkaLog;
use super::context::log_line;
use super::failure::Failure;
use super::transactions::{Broken, Transactions};
use crate::log::batch::{BatchReceipt, RecordBatch};
use crate::log::error::LogError;

/// How long a poll of the member waits.
const POLL: Duration = Duration::from_millis(100);
/// How often a wait for the turn looks whether it is still wanted.
const STOP_CHECK: Duration = Duration::from_millis(20);
/// How long one attempt to take office may take, before the member is looked after again.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The wait after an attempt that failed.
const AGAIN: Duration = Duration::from_millis(200);
/// How long a transaction is tried to be aborted. One that is not is taken back with the next taking of office.
const ABORT: Duration = Duration::from_secs(5);

/// An instance's part in the election. Clones share it; with the last one it is over.
#[derive(Debug, Clone)]
pub(crate) struct Ownership(Arc<Stand>);

/// Beside the thread, which holds what it shares too.
#[derive(Debug)]
struct Stand {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How an instance stands.
#[derive(Debug, Clone)]
enum Standing {
    /// The group has not said yet.
    Joining,
    StandBy,
    /// The owner, in this term.
    Owner(u64),
    /// It may be neither.
    Refused(LogError),
}

#[derive(Debug)]
struct Shared {
    log: KafkaLog,
    /// The topic, the group and the transactional id.
    name: String,
    standing: watch::Sender<Standing>,
    group: Arc<Group>,
    office: Mutex<Office>,
    free: Condvar,
    stop: AtomicBool,
    /// Nothing is waited for any more that the next taking of office does as well.
    hurry: AtomicBool,
}

/// What the group said.
#[derive(Debug, Default)]
struct Group {
    assigned: AtomicBool,
    /// Whether it said anything.
    heard: AtomicBool,
}

#[derive(Debug, Default)]
struct Office {
    /// Grows with each taking of office.
    term: u64,
    transactions: Option<Arc<Transactions>>,
    /// Whether somebody has the turn.
    busy: bool,
    /// Another producer began with our id although the group says that we are the owner.
    fenced: bool,
}

impl Ownership {
    /// Stands for election by this name, which a topic of one partition has.
    pub(crate) fn stand(log: &KafkaLog, name: &str) -> Result<Ownership, LogError> {
        let (standing, _) = watch::channel(Standing::Joining);
        let shared = Arc::new(Shared {
            log: log.clone(),
            name: name.to_owned(),
            standing,
            group: Arc::default(),
            office: Mutex::default(),
            free: Condvar::new(),
            stop: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
        });
        let member = shared.join()?;
        let standing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("ksql-election".to_owned())
            .spawn(move || standing.run(member))
            .map_err(|error| LogError::Storage {
                action: "start a thread",
                source: Arc::new(error),
            })?;
        Ok(Ownership(Arc::new(Stand {
            shared,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// The topic.
    pub(crate) fn topic(&self) -> &str {
        &self.0.shared.name
    }

    /// The term, where this instance is the owner.
    pub(crate) fn term(&self) -> Result<Option<u64>, LogError> {
        match &*self.0.shared.standing.borrow() {
            Standing::Owner(term) => Ok(Some(*term)),
            Standing::Joining | Standing::StandBy => Ok(None),
            Standing::Refused(error) => Err(error.clone()),
        }
    }

    /// Resolves when it is known whether this instance is the owner; with an error where it may not even stand by.
    pub(crate) async fn settled(&self) -> Result<(), LogError> {
        let mut standing = self.0.shared.standing.subscribe();
        // It ends with what is shared, which is here.
        let _ = standing
            .wait_for(|standing| !matches!(standing, Standing::Joining))
            .await;
        self.term().map(drop)
    }

    /// Tells each time that the instance stands otherwise than when this was called, as long as the future is polled.
    pub(crate) fn each_change<F: Fn()>(&self, told: F) -> impl Future<Output = ()> + use<F> {
        let mut standing = self.0.shared.standing.subscribe();
        async move {
            while standing.changed().await.is_ok() {
                told();
            }
        }
    }

    /// Waits for the turn and opens a transaction. `stop` ends the wait.
    pub(crate) fn turn(&self, term: u64, stop: impl Fn() -> bool) -> Result<Turn, LogError> {
        let shared = &self.0.shared;
        let mut office = shared.office();
        let transactions = loop {
            let Some(transactions) = office
                .transactions
                .as_ref()
                .filter(|_| office.term == term)
                .cloned()
            else {
                return Err(shared.not_owner());
            };
            if !office.busy {
                office.busy = true;
                break transactions;
            }
            if stop() {
                return Err(LogError::Closed);
            }
            let waited = shared.free.wait_timeout(office, STOP_CHECK);
            office = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(office);
        // From here on the end of the turn gives it back.
        let mut turn = Turn {
            shared: Arc::clone(shared),
            transactions,
            open: false,
        };
        match turn.transactions.open() {
            Ok(()) => {
                turn.open = true;
                Ok(turn)
            }
            Err(broken) => Err(turn.ended(broken)),
        }
    }

    /// The instance is about to end: a transaction that a broker does not abort at once is left to the next taking of office.
    pub(crate) fn hurry(&self) {
        self.0.shared.hurry.store(true, Ordering::Release);
    }

    /// Leaves office and group, so that another instance takes over at once. Blocks. Again: nothing to do.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl Stand {
    fn close(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the election's thread panicked");
        }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.close();
    }
}

/// The one transaction, open. It is aborted unless it is committed.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    transactions: Arc<Transactions>,
    open: bool,
}

/// Writes in a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    transactions: Arc<Transactions>,
}

impl Turn {
    /// Who writes in it.
    pub(crate) fn writer(&self) -> Writer {
        Writer {
            shared: Arc::clone(&self.shared),
            transactions: Arc::clone(&self.transactions),
        }
    }

    /// Makes everything visible that was written in it. After an error the journal says whether it is.
    pub(crate) fn commit(mut self, stop: impl Fn() -> bool) -> Result<(), LogError> {
        match self.transactions.commit(|| !stop()) {
            Ok(()) => {
                self.open = false;
                Ok(())
            }
            Err(broken) => Err(self.ended(broken)),
        }
    }

    /// What becomes of the office by an error, and what is told.
    fn ended(&self, broken: Broken) -> LogError {
        self.shared.ended(&self.transactions, broken)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.open {
            let until = Instant::now() + ABORT;
            let go_on = || Instant::now() < until && !self.shared.hurry.load(Ordering::Acquire);
            if let Err(broken) = self.transactions.abort(go_on) {
                let fenced = broken.fenced;
                let error = self.ended(broken);
                tracing::debug!(%error, fenced, "a transaction could not be aborted: the next taking of office takes it back");
                // Whether it is over is not known before it is begun anew.
                self.shared.leave(&self.transactions, fenced);
            }
        }
        self.shared.office().busy = false;
        self.shared.free.notify_one();
    }
}

impl Writer {
    /// As [`Log::produce_batch`](crate::log::Log::produce_batch), seen by nobody before the transaction is committed.
    pub(crate) async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        let Writer {
            shared,
            transactions,
        } = self;
        let produced = shared
            .log
            .produce_by(&transactions.producer, topic, batch)
            .await;
        produced.map_err(|error| match transactions.end() {
            Some(broken) => shared.ended(transactions, broken),
            None => again_in_another(error, &shared.log.options().bootstrap),
        })
    }
}

/// What a record of a transaction is refused for may be the transaction's fault: another one may go well.
fn again_in_another(error: LogError, bootstrap: &str) -> LogError {
    let cause = match &error {
        LogError::NotDelivered { source, .. } => source,
        other => other,
    };
    match cause {
        LogError::Refused { .. } | LogError::Poisoned { .. } => LogError::Unreachable {
            action: "write in a transaction",
            bootstrap: bootstrap.to_owned(),
            source: Arc::new(error),
        },
        _ => error,
    }
}

impl Shared {
    fn office(&self) -> std::sync::MutexGuard<'_, Office> {
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn not_owner(&self) -> LogError {
        LogError::NotOwner {
            topic: self.name.clone(),
        }
    }

    fn stands(&self, now: Standing) {
        self.standing.send_replace(now);
    }

    /// An error of the producer: what of it ends the term, ends it.
    fn ended(&self, transactions: &Arc<Transactions>, broken: Broken) -> LogError {
        let Broken { error, fenced } = broken;
        if fenced || transactions.producer.fatal().is_some() {
            tracing::warn!(owner = %self.name, %error, fenced, "this instance owns the queries no more");
            self.leave(transactions, fenced);
            return self.not_owner();
        }
        error
    }

    /// Ends the term of these transactions, if it is the one that is.
    fn leave(&self, transactions: &Arc<Transactions>, fenced: bool) {
        let mut office = self.office();
        let current = office.transactions.as_ref();
        if current.is_some_and(|current| Arc::ptr_eq(current, transactions)) {
            office.fenced = fenced;
            let ended = office.transactions.take();
            self.stands(Standing::StandBy);
            drop(office);
            drop(ended);
        }
    }

    fn join(&self) -> Result<BaseConsumer<Member>, LogError> {
        let config = self.log.options().candidate_config(&self.name);
        let refused = |error: KafkaError| super::options::refused(error, "consumer");
        let member = Member(Arc::clone(&self.group));
        let member = BaseConsumer::from_config_and_context(&config, member).map_err(refused)?;
        member.subscribe(&[&self.name]).map_err(refused)?;
        Ok(member)
    }

    /// The thread's whole life.
    fn run(&self, member: BaseConsumer<Member>) {
        while !self.stopping() {
            match member.poll(POLL) {
                // What the owner itself notes: the engine reads it.
                None | Some(Ok(_)) => {}
                Some(Err(error)) => self.failed(error),
            }
            let assigned = self.group.assigned.load(Ordering::Acquire);
            let (current, fenced) = {
                let office = self.office();
                (office.transactions.clone(), office.fenced)
            };
            match (assigned, current) {
                (true, None) if fenced => {
                    // Whoever shut us out thinks that it is the owner: the group shall say who is.
                    self.office().fenced = false;
                    member.unsubscribe();
                    self.group.assigned.store(false, Ordering::Release);
                    if let Err(error) = member.subscribe(&[&self.name]) {
                        self.failed(error);
                    }
                }
                (true, None) => self.take_office(),
                (false, Some(transactions)) => {
                    tracing::info!(owner = %self.name, "the group gave the queries to another instance");
                    self.leave(&transactions, false);
                }
                (true, Some(_)) => {}
                (false, None) => {
                    let heard = self.group.heard.load(Ordering::Acquire);
                    if heard && matches!(&*self.standing.borrow(), Standing::Joining) {
                        self.stands(Standing::StandBy);
                    }
                }
            }
        }
        let last = self.office().transactions.take();
        self.stands(Standing::StandBy);
        drop(last);
    }

    /// Shuts out a former owner and becomes the owner.
    fn take_office(&self) {
        let until = Instant::now() + ATTEMPT;
        let go_on = || !self.stopping() && Instant::now() < until;
        match Transactions::begin(self.log.options(), &self.name, go_on) {
            Ok(transactions) => {
                let mut office = self.office();
                office.term = office.term.saturating_add(1);
                office.transactions = Some(Arc::new(transactions));
                self.stands(Standing::Owner(office.term));
                tracing::info!(owner = %self.name, term = office.term, "this instance owns the queries");
            }
            Err(Broken { error, .. }) if self.stopping() => {
                tracing::debug!(%error, "told to stop while taking office");
            }
            Err(Broken { error, .. }) => {
                tracing::warn!(owner = %self.name, %error, "the queries cannot be owned yet");
                if let LogError::Unauthorized { .. } | LogError::Unauthenticated { .. } = error {
                    self.stands(Standing::Refused(error));
                }
                std::thread::park_timeout(AGAIN);
            }
        }
    }

    /// What the group's coordinator refuses for good.
    fn failed(&self, error: KafkaError) {
        let mut failure = Failure::from(error);
        tracing::debug!(owner = %self.name, %failure, "an election cannot be held yet");
        if let Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed = failure.code {
            failure.text.clear();
            let resource = match failure.code {
                Code::GroupAuthorizationFailed => format!("group `{}` (Read)", self.name),
                _ => format!("topic `{}` (Read)", self.name),
            };
            self.stands(Standing::Refused(LogError::Unauthorized {
                action: "elect who owns the queries",
                resource,
                source: Arc::new(failure),
            }));
        }
    }
}

/// Hears what the group says.
struct Member(Arc<Group>);

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level as i32, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance
            && partitions.count() > 0
        {
            self.0.assigned.store(false, Ordering::Release);
        }
    }

    fn post_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            // To have it is enough: it is not read here.
            if let Err(error) = member.pause(partitions) {
                tracing::debug!(%error, "the topic of the election could not be paused");
            }
            if partitions.count() > 0 {
                self.0.assigned.store(true, Ordering::Release);
            }
            self.0.heard.store(true, Ordering::Release);
        }
    }
}
