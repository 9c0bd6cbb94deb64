//! A broker of one test behind a proxy, which it advertises as its own address: nobody reaches it past the proxy.

use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::prelude::*;

use crate::cluster::{LIMIT, Place};
use crate::proxy::{Fault, Proxy};
use crate::servers::{self, Kafka, KafkaOptions, RegistryServer};
use crate::workload::mix;

/// A broker of its own behind a proxy.
#[derive(Debug)]
pub struct Behind {
    /// What clients reach.
    pub proxy: Proxy,
    /// The broker.
    pub kafka: Kafka,
    registry: &'static RegistryServer,
}

impl Behind {
    /// Starts both, or says that the test is skipped.
    pub fn start(test: &str) -> Option<Behind> {
        let registry = servers::registry_or_skip(test)?;
        let proxy = Proxy::start();
        let advertised = format!("PLAINTEXT://{}", proxy.address());
        let options = KafkaOptions::new().property("advertised.listeners", &advertised);
        let kafka = servers::or_skip(test, Kafka::start_with(options))?;
        proxy.leads_to(kafka.bootstrap());
        Some(Behind {
            proxy,
            kafka,
            registry,
        })
    }

    /// A place on it.
    pub fn place(&self) -> Place {
        Place::new(&self.proxy.address(), self.registry)
            .with("kafka.allow.auto.create.topics", "false")
            .with("kafka.api.version.request.timeout.ms", "1000")
    }
}

/// What befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Connections end.
    Cut,
    /// There are none.
    Refused,
    /// What is sent comes up to half a second later.
    Delayed,
    /// Nothing is answered.
    Silent,
    /// The broker ends in order.
    Stopped,
    /// It is killed.
    Killed,
    /// It sleeps.
    Halted,
    /// Refused for a while, and afterwards answers to each of these kinds of requests are lost, by Kafka's numbers of them; what
    /// was asked for was done.
    Unanswered(&'static [i16]),
}

/// Answers of each kind that are lost, one after the other.
const LOST: u32 = 2;

impl Trouble {
    /// Each of these once, and then as drawn.
    pub fn nth(number: u64, seed: u64, of: &[Trouble]) -> Trouble {
        let drawn = mix(seed, number) % of.len() as u64;
        let first = of.get(number as usize).copied();
        first.unwrap_or(of[drawn as usize])
    }

    /// Whether it lasts until whoever reads has noticed it.
    pub fn is_noticed(self) -> bool {
        !matches!(self, Trouble::Cut | Trouble::Delayed)
    }

    /// It begins.
    pub fn begin(self, behind: &Behind) {
        match self {
            Trouble::Cut => behind.proxy.cut(),
            Trouble::Refused | Trouble::Unanswered(_) => behind.proxy.set(Fault::Refused),
            Trouble::Delayed => behind.proxy.set(Fault::Delayed(Duration::from_millis(500))),
            Trouble::Silent => behind.proxy.set(Fault::Silent),
            Trouble::Stopped => behind.kafka.stop(),
            Trouble::Killed => behind.kafka.kill(),
            Trouble::Halted => behind.kafka.pause(),
        }
    }

    /// It is over.
    pub fn end(self, behind: &Behind) {
        match self {
            Trouble::Cut => {}
            Trouble::Refused | Trouble::Delayed | Trouble::Silent => {
                behind.proxy.set(Fault::None);
            }
            Trouble::Stopped | Trouble::Killed => behind.kafka.start_again(),
            Trouble::Halted => behind.kafka.resume(),
            Trouble::Unanswered(kinds) => {
                for kind in kinds {
                    behind.proxy.lose_answers(*kind, LOST);
                }
                behind.proxy.set(Fault::None);
            }
        }
    }
}

/// Waits for a condition of a context's tables or queries, which are told where it is not met.
///
/// # Panics
/// Where it is not.
pub async fn until(ctx: &Context, what: &str, condition: impl Fn() -> bool) {
    let missing = || format!("{what}; {:#?} {:#?}", ctx.tables(), ctx.queries());
    crate::until::until(LIMIT, async || condition(), missing).await;
}

/// Runs what blocks beside the tasks.
///
/// # Panics
/// Where it does.
pub async fn beside<R: Send + 'static>(
    behind: &Arc<Behind>,
    what: impl FnOnce(&Behind) -> R + Send + 'static,
) -> R {
    let behind = Arc::clone(behind);
    tokio::task::spawn_blocking(move || what(&behind))
        .await
        .expect("it runs")
}
