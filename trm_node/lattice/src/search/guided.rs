//! The way that guidance over positions and headings tells.

use trm_grid::units::Cell;

use super::draft::Draft;
use super::{Arrival, Last, NONE, Outcome, Request, STRIDE, Search, World};
use crate::clearance::Clearance;
use crate::connect::{Around, Connector};
use crate::curves::{Curve, cheapest};
use crate::pose_guidance::{OnGround, PoseGuidance};
use crate::roll_out::roll_out;
use crate::tariff::curve_cost;

/// How the best way begins that was found so far.
enum Begins {
    At(Connector),
    /// Straight to the goal.
    Straight(Curve),
}

impl<'a, W: Fn(Cell) -> f32, H: Fn(Cell) -> f32> World<'a, W, H> {
    /// The guidance over positions and headings to a request's goal.
    pub(super) fn guidance_to(&self, request: &Request) -> Option<&'a PoseGuidance> {
        self.poses.filter(|poses| poses.goal() == request.goal)
    }
}

impl Search {
    /// Takes the way that the guidance tells, if that is clear on the present costs.
    pub(super) fn follow(
        &mut self,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Outcome> {
        let poses = world.guidance_to(request).filter(|poses| self.followed != Some(poses.key()))?;
        let begins = match self.best_start(poses, world, request, clearance, may_go_on) {
            Ok(begins) => begins,
            Err(outcome) => return Some(outcome),
        };
        self.followed = Some(poses.key());
        let arrival = match begins? {
            (cost, Begins::Straight(curve)) => Arrival { cost, parent: NONE, last: Last::Curve(Some(curve)) },
            (cost, Begins::At(start)) => {
                let is_clear = |edge: &_, from| world.is_clear(edge, from);
                let ground = OnGround { guidance: poses, weight: &world.weight, is_clear };
                if !roll_out(&ground, world.lattice, start.state, &mut self.steps) {
                    return None;
                }
                let last = self.steps.last().map_or(start.state, |step| step.end(world.lattice));
                let end = poses.end(last)?;
                if end.curve.as_ref().is_some_and(|curve| !clearance.is_clear_along(curve)) {
                    return None;
                }
                let parent = self.states.find(start.state);
                self.states.set(parent, start.state, (start.cost, NONE, self.starts.len() as u32));
                self.starts.push(start);
                Arrival { cost, parent, last: Last::Guidance(end.curve.clone()) }
            }
        };
        let cost = arrival.cost;
        self.arrival = Some(arrival);
        Some(Outcome::Found(cost))
    }

    /// The cheapest way to begin, with its cost to the goal; `None` if there is none.
    fn best_start(
        &mut self,
        poses: &PoseGuidance,
        world: &World<impl Fn(Cell) -> f32, impl Fn(Cell) -> f32>,
        request: &Request,
        clearance: &Clearance,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<(f32, Begins)>, Outcome> {
        let Some(around) = Around::new(request.start, world.lattice) else { return Ok(None) };
        let motion = world.lattice.motion();
        let mut best = None;
        if clearance.is_clear_at(request.goal)
            && let Some(curve) = cheapest(request.start, request.goal, motion)
            && self.escape.allows(&curve, clearance)
        {
            best = Some((curve_cost(&curve, motion, &world.weight) as f32, Begins::Straight(curve)));
        }
        // The most promising first. Without obstacles no way is shorter than the straight line, nor than the cheapest curve,
        // which is only looked at where its turn comes.
        self.drafts.clear();
        for number in 0..around.count() {
            let state = around.state(number);
            if let Some(rest) = poses.cost_to_go(state) {
                let least = rest + state.cell.center().distance(request.start.at()) as f32;
                self.drafts.push(Draft { least, number: number as u32, has_curve: false });
            }
        }
        let mut looks = 0;
        while let Some(draft) =
            self.drafts.pop().filter(|draft| best.as_ref().is_none_or(|(cost, _)| draft.least < *cost))
        {
            looks += 1;
            if looks % STRIDE == 0 && !may_go_on() {
                return Err(Outcome::Interrupted);
            }
            let state = around.state(draft.number as usize);
            let rest = poses.cost_to_go(state).unwrap_or(f32::INFINITY);
            if !draft.has_curve {
                let least = around.least_cost_to(state, world.lattice).map(|least| rest + least);
                self.drafts.extend(least.map(|least| Draft { least, has_curve: true, ..draft }));
                continue;
            }
            let Some(start) = around.to(state, world.lattice, clearance, &self.escape, &world.weight) else { continue };
            let cost = start.cost + rest;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, Begins::At(start)));
            }
        }
        Ok(best)
    }
}
