//! Whether goals are taken.

use std::sync::Mutex;

use crate::lock::lock;

/// Open while the node is configured. Nothing passes it that was let in before it was closed: what is forgotten then is
/// all there is.
#[derive(Debug, Default)]
pub struct Gate(Mutex<bool>);

impl Gate {
    /// Goals are taken from now on.
    pub fn open(&self) {
        *lock(&self.0) = true;
    }

    /// Goals aren't taken any more, and those that were are forgotten.
    pub fn close(&self, forget: impl FnOnce()) {
        let mut is_open = lock(&self.0);
        *is_open = false;
        forget();
    }

    /// Takes a goal, if that is allowed; says whether it was.
    pub fn pass(&self, take: impl FnOnce()) -> bool {
        let is_open = lock(&self.0);
        if *is_open {
            take();
        }
        *is_open
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn only_an_open_gate_lets_goals_in_and_a_closed_one_has_none_behind_it() {
        let gate = Gate::default();
        let goals = RefCell::new(Vec::new());
        assert!(!gate.pass(|| goals.borrow_mut().push(1)));
        gate.open();
        assert!(gate.pass(|| goals.borrow_mut().push(2)));
        assert_eq!(*goals.borrow(), [2]);
        gate.close(|| goals.borrow_mut().clear());
        assert!(!gate.pass(|| goals.borrow_mut().push(3)));
        assert!(goals.borrow().is_empty());
    }
}
