//! From a change of a group to the record that tells it: a row, or the deletion of one that was shown.
//!
//! Invariant: a slot is `shown` exactly where its row stands in the topic, as far as results were gathered. On the query's
//! thread.

use super::groups::Group;
use super::output::Outputs;
use super::windows::Windows;
use crate::entity::Window;
use crate::query::{Aggregate, Scratch};

/// Makes results of changes.
pub(super) struct Telling<'o> {
    pub(super) windows: &'o Windows,
    pub(super) outputs: &'o mut Outputs,
    /// At once, or when they are written.
    pub(super) each: bool,
}

impl Telling<'_> {
    /// A slot changed: its row, or its deletion where it is not shown any more.
    pub(super) fn changed<Q: Aggregate>(
        &mut self,
        query: &Q,
        scratch: &Scratch,
        group: &mut Group<Q::Groups>,
        index: usize,
    ) {
        if !self.each {
            return;
        }
        let Some(slot) = group.slots.get(index) else {
            return;
        };
        let shows = query.having(scratch, &group.key, slot.window, &slot.groups);
        if shows || slot.shown {
            let row = shows.then(|| query.finish(scratch, &group.key, slot.window, &slot.groups));
            let windowed = self.windows.session().map(|session| (slot.window, session));
            self.outputs.group::<Q::Output>(
                slot.target,
                &group.key,
                windowed,
                row,
                scratch,
                slot.timestamp,
            );
        }
        if let Some(slot) = group.slots.get_mut(index) {
            (slot.shown, slot.dirty) = (shows, false);
        }
    }

    /// A session whose row is shown is part of another now.
    pub(super) fn is_gone<Q: Aggregate>(
        &mut self,
        scratch: &Scratch,
        group: &mut Group<Q::Groups>,
        window: Window,
        timestamp: i64,
    ) {
        group.gone.push((window, timestamp));
        if self.each {
            self.gone::<Q>(scratch, group);
        }
    }

    /// Deletes the rows of sessions that are part of others now. One that came to be again has its row replaced.
    pub(super) fn gone<Q: Aggregate>(&mut self, scratch: &Scratch, group: &mut Group<Q::Groups>) {
        for (window, timestamp) in std::mem::take(&mut group.gone) {
            let again = group.slots.iter_mut().find(|slot| slot.window == window);
            if let Some(slot) = again {
                slot.shown = true;
                continue;
            }
            self.outputs.group::<Q::Output>(
                0,
                &group.key,
                Some((window, true)),
                None,
                scratch,
                timestamp,
            );
        }
    }
}
