//! Records that come again later, and those that stand behind them.
//!
//! Invariants: of a group - records that stand in an order to each other - one at most waits, and the others follow in the order
//! in which they came; who waits is found without looking at all of them. A group is known from the moment a record of it
//! waits until the last one behind it was given out. Belongs to a lane.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Instant;

use super::dealer::Group;

/// A record that comes again.
#[derive(Debug)]
pub(super) struct Later<I> {
    pub(super) at: Instant,
    pub(super) item: I,
    /// The attempt it will be.
    pub(super) attempt: u32,
    pub(super) group: Option<Group>,
}

/// What a lane lets wait.
#[derive(Debug)]
pub(super) struct Waiting<I> {
    later: BinaryHeap<Reverse<Numbered<I>>>,
    groups: HashMap<Group, Behind<I>>,
    /// How many have waited: of those due at one moment the first to come is the first to go.
    came: u64,
}

/// One group.
#[derive(Debug)]
struct Behind<I> {
    /// Whether its first record waits now, and is not being worked on.
    waits: bool,
    items: VecDeque<I>,
}

/// By the moment, then in the order in which they came.
#[derive(Debug)]
struct Numbered<I> {
    number: u64,
    later: Later<I>,
}

impl<I> Waiting<I> {
    pub(super) fn new() -> Waiting<I> {
        Waiting {
            later: BinaryHeap::new(),
            groups: HashMap::new(),
            came: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.later.is_empty()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse(next)| next.later.at)
    }

    /// Lets a record wait.
    pub(super) fn add(&mut self, later: Later<I>) {
        if let Some(group) = later.group {
            self.groups.entry(group).or_default().waits = true;
        }
        let number = self.came;
        self.came = number.wrapping_add(1);
        self.later.push(Reverse(Numbered { number, later }));
    }

    /// Puts a record behind one of its group that waits; gives it back where none does.
    pub(super) fn put_behind(&mut self, group: Option<Group>, item: I) -> Result<(), I> {
        match group.and_then(|group| self.groups.get_mut(&group)) {
            None => Err(item),
            Some(behind) => {
                behind.items.push_back(item);
                Ok(())
            }
        }
    }

    /// A record that is due. Those behind it are to be asked for next, with [`follow`](Self::follow).
    pub(super) fn take(&mut self, now: Instant) -> Option<Later<I>> {
        if self.next()? > now {
            return None;
        }
        let Reverse(Numbered { later, .. }) = self.later.pop()?;
        if let Some(behind) = later.group.and_then(|group| self.groups.get_mut(&group)) {
            behind.waits = false;
        }
        Some(later)
    }

    /// The next one of a group whose record was taken: none where one of it waits again, or all of them are gone.
    pub(super) fn follow(&mut self, group: Group) -> Option<I> {
        let behind = self.groups.get_mut(&group)?;
        if behind.waits {
            return None;
        }
        let next = behind.items.pop_front();
        if next.is_none() {
            self.groups.remove(&group);
        }
        next
    }

    /// Makes those due that are left by their partition. Looks at all of them.
    pub(super) fn hurry(&mut self, now: Instant, left: impl Fn(&I) -> bool) {
        let mut later = std::mem::take(&mut self.later).into_vec();
        for Reverse(Numbered { later, .. }) in &mut later {
            if left(&later.item) {
                later.at = later.at.min(now);
            }
        }
        self.later = later.into();
    }
}

impl<I> Default for Behind<I> {
    fn default() -> Behind<I> {
        Behind {
            waits: false,
            items: VecDeque::new(),
        }
    }
}

impl<I> Ord for Numbered<I> {
    fn cmp(&self, other: &Numbered<I>) -> Ordering {
        (self.later.at, self.number).cmp(&(other.later.at, other.number))
    }
}

