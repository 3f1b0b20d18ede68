//! Costmaps, a clock and a backend for the planner's tests.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trm_config::{Config, GridKind};
use trm_grid::costmap::Costmap;
use trm_grid::costmap_builder::build;
use trm_grid::geometry::Geometry;
use trm_grid::occupancy::OccupancyGrid;
use trm_grid::units::{CellPoint, Point, Pose};
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::encode::CHANNELS;
use trm_net::error::InferenceError;
use trm_net::graphs::{Graphs, Shape, Update};
use trm_net::host::HostBackend;
use trm_planner::halt::deadline::Clock;

pub fn bundle() -> Bundle {
    Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/bundles/nav_d32"))
        .expect("the released bundle is valid")
}

/// A backend of the released bundle's recursion on other graphs.
pub fn backend(graphs: impl Graphs + 'static) -> Box<dyn Backend> {
    Box::new(HostBackend::new(&bundle(), Box::new(graphs)))
}

/// The costmap of a raw map drawn as text, the first row at the origin. `#` is occupied, `?` unknown, anything else
/// free.
pub fn costmap(config: &Config, resolution: f64, rows: &[String]) -> Costmap {
    costmap_at(config, resolution, Pose::new(-1.0, 2.0, 0.3), rows)
}

/// The same with the grid's origin.
pub fn costmap_at(config: &Config, resolution: f64, origin: Pose, rows: &[String]) -> Costmap {
    let geometry = Geometry::new(rows[0].len() as u32, rows.len() as u32, resolution, origin).expect("a grid");
    let value = |c: char| match c {
        '#' => 100,
        '?' => -1,
        _ => 0,
    };
    let data = rows.iter().flat_map(|row| row.chars().map(value)).collect();
    build(&config.grid, GridKind::Map, OccupancyGrid::new(geometry, data).expect("legal values"))
}

/// The pose in the map frame at a point in cells.
pub fn pose(costmap: &Costmap, col: f64, row: f64, yaw: f64) -> Pose {
    let Point { x, y } = costmap.geometry().to_point(CellPoint::new(col, row));
    Pose::new(x, y, yaw)
}

/// A clock that only advances when told to.
#[derive(Clone, Default)]
pub struct Simulated(Arc<AtomicU64>);

impl Simulated {
    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for Simulated {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A clock that goes on by itself, with each reading.
#[derive(Default)]
pub struct Running(Cell<Duration>);

impl Clock for Running {
    fn now(&self) -> Duration {
        self.0.set(self.0.get() + Duration::from_micros(10));
        self.0.get()
    }
}

/// A model that knows nothing: it considers every move equally good or, if `stubborn`, always prefers the first one.
/// Each application takes `net_us` microseconds of the simulated clock, which may change between plans. Allocates
/// nothing.
pub struct Ignorant {
    pub clock: Simulated,
    pub net_us: Arc<AtomicU64>,
    pub stubborn: bool,
    pub size: usize,
}

impl Graphs for Ignorant {
    fn shape(&self) -> Shape {
        Shape { size: self.size, patch: 2, hidden: 32, channels: CHANNELS.len(), prefix: 0 }
    }

    fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        x.fill(0.5);
        Ok(())
    }

    fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        self.clock.pass(Duration::from_micros(self.net_us.load(Ordering::Relaxed)));
        for (out, s) in out.iter_mut().zip(s) {
            *out = -s;
        }
        Ok(1.0)
    }

    fn decode(&mut self, _: &[f32], _: &[f32], moves: &mut [f32]) -> Result<f32, InferenceError> {
        moves.fill(0.0);
        if self.stubborn {
            moves[..self.size * self.size].fill(1000.0);
        }
        Ok(0.0)
    }
}
