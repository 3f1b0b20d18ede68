//! The states that a search has seen, in memory that is taken once.

use trm_grid::units::Cell;

use crate::lattice::State;

/// How a state was reached.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slot {
    /// The state and the search that it belongs to; 0 if none has used the slot.
    key: u64,
    /// What the way to it costs, in cells.
    pub cost: f32,
    /// The slot of the state before, or [`NONE`].
    pub parent: u32,
    /// The edge that leads here, or the connector if there is no state before.
    pub by: u32,
    /// Whether it has been expanded.
    pub is_closed: bool,
}

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;
/// Bits of a key that tell the state: columns and rows of a grid have 14 each, headings 8.
const STATE_BITS: u32 = 36;

/// A hash table with open addressing. A new search makes all slots empty by counting on.
#[derive(Debug)]
pub(crate) struct StateTable {
    slots: Vec<Slot>,
    search: u64,
    used: usize,
}

impl StateTable {
    /// Room for this many states at least.
    pub fn with_room(states: usize) -> Self {
        // Probing stays short up to three quarters.
        let slots = (states * 4 / 3 + 1).next_power_of_two();
        Self { slots: vec![Slot::default(); slots], search: 1, used: 0 }
    }

    /// Forgets all states.
    pub fn clear(&mut self) {
        self.search += 1;
        self.used = 0;
        if self.search >> (64 - STATE_BITS) != 0 {
            self.slots.fill(Slot::default());
            self.search = 1;
        }
    }

    /// Whether another state fits.
    pub fn has_room(&self) -> bool {
        self.used < self.slots.len() / 4 * 3
    }

    pub fn len(&self) -> usize {
        self.used
    }

    /// The slot of a state that lies in a grid, or where it goes, which is told by [`Self::is_used`].
    pub fn find(&self, state: State) -> u32 {
        let key = self.key(state);
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.slots[at].key != key && self.slots[at].key >> STATE_BITS == self.search {
            at = (at + 1) & mask;
        }
        at as u32
    }

    /// Whether a state of this search is in a slot.
    pub fn is_used(&self, slot: u32) -> bool {
        self.slots[slot as usize].key >> STATE_BITS == self.search
    }

    pub fn get(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    pub fn close(&mut self, slot: u32) {
        self.slots[slot as usize].is_closed = true;
    }

    /// Writes a state to the slot that [`Self::find`] gave for it.
    pub fn set(&mut self, slot: u32, state: State, (cost, parent, by): (f32, u32, u32)) {
        self.used += usize::from(!self.is_used(slot));
        self.slots[slot as usize] = Slot { key: self.key(state), cost, parent, by, is_closed: false };
    }

    /// The state in a slot.
    pub fn state(&self, slot: u32) -> State {
        let key = self.slots[slot as usize].key;
        let cell = Cell::new((key >> 8 & 0x3FFF) as i32, (key >> 22 & 0x3FFF) as i32);
        State { cell, heading: key as u8 }
    }

    fn key(&self, State { cell, heading }: State) -> u64 {
        self.search << STATE_BITS | (cell.row as u64) << 22 | (cell.col as u64) << 8 | u64::from(heading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            searches in prop::collection::vec(prop::collection::vec((0..16_384_i32, 0..40_i32, 0..32_u8), 0..90), 1..4),
        ) {
            let mut table = StateTable::with_room(100);
            for states in searches {
                table.clear();
                let mut expected = HashMap::new();
                for (number, (col, row, heading)) in states.into_iter().enumerate() {
                    let state = State { cell: Cell::new(col, row), heading };
                    let slot = table.find(state);
                    prop_assert_eq!(table.is_used(slot), expected.contains_key(&state));
                    prop_assert!(table.has_room());
                    table.set(slot, state, (number as f32, NONE, 7));
                    expected.insert(state, number);
                }
                prop_assert_eq!(table.len(), expected.len());
                for (state, number) in expected {
                    let slot = table.find(state);
                    prop_assert!(table.is_used(slot));
                    prop_assert_eq!((table.state(slot), table.get(slot).cost as usize), (state, number));
                }
            }
        }
    }
}
