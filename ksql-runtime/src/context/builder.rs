//! What a context is made of, before it starts: entities, configuration, clock. Texts and validation need no start.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ksql_schema::ddl;
use ksql_schema::rules::ModelFinding;
use tokio::sync::broadcast;

use super::options::Operational;
use super::plan::Plan;
use super::{Context, results, start};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::dlq::DeadLetterOptions;
use crate::engine::{self, Emit, Runner};
use crate::entity::Entity;
use crate::error::Result;
use crate::log::{Log, Offsets};
use crate::model::Model;
use crate::query::{Explanation, IntoQuery};
use crate::registry::Registry;
use crate::state::{Event, StateError, Table};

/// Transitions kept for a receiver that is slower than the tables; what it misses beyond that it is told.
const EVENTS: usize = 1024;

/// Makes a [`Context`].
///
/// Settings come from defaults, a TOML file, the environment (`KSQL_...`) and code, in rising order.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct ContextBuilder {
    model: Model,
    pub(super) entities: Vec<Registration>,
    pub(super) queries: Vec<Arc<dyn Runner>>,
    pub(super) emit: Emit,
    config: Option<Config>,
    file: Option<PathBuf>,
    settings: Settings,
    state_dir: Option<PathBuf>,
    pub(super) clock: Clock,
    pub(super) dead_letters: DeadLetterOptions,
    pub(super) events: broadcast::Sender<Event>,
}

impl Default for ContextBuilder {
    fn default() -> ContextBuilder {
        ContextBuilder {
            model: Model::default(),
            entities: Vec::new(),
            queries: Vec::new(),
            emit: Emit::default(),
            config: None,
            file: None,
            settings: Settings::default(),
            state_dir: None,
            clock: Clock::default(),
            dead_letters: DeadLetterOptions::default(),
            events: broadcast::Sender::new(EVENTS),
        }
    }
}

/// Settings as they were given, not yet looked at. Only their keys are printed: which value is a secret is not known where
/// a key is misspelt.
#[derive(Default, Clone)]
struct Settings(Vec<(String, String)>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().map(|(key, _)| key);
        f.debug_list().entries(keys).finish()
    }
}

/// Starts an entity's table; the offsets are its targets.
type StartTable = fn(&Arc<Table>, Log, Registry, &[Offsets]) -> Result<(), StateError>;

/// An entity without its type; of a windowed one that a query writes, one window of it.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    pub(super) id: TypeId,
    pub(super) model: &'static ksql_schema::Entity<'static>,
    pub(super) value_schema: Cow<'static, str>,
    pub(super) key_schema: &'static str,
    pub(super) start: StartTable,
    /// Opens its records for whoever does not know its type.
    #[cfg(feature = "cli")]
    pub(super) view: crate::cli::MakeView,
    /// Where a query writes the topic.
    pub(super) result: Option<ResultTopic>,
}

/// What the topic of a query's results takes from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResultTopic {
    /// The size of its windows.
    pub(super) window: Option<u64>,
    /// The partitions of the query's source.
    pub(super) partitions: u32,
    /// How long the query's source keeps records.
    pub(super) retention_ms: Option<i64>,
    /// Whether a query's own statement creates its source in ksqlDB. Where queries only insert, the entity's does.
    pub(super) created: bool,
    /// Whether a query reads its records, with their windows.
    pub(super) read: bool,
}

impl ContextBuilder {
    /// Adds an entity: its topic, its schemas and, for a table, its store. Adding it again changes nothing.
    pub fn entity<T: Entity>(mut self) -> Self {
        self.model.add::<T>();
        self.register::<T>()
    }

    /// What is needed to run an entity, whether the program added it or a query.
    pub(crate) fn register<T: Entity>(mut self) -> Self {
        let id = TypeId::of::<T>();
        if self.entities.iter().all(|known| known.id != id) {
            self.entities.push(Registration {
                id,
                model: T::MODEL,
                value_schema: Cow::Borrowed(T::VALUE_SCHEMA),
                key_schema: T::KEY_SCHEMA,
                start: |table, log, registry, offsets| table.start::<T>(log, registry, offsets),
                #[cfg(feature = "cli")]
                view: crate::cli::view::<T>,
                result: None,
            });
        }
        self
    }

    /// Adds a query with the entities it reads and writes: it runs in this process, and its results are a topic like any
    /// other, or one for each window of the output. Adding it again with the same parameters changes nothing.
    pub fn query<By>(mut self, query: impl IntoQuery<By>) -> Self {
        let query = query.into_query();
        if self.model.add_query(&query) {
            engine::enlist(self, query)
        } else {
            self
        }
    }