impl<I> PartialOrd for Numbered<I> {
    fn partial_cmp(&self, other: &Numbered<I>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<I> PartialEq for Numbered<I> {
    fn eq(&self, other: &Numbered<I>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<I> Eq for Numbered<I> {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What comes to a lane: a record of a group, which fails some times with a wait each, or the loss of every other partition.
    #[derive(Debug, Clone)]
    enum Step {
        Record {
            group: Option<Group>,
            fails: Vec<u64>,
        },
        Time(u64),
        Loss,
    }

    fn step() -> impl Strategy<Value = Step> {
        let group = proptest::option::weighted(0.8, 0_u64..4);
        let fails = proptest::collection::vec(0_u64..20, 0..4);
        prop_oneof![
            6 => (group, fails).prop_map(|(group, fails)| Step::Record { group, fails }),
            3 => (0_u64..15).prop_map(Step::Time),
            1 => Just(Step::Loss),
        ]
    }

    #[derive(Debug, Clone)]
    struct Item {
        number: usize,
        group: Option<Group>,
        fails: VecDeque<u64>,
    }

    /// A lane of which only the waiting is there: it says in which order records begin and which end.
    struct Lane {
        waiting: Waiting<Item>,
        now: Instant,
        lost: Vec<usize>,
        begun: Vec<(usize, u32)>,
        ended: Vec<usize>,
    }

    impl Lane {
        fn one(&mut self, mut item: Item, attempt: u32) {
            if self.lost.contains(&item.number) {
                self.ended.push(item.number);
                return;
            }
            self.begun.push((item.number, attempt));
            match item.fails.pop_front() {
                None => self.ended.push(item.number),
                Some(wait) => self.waiting.add(Later {
                    at: self.now + Duration::from_millis(wait),
                    group: item.group,
                    item,
                    attempt: attempt + 1,
                }),
            }
        }

        fn due(&mut self) {
            while let Some(later) = self.waiting.take(self.now) {
                self.one(later.item, later.attempt);
                let Some(group) = later.group else { continue };
                while let Some(item) = self.waiting.follow(group) {
                    self.one(item, 1);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn each_record_ends_once_in_the_order_of_its_group_and_none_before_it_is_due(
            steps in proptest::collection::vec(step(), 1..60),
        ) {
            let mut lane = Lane {
                waiting: Waiting::new(),
                now: Instant::now(),
                lost: Vec::new(),
                begun: Vec::new(),
                ended: Vec::new(),
            };
            let mut given: Vec<Option<Group>> = Vec::new();
            for step in steps {
                match step {
                    Step::Record { group, fails } => {
                        let item = Item { number: given.len(), group, fails: fails.into() };
                        given.push(group);
                        lane.due();
                        if let Err(item) = lane.waiting.put_behind(group, item) {
                            lane.one(item, 1);
                        }
                    }
                    Step::Time(millis) => {
                        lane.now += Duration::from_millis(millis);
                        let (now, next) = (lane.now, lane.waiting.next());
                        let before = lane.begun.len();
                        lane.due();
                        let none_was_due = next.is_none_or(|at| at > now);
                        prop_assert!(!none_was_due || lane.begun.len() == before);
                        prop_assert!(lane.waiting.next().is_none_or(|at| at > now));
                    }
                    Step::Loss => {
                        lane.lost = (0..given.len()).filter(|number| number % 2 == 0).collect();
                        let lost = lane.lost.clone();
                        lane.waiting.hurry(lane.now, |item| lost.contains(&item.number));
                        lane.due();
                    }
                }
            }
            while let Some(next) = lane.waiting.next() {
                lane.now = lane.now.max(next);
                lane.due();
            }
            prop_assert!(lane.waiting.groups.is_empty());
            let mut all = lane.ended.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..given.len()).collect::<Vec<_>>());
            for group in 0..4 {
                let of_group = |number: &&usize| given.get(**number) == Some(&Some(group));
                let ends: Vec<usize> = lane.ended.iter().filter(of_group).copied().collect();
                prop_assert!(ends.is_sorted(), "{:?}", ends);
                // None begins before the one before it has ended.
                let begun = lane.begun.iter().map(|(number, _)| number);
                let begins: Vec<usize> = begun.filter(of_group).copied().collect();
                prop_assert!(begins.is_sorted(), "{:?}", begins);
            }
        }
    }

    #[test]
    fn what_waits_is_looked_at_when_a_partition_is_lost_and_for_no_record() {
        let now = Instant::now();
        let mut waiting = Waiting::new();
        for item in 0..1_000_u32 {
            waiting.add(Later {
                at: now + Duration::from_secs(3600),
                item,
                attempt: 2,
                group: Some(item.into()),
            });
        }
        assert!(waiting.take(now).is_none());
        assert_eq!(waiting.put_behind(Some(5_000), 7), Err(7));
        assert_eq!(waiting.put_behind(Some(5), 8), Ok(()));
        let looked = Cell::new(0);
        waiting.hurry(now, |item| {
            looked.set(looked.get() + 1);
            *item == 5
        });
        assert_eq!(looked.get(), 1_000);
        assert_eq!(waiting.take(now).map(|later| later.item), Some(5));
        assert_eq!(waiting.follow(5), Some(8));
        assert_eq!(waiting.follow(5), None);
        assert!(waiting.take(now).is_none());
    }
}
