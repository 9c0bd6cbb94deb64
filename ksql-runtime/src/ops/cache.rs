//! What is made of a text once and used for every row: patterns of dates and of texts.
//!
//! A query has few of them and they are constants as a rule, so each thread keeps the last few.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread::LocalKey;

/// How many are kept.
const KEPT: usize = 8;

/// The last few that were asked for, and what became of them.
pub(crate) type Recent<T> = RefCell<Vec<(String, Option<Rc<T>>)>>;

/// What is made of a text; nothing where it cannot be.
pub(crate) fn recent<T>(
    cache: &'static LocalKey<Recent<T>>,
    text: &str,
    make: impl FnOnce(&str) -> Option<T>,
) -> Option<Rc<T>> {
    cache.with_borrow_mut(|entries| {
        if let Some((_, made)) = entries.iter().find(|(known, _)| known == text) {
            return made.clone();
        }
        let made = make(text).map(Rc::new);
        if entries.len() == KEPT {
            entries.remove(0);
        }
        entries.push((text.to_owned(), made.clone()));
        made
    })
}
