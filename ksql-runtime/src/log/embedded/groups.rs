//! The members of consumer groups and who of them holds which partition: the coordinator of the log in this process.
//!
//! Invariants: a partition has one holder at most; a holder keeps what it has unless another member has two less; a
//! partition that is wanted back goes to nobody before its holder has released it or left. A member hears first what is
//! wanted back, then what it gets, and never of what it was promised and lost before it looked. Called by members, each
//! on its own thread, under one short lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::catalog::lock;

/// A member, never used again.
pub(super) type MemberId = u64;

/// Whose a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    /// Given to this member, which has not looked yet.
    Promised(MemberId),
    Holder(MemberId),
    /// Wanted back from its holder, which has not looked yet.
    Wanted(MemberId),
    /// Wanted back from its holder, which knows.
    Leaving(MemberId),
}

#[derive(Debug)]
struct Member {
    id: MemberId,
    news: Arc<AtomicBool>,
}

/// A group's reading of one topic.
#[derive(Debug)]
struct Group {
    members: Vec<Member>,
    /// By partition.
    owners: Vec<Owner>,
}

/// What a member is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// These are wanted back.
    Wanted(Vec<i32>),
    /// These are promised; they are held once they are [accepted](Groups::accept).
    Promised(Vec<i32>),
}

/// All groups, by name and number of the topic.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    groups: HashMap<Key, Group>,
    next: MemberId,
}

/// A group's name, and its topic's number.
pub(super) type Key = (Arc<str>, u32);

impl Groups {
    /// A new member. `news` is raised whenever there may be something to be told.
    pub(super) fn join(&self, key: &Key, partitions: u32, news: &Arc<AtomicBool>) -> MemberId {
        let mut state = lock(&self.0);
        let id = state.next;
        state.next = id.wrapping_add(1);
        let group = state.groups.entry(key.clone()).or_insert_with(|| Group {
            members: Vec::new(),
            owners: vec![Owner::Nobody; partitions as usize],
        });
        group.members.push(Member {
            id,
            news: Arc::clone(news),
        });
        group.balance();
        id
    }

    /// What the member has not been told yet.
    pub(super) fn news(&self, key: &Key, id: MemberId) -> Option<News> {
        lock(&self.0).groups.get_mut(key)?.news(id)
    }

    /// Makes a member the holder of what is promised to it still.
    pub(super) fn accept(&self, key: &Key, id: MemberId, partitions: &[i32]) -> Vec<i32> {
        let mut state = lock(&self.0);
        let Some(group) = state.groups.get_mut(key) else {
            return Vec::new();
        };
        group.change(partitions, Owner::Promised(id), Owner::Holder(id))
    }

    /// Takes back what was wanted back from a member.
    pub(super) fn release(&self, key: &Key, id: MemberId, partitions: &[i32]) {
        if let Some(group) = lock(&self.0).groups.get_mut(key) {
            let released = group.change(partitions, Owner::Leaving(id), Owner::Nobody);
            if !released.is_empty() {
                group.balance();
            }
        }
    }

    /// Takes back everything a member has.
    pub(super) fn leave(&self, key: &Key, id: MemberId) {
        let mut state = lock(&self.0);
        if let Some(group) = state.groups.get_mut(key) {
            group.members.retain(|member| member.id != id);
            for owner in &mut group.owners {
                match *owner {
                    Owner::Promised(by)
                    | Owner::Holder(by)
                    | Owner::Wanted(by)
                    | Owner::Leaving(by)
                        if by == id =>
                    {
                        *owner = Owner::Nobody;
                    }
                    Owner::Nobody
                    | Owner::Promised(_)
                    | Owner::Holder(_)
                    | Owner::Wanted(_)
                    | Owner::Leaving(_) => {}
                }
            }
            group.balance();
            if group.members.is_empty() {
                state.groups.remove(key);
            }
        }
    }
}

impl Group {
    /// The partitions of this owner, in their order.
    fn of(&self, owner: Owner) -> Vec<i32> {
        (0_i32..)
            .zip(&self.owners)
            .filter(|(_, one)| **one == owner)
            .map(|(partition, _)| partition)
            .collect()
    }

