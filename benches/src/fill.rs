//! Filled logs: what several benchmarks start from.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::prelude::*;
use rand::{Rng, rngs::StdRng, seq::SliceRandom};

use crate::data::{self, Drawer, Keys};
use crate::entities::Order;

/// As long as anything may take.
pub const LIMIT: Duration = Duration::from_secs(120);
const CHUNK: usize = 2000;

/// A runtime with as many workers as there are cores.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("tokio")
}

/// Settings of a context by their keys; none is the embedded log.
pub type Settings = Vec<(String, String)>;

/// Settings for a child's command line.
pub fn arguments(settings: &[(String, String)]) -> impl Iterator<Item = String> {
    settings.iter().map(|(key, value)| format!("{key}={value}"))
}

/// What [`arguments`] made.
pub fn settings(arguments: &[String]) -> Settings {
    arguments
        .iter()
        .filter_map(|setting| setting.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A context that is told these.
pub fn set(builder: ContextBuilder, settings: &[(String, String)]) -> ContextBuilder {
    settings
        .iter()
        .fold(builder, |all, (key, value)| all.setting(key, value))
}

/// A context over [`Order`] in this directory whose table is ready.
pub async fn ready(directory: &Path) -> Context {
    ready_with(directory, &[]).await
}

/// The same with settings.
pub async fn ready_with(directory: &Path, settings: &[(String, String)]) -> Context {
    let builder = Context::builder().entity::<Order>().state_dir(directory);
    let ctx = set(builder, settings)
        .start()
        .await
        .expect("the context starts");
    ctx.wait_ready(LIMIT).await.expect("the table is ready");
    ctx
}

/// A workload of upserts and tombstones.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Records in all.
    pub records: usize,
    /// Distinct keys.
    pub keys: usize,
    /// How they are drawn.
    pub draw: Keys,
    /// Tombstones in a thousand records.
    pub tombstones: u32,
}

/// One operation: an order, or the key to delete.
pub type Operation = Result<Order, i64>;

/// The operations of a workload, in order.
pub fn operations(workload: Workload) -> impl Iterator<Item = Operation> {
    let mut rng = data::rng();
    let drawer = Drawer::new(workload.draw, workload.keys, &mut rng);
    let templates: Vec<Order> = (0..4096).map(|id| data::order(&mut rng, id)).collect();
    (0..workload.records)
        .map(move |at| operation(&mut rng, &drawer, &templates, at, workload.tombstones))
}

fn operation(
    rng: &mut StdRng,
    drawer: &Drawer,
    templates: &[Order],
    at: usize,
    tombstones: u32,
) -> Operation {
    let id = drawer.draw(rng);
    if rng.random_ratio(tombstones, 1000) {
        return Err(id);
    }
    let template = &templates[at % templates.len()];
    Ok(Order {
        id,
        qty: at as i32 % 5000,
        ..template.clone()
    })
}

/// Adds a whole workload.
pub async fn fill(ctx: &Context, workload: Workload) {
    let set = ctx.set::<Order>();
    let mut chunk = Vec::with_capacity(CHUNK);
    for operation in operations(workload) {
        match operation {
            Ok(order) => chunk.push(order),
            Err(id) => {
                set.add_all(std::mem::take(&mut chunk))
                    .await
                    .expect("orders are added");
                set.remove(id).await.expect("an order is removed");
            }
        }
        if chunk.len() == CHUNK {
            set.add_all(std::mem::take(&mut chunk))
                .await
                .expect("orders are added");
        }
    }
    set.add_all(chunk).await.expect("orders are added");
}

/// Adds one order for each of the keys `0..keys`, in a random order that is always the same.
pub async fn all_keys(ctx: &Context, keys: usize, customer: usize) {
    let set = ctx.set::<Order>();
    for chunk in every_key(keys, customer).chunks(CHUNK) {
        set.add_all(chunk.to_vec()).await.expect("orders are added");
    }
}

/// The orders that [`all_keys`] adds; `customer` is the length of their text.
pub fn every_key(keys: usize, customer: usize) -> Vec<Order> {
    let mut rng = data::rng();
    let mut ids: Vec<i64> = (0..keys as i64).collect();
    ids.shuffle(&mut rng);
    let templates: Vec<Order> = (0..4096)
        .map(|id| {
            let mut order = data::order(&mut rng, id);
            let text = order
                .customer
                .repeat(customer.div_ceil(order.customer.len()));
            order.customer = text.chars().take(customer).collect();
            order
        })
        .collect();
    ids.into_iter()
        .enumerate()
        .map(|(at, id)| Order {
            id,
            ..templates[at % templates.len()].clone()
        })
        .collect()
}
