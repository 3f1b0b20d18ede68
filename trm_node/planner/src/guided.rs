//! What the guidance worker tells: guidance, what it is for, and what it took.

use std::time::Duration;

use trm_grid::costmap::Costmap;
use trm_grid::guidance::Guidance;
use trm_grid::units::Pose;
use trm_lattice::pose_guidance::PoseGuidance;

use crate::ask::Ask;
use crate::epoch::ToGo;
use crate::guides::Guides;

/// What guidance was computed for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// The goal that began this epoch.
    Goal(u64),
    /// Whoever has asked this.
    Ask(Ask),
}

/// Guidance, with the time it took and what it is for.
#[derive(Debug)]
pub struct Guided {
    /// The cost-to-go to the goal: see [`guide`](crate::target::guide). Empty where it tells of positions and headings alone.
    pub guidance: Vec<Guidance>,
    /// The cost-to-go over positions and headings, for a robot with a footprint. It comes after that over cells.
    pub poses: Option<Box<PoseGuidance>>,
    /// How long it took to compute.
    pub took: Duration,
    /// When the computation ended, as a reading of the worker's clock.
    pub done: Duration,
    /// What it was computed for.
    pub purpose: Purpose,
    /// The version of the costs that all of it was computed on; `None` along one way, and where it is right near the robot
    /// alone.
    pub version: Option<u64>,
    /// Counts what a worker delivers, from 1.
    pub number: u64,
}

impl Guided {
    /// What the way from a pose costs by the guidance over cells, if that knows one.
    #[must_use]
    pub fn to_go(&self, costmap: &Costmap, from: Pose) -> Option<ToGo> {
        let from = costmap.geometry().cell_at(from.point())?;
        let costs = self.guidance.iter().filter(|group| group.fits(costmap)).map(|group| group.cost_to_go(from));
        costs.filter(|cost| cost.is_finite()).reduce(f32::min).map(|cost| ToGo { from, cost })
    }

    /// Puts newer guidance in the place of older one for the same purpose, of which that part stays which is only in the older
    /// one. What is replaced is in `newer` afterwards.
    pub fn replace(older: &mut Option<Box<Self>>, newer: &mut Option<Box<Self>>) {
        match (older.as_deref_mut(), newer.as_deref_mut()) {
            (Some(older), Some(newer)) if newer.guidance.is_empty() && newer.poses.is_some() => {
                return std::mem::swap(&mut older.poses, &mut newer.poses);
            }
            (Some(older), Some(newer)) if newer.poses.is_none() => newer.poses = older.poses.take(),
            _ => {}
        }
        std::mem::swap(older, newer);
    }
}

impl<'a> From<Option<&'a Guided>> for Guides<'a> {
    fn from(guided: Option<&'a Guided>) -> Self {
        guided.map_or_else(Self::default, |guided| Self { cells: &guided.guidance, poses: guided.poses.as_deref() })
    }
}