    /// Changes the owner of those of the partitions that have this one; says which.
    fn change(&mut self, partitions: &[i32], from: Owner, to: Owner) -> Vec<i32> {
        let mut changed = Vec::new();
        for partition in partitions {
            let owner = usize::try_from(*partition)
                .ok()
                .and_then(|at| self.owners.get_mut(at));
            if let Some(owner) = owner.filter(|owner| **owner == from) {
                *owner = to;
                changed.push(*partition);
            }
        }
        changed
    }

    fn news(&mut self, id: MemberId) -> Option<News> {
        let wanted = self.of(Owner::Wanted(id));
        if !wanted.is_empty() {
            self.change(&wanted, Owner::Wanted(id), Owner::Leaving(id));
            return Some(News::Wanted(wanted));
        }
        let promised = self.of(Owner::Promised(id));
        (!promised.is_empty()).then_some(News::Promised(promised))
    }

    /// Shares the partitions among the members anew. What nobody was told of is taken back first.
    fn balance(&mut self) {
        for owner in &mut self.owners {
            *owner = match *owner {
                Owner::Promised(_) => Owner::Nobody,
                Owner::Wanted(id) => Owner::Holder(id),
                other @ (Owner::Nobody | Owner::Holder(_) | Owner::Leaving(_)) => other,
            };
        }
        let held = |owners: &[Owner], id: MemberId| {
            let its = |owner: &&Owner| matches!(**owner, Owner::Holder(by) | Owner::Promised(by) if by == id);
            owners.iter().filter(its).count()
        };
        let (all, members) = (self.owners.len(), self.members.len());
        let (Some(each), Some(more)) = (all.checked_div(members), all.checked_rem(members)) else {
            return;
        };
        // Those that hold most keep one more than the others, so that as few as possible move.
        let mut order: Vec<MemberId> = self.members.iter().map(|member| member.id).collect();
        order.sort_by_key(|id| std::cmp::Reverse(held(&self.owners, *id)));
        let shares: Vec<(MemberId, usize)> = order
            .into_iter()
            .enumerate()
            .map(|(place, id)| (id, each.saturating_add(usize::from(place < more))))
            .collect();
        for (id, share) in &shares {
            let its = self.of(Owner::Holder(*id));
            let above = its.get(*share..).unwrap_or_default();
            self.change(above, Owner::Holder(*id), Owner::Wanted(*id));
        }
        for partition in self.of(Owner::Nobody) {
            let next = shares
                .iter()
                .map(|(id, share)| (held(&self.owners, *id), *id, *share))
                .filter(|(has, _, share)| has < share)
                .min();
            if let Some((_, id, _)) = next {
                self.change(&[partition], Owner::Nobody, Owner::Promised(id));
            }
        }
        for member in &self.members {
            member.news.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        (Arc::from("g"), 0)
    }

    fn join(groups: &Groups, partitions: u32) -> MemberId {
        groups.join(&key(), partitions, &Arc::default())
    }

    /// Takes everything a member is promised; nothing where it is told something else.
    fn assigned(groups: &Groups, id: MemberId) -> Vec<i32> {
        match groups.news(&key(), id) {
            Some(News::Promised(partitions)) => groups.accept(&key(), id, &partitions),
            Some(News::Wanted(_)) | None => Vec::new(),
        }
    }

    fn wanted(groups: &Groups, id: MemberId) -> Vec<i32> {
        match groups.news(&key(), id) {
            Some(News::Wanted(partitions)) => partitions,
            Some(News::Promised(_)) | None => Vec::new(),
        }
    }

    #[test]
    fn a_new_member_gets_its_share_after_the_release_and_the_others_keep_theirs() {
        let groups = Groups::default();
        let first = join(&groups, 5);
        assert_eq!(assigned(&groups, first), [0, 1, 2, 3, 4]);
        let second = join(&groups, 5);
        assert_eq!(groups.news(&key(), second), None, "nothing is free yet");
        assert_eq!(wanted(&groups, first), [3, 4]);
        assert_eq!(groups.news(&key(), first), None, "told once");
        groups.release(&key(), first, &[4, 0]);
        assert_eq!(assigned(&groups, second), [4]);
        groups.release(&key(), first, &[3]);
        assert_eq!(assigned(&groups, second), [3]);
    }

    #[test]
    fn what_a_member_left_goes_to_the_others() {
        let groups = Groups::default();
        let first = join(&groups, 4);
        let second = join(&groups, 4);
        assert_eq!(
            assigned(&groups, first).len(),
            2,
            "shared before anybody looked"
        );
        groups.leave(&key(), first);
        assert_eq!(assigned(&groups, second), [0, 1, 2, 3]);
        groups.leave(&key(), second);
        assert!(lock(&groups.0).groups.is_empty());
    }

    #[test]
    fn what_is_wanted_back_for_one_who_left_meanwhile_stays_unless_it_was_said() {
        let groups = Groups::default();
        let first = join(&groups, 2);
        assigned(&groups, first);
        let second = join(&groups, 2);
        groups.leave(&key(), second);
        assert_eq!(groups.news(&key(), first), None);
        let third = join(&groups, 2);
        assert_eq!(wanted(&groups, first), [1]);
        groups.leave(&key(), third);
        assert_eq!(groups.news(&key(), first), None, "it was told: it releases");
        groups.release(&key(), first, &[1]);
        assert_eq!(assigned(&groups, first), [1], "and gets it again");
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_every_partition_ends_with_one_member_and_shares_differ_by_one(
            partitions in 1_u32..12,
            steps in proptest::collection::vec((0_u8..4, 0_usize..6), 1..60),
        ) {
            let groups = Groups::default();
            let mut members: Vec<(MemberId, Vec<i32>, Vec<i32>)> = Vec::new();
            let look = |member: &mut (MemberId, Vec<i32>, Vec<i32>)| {
                let (id, held, leaving) = member;
                match groups.news(&key(), *id) {
                    Some(News::Wanted(back)) => {
                        assert!(back.iter().all(|one| held.contains(one)));
                        held.retain(|one| !back.contains(one));
                        leaving.extend(back);
                        true
                    }
                    Some(News::Promised(given)) => {
                        held.extend(groups.accept(&key(), *id, &given));
                        true
                    }
                    None => false,
                }
            };
            let release = |member: &mut (MemberId, Vec<i32>, Vec<i32>)| {
                let back = std::mem::take(&mut member.2);
                groups.release(&key(), member.0, &back);
                !back.is_empty()
            };
            let alone = |members: &[(MemberId, Vec<i32>, Vec<i32>)]| {
                let mut all: Vec<i32> = members
                    .iter()
                    .flat_map(|(_, held, leaving)| held.iter().chain(leaving))
                    .copied()
                    .collect();
                let before = all.len();
                all.sort_unstable();
                all.dedup();
                assert_eq!(before, all.len(), "a partition is held twice");
            };
            for (step, which) in steps {
                let at = which.checked_rem(members.len()).unwrap_or(0);
                match step {
                    0 => members.push((join(&groups, partitions), Vec::new(), Vec::new())),
                    1 if !members.is_empty() => {
                        let (id, ..) = members.remove(at);
                        groups.leave(&key(), id);
                    }
                    2 => drop(members.get_mut(at).map(look)),
                    _ => drop(members.get_mut(at).map(release)),
                }
                alone(&members);
            }
            while members.iter_mut().any(|member| look(member) || release(member)) {
                alone(&members);
            }
            if !members.is_empty() {
                let shares: Vec<usize> = members.iter().map(|(_, held, _)| held.len()).collect();
                prop_assert_eq!(shares.iter().sum::<usize>(), partitions as usize);
                let (least, most) = (shares.iter().min(), shares.iter().max());
                prop_assert!(most <= least.map(|least| least + 1).as_ref(), "{:?}", shares);
            }
        }
    }
}