    /// What each query comes to, in the order in which they start: `println!("{explanation}")`. Nothing is started.
    pub fn explanations(&self) -> impl Iterator<Item = &Explanation<'static>> {
        self.model.explanations()
    }

    /// The same without its type.
    pub(crate) fn runner(mut self, runner: Arc<dyn Runner>) -> Self {
        self.queries.push(runner);
        self
    }

    /// Which changes of a group become results.
    pub(crate) fn emit(mut self, emit: Emit) -> Self {
        self.emit = emit;
        self
    }

    /// Takes this configuration and asks neither file nor environment.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Reads settings from a TOML file; the environment may change them.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Sets one key, whatever file and environment say: `setting("entity.Flight.partitions", "4")`.
    pub fn setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.0.push((key.into(), value.into()));
        self
    }

    /// Where log and state live, the state of each log apart. Default: `rocksdb` in the working directory.
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(path.into());
        self
    }

    /// The clock that gives records without an event time their timestamps. Default: the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What is kept of records that become dead letters, and which do. Default: everything, and every one.
    pub fn dead_letters(mut self, options: DeadLetterOptions) -> Self {
        self.dead_letters = options;
        self
    }

    /// Every transition of the tables from the very first, those during start included;
    /// [`Context::events`](super::Context::events) has those that come after it is called.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The model, as it is validated.
    #[cfg(feature = "cli")]
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The configuration as it would be used.
    ///
    /// # Errors
    /// Where a file cannot be read, or a setting is unknown or impossible.
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        let mut config = match &self.config {
            Some(config) => config.clone(),
            None => Config::load(self.file.as_deref())?,
        };
        for (key, value) in &self.settings.0 {
            config.set(key, value)?;
        }
        if let Some(path) = &self.state_dir {
            config.state_dir.clone_from(path);
        }
        let names: Vec<&str> = self.model.entities().map(|entity| entity.name).collect();
        config.check_entities(&names)?;
        let taken = self.model.entities();
        if let Some(entity) = taken
            .into_iter()
            .find(|entity| entity.topic.name == config.dlq_topic)
        {
            return Err(ConfigError::Contradiction {
                what: format!(
                    "`dlq_topic` is `{}`, which is the topic of `{}`",
                    config.dlq_topic, entity.name
                ),
                cure: "dead letters have a topic of their own: name another one".to_owned(),
            });
        }
        config.check()?;
        config.log_idle();
        Ok(config)
    }

    /// What librdkafka does not take of what is set for it, found without a broker.
    #[cfg(all(feature = "cli", feature = "kafka"))]
    pub(crate) fn check_clients(config: &Config) -> Result<()> {
        Ok(super::services::check(config)?)
    }

    /// Everything doubtful about the entities together: what one definition cannot show, such as two entities with one
    /// topic. Nothing is started. A [`Model`] says the same without a context.
    pub fn validate(&self) -> Vec<ModelFinding> {
        self.model.findings()
    }

    /// Errors among the findings stop; warnings are logged.
    pub(super) fn refuse_invalid(&self) -> Result<()> {
        for warning in self.model.validate()? {
            tracing::warn!("{warning}");
        }
        Ok(())
    }

    /// The `CREATE` statement of every entity as this configuration makes it, each ended by `;`, one a line. Nothing is
    /// started.
    ///
    /// # Errors
    /// Where the model or the configuration is not valid.
    pub fn ddl(&self) -> Result<String> {
        self.refuse_invalid()?;
        let config = self.configuration()?;
        let topics = results::topics(&self.entities, &self.queries, &config);
        Ok(self.model.ddl_by(
            |entity| ddl::create(entity, &Operational::new(entity, &config).as_ddl(&config)),
            |entity, window, size| {
                let topic = topics.iter().find(|topic| {
                    topic.model == entity
                        && topic.result.is_some_and(|one| one.window == Some(size))
                });
                let operational = topic.map_or_else(
                    || Operational::new(entity, &config),
                    |topic| Operational::of(topic, &config),
                );
                ddl::create_stream_of_window(entity, &operational.as_ddl(&config), window, size)
            },
            |query, number, text| results::statement(query, number, text, &topics, &config),
        ))
    }

    /// The Avro schemas of every entity, key schemas first where keys are records, one a line. Nothing is started.
    ///
    /// # Errors
    /// Where the model is not valid.
    pub fn avro(&self) -> Result<String> {
        Ok(self.model.avro()?)
    }

    /// What start would do: which topics, subjects and statements it would create, which it would leave alone, and what
    /// differs. Nothing is changed; servers are asked.
    ///
    /// # Errors
    /// Where the model or the configuration is not valid, or a server cannot be asked.
    pub async fn plan(&self) -> Result<Plan> {
        start::plan(self).await
    }

    /// Starts: validates, opens the log, creates topics, registers schemas, opens the tables' state, restores them, and
    /// waits until they are ready unless `wait_for_ready` is off. Starting again finds everything there.
    ///
    /// # Errors
    /// One error that names the step, the entity, what was answered and what to do.
    pub async fn start(self) -> Result<Context> {
        start::start(self).await
    }
}

#[cfg(test)]
mod tests {
    use super::ContextBuilder;

    #[test]
    fn a_builder_prints_which_settings_it_has_and_no_value() {
        let builder = ContextBuilder::default()
            .setting("registry_password", "hunter2")
            .setting("kafka.sasl.pasword", "hunter2");
        let shown = format!("{builder:?} {builder:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        for key in ["registry_password", "kafka.sasl.pasword"] {
            assert!(shown.contains(key), "{shown}");
        }
    }
}
