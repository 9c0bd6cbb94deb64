//! Where the tables of a context live: offsets and rows belong to one log, so each log has a state of its own.
//!
//! Invariant: two logs never share a state, and one that comes back finds the state it left. The embedded log's lies in
//! `state`, a cluster's in `clusters/<cluster id>/state`. The whole directory has one owner, whichever log it uses. Asked
//! by start, before the tables' state is opened.

use std::path::{Path, PathBuf};

use crate::log::{Log, LogError};

/// The folder of the clusters' states.
const CLUSTERS: &str = "clusters";
/// Of clusters whose brokers tell no id: very old ones, and some that only speak Kafka's protocol.
const UNNAMED: &str = "unnamed";

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Home {
    /// The embedded log's.
    Embedded,
    /// That of the cluster with this id.
    #[cfg_attr(
        not(feature = "kafka"),
        allow(dead_code, reason = "there is no cluster without it")
    )]
    Cluster(String),
}

impl Home {
    /// The home of a log's tables. Its cluster must have been reached.
    pub(super) async fn of(log: &Log) -> Result<Home, LogError> {
        match log {
            Log::Embedded(_) => Ok(Home::Embedded),
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => {
                let id = log.cluster_id().await?;
                Ok(Home::Cluster(id.unwrap_or_else(|| UNNAMED.to_owned())))
            }
        }
    }

    /// Where the state is.
    pub(super) fn state(&self, state_dir: &Path) -> PathBuf {
        match self {
            Home::Embedded => state_dir.join("state"),
            Home::Cluster(id) => state_dir.join(CLUSTERS).join(folder_name(id)).join("state"),
        }
    }

    /// Says that this cluster is another one than those that have a state here, the first time. It may be meant; it may
    /// be a wrong address, or a cluster that lost its data.
    pub(super) fn tell_of_others(&self, state_dir: &Path) {
        let Home::Cluster(id) = self else { return };
        if self.state(state_dir).exists() {
            return;
        }
        let others = others(state_dir, id);
        if !others.is_empty() {
            tracing::warn!(
                cluster = id,
                others = others.join(", "),
                "this cluster has no state here yet, another one has: its tables are read from their topics, and the \
                 other state stays for the cluster it belongs to"
            );
        }
    }
}

/// The clusters that have a state here, but for this one.
fn others(state_dir: &Path, id: &str) -> Vec<String> {
    let own = folder_name(id);
    let Ok(folders) = std::fs::read_dir(state_dir.join(CLUSTERS)) else {
        return Vec::new();
    };
    let mut others: Vec<String> = folders
        .flatten()
        .filter(|folder| folder.path().join("state").exists())
        .filter_map(|folder| folder.file_name().into_string().ok())
        .filter(|name| *name != own)
        .collect();
    others.sort_unstable();
    others
}

/// A cluster's id as the name of a folder. Ids that Kafka makes are kept as they are.
fn folder_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            // A cluster chooses its id: none leads out of the folder.
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    if name.is_empty() {
        name.push_str(UNNAMED);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_log_has_a_state_of_its_own() {
        let state = |home: Home| home.state(Path::new("data"));
        assert_eq!(state(Home::Embedded), Path::new("data/state"));
        assert_eq!(
            state(Home::Cluster("4L6g3nShT-eMCtK--X86sw".to_owned())),
            Path::new("data/clusters/4L6g3nShT-eMCtK--X86sw/state")
        );
    }

    #[test]
    fn no_id_leads_out_of_the_folder_and_different_ids_are_different_folders() {
        let ids = ["..", ".", "a/b", "a%2Fb", "a", "A", "é", "a b"];
        let names: std::collections::BTreeSet<String> =
            ids.iter().map(|id| folder_name(id)).collect();
        assert_eq!(names.len(), ids.len(), "{names:?}");
        for name in names {
            assert!(
                !name.contains(['/', '\\', '.']) && !name.is_empty(),
                "{name}"
            );
        }
        assert_eq!(folder_name(""), "unnamed");
    }
}
