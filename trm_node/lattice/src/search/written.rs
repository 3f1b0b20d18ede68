//! The path that a search has found, as poses.

use super::{Last, NONE, Search};
use crate::curves::Curve;
use crate::lattice::{Lattice, State};
use crate::path::PathPose;
use crate::roll_out::Step;

impl Search {
    /// Writes the path of the last outcome that was [`Outcome::Found`](super::Outcome::Found), from the exact start to the goal, in place of what
    /// was in `path`. Neighbouring poses are at most a cell apart. Never allocates; `false` if there is no path, or if the
    /// path's capacity is too small.
    pub fn path(&mut self, lattice: &Lattice, path: &mut Vec<PathPose>) -> bool {
        path.clear();
        let Some(arrival) = self.arrival.clone() else { return false };
        self.chain.clear();
        let mut slot = arrival.parent;
        while slot != NONE {
            if self.chain.len() == self.chain.capacity() {
                return false;
            }
            self.chain.push(slot);
            slot = self.states.get(slot).parent;
        }
        for slot in self.chain.iter().rev().map(|slot| *self.states.get(*slot)) {
            let is_written = if slot.parent == NONE {
                self.starts[slot.by as usize].curve.as_ref().is_none_or(|curve| append(curve, path))
            } else {
                let edge = &lattice.edges()[slot.by as usize];
                let from = self.states.state(slot.parent).cell;
                lattice.poses(edge, from).skip(1).all(|pose| push(PathPose { pose, travel: edge.travel }, path))
            };
            if !is_written {
                return false;
            }
        }
        let is_written = match &arrival.last {
            Last::Curve(curve) => curve.as_ref().is_none_or(|curve| append(curve, path)),
            Last::Field => self.append_way(self.states.state(arrival.parent), lattice, path),
            Last::Guidance(curve) => {
                append_steps(&self.steps, lattice, path) && curve.as_ref().is_none_or(|curve| append(curve, path))
            }
        };
        if !is_written {
            return false;
        }
        // At the start it is told how the robot leaves.
        if let [first, second, ..] = path.as_mut_slice() {
            first.travel = second.travel;
        }
        true
    }

    /// Writes the way along the field around the goal.
    fn append_way(&mut self, from: State, lattice: &Lattice, path: &mut Vec<PathPose>) -> bool {
        let Some(steps) = self.goal_field.way(from) else { return false };
        if !append_steps(steps, lattice, path) {
            return false;
        }
        let last = steps.last().map_or(from, |step| step.end(lattice));
        let Ok(at) = self.ends.binary_search_by_key(&last, |end| end.state) else { return false };
        self.ends[at].curve.as_ref().is_none_or(|curve| append(curve, path))
    }
}

/// Adds a curve to a path that ends where it begins.
fn append(curve: &Curve, path: &mut Vec<PathPose>) -> bool {
    let mut is_first = !path.is_empty();
    curve.all_samples(|sample| std::mem::take(&mut is_first) || push(sample, path))
}

/// Adds steps to a path that ends where they begin.
fn append_steps(steps: &[Step], lattice: &Lattice, path: &mut Vec<PathPose>) -> bool {
    steps.iter().all(|step| {
        let edge = &lattice.edges()[step.edge as usize];
        let mut poses = lattice.poses(edge, step.from.cell).skip(1);
        poses.all(|pose| push(PathPose { pose, travel: edge.travel }, path))
    })
}

fn push(pose: PathPose, path: &mut Vec<PathPose>) -> bool {
    let fits = path.len() < path.capacity();
    if fits {
        path.push(pose);
    }
    fits
}
