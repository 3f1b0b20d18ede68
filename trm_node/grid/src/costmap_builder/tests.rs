//! Costs that are built, changed and rebuilt.

use super::*;
use crate::cost::INSCRIBED;
use crate::costmap::REMEMBERED;
use crate::units::{Cell, Pose};
use proptest::prelude::*;
use proptest::sample::Index;

fn grid(width: u32, height: u32, data: Vec<i8>) -> OccupancyGrid {
    OccupancyGrid::new(Geometry::new(width, height, 0.1, Pose::default()).unwrap(), data).unwrap()
}

/// A builder with computed costs, and a copy of them.
fn builder(kind: GridKind, grid: OccupancyGrid) -> (CostmapBuilder, Option<Box<Costmap>>) {
    let mut builder = CostmapBuilder::new(&GridConfig::default(), kind);
    builder.take_grid(grid);
    let mut copy = None;
    let first = builder.refresh_to_end().unwrap();
    assert!(matches!(first, GridChange::Whole(_)));
    assert_eq!(first.apply(&mut copy), None, "nothing to free yet");
    assert_eq!(copy.as_deref(), builder.costmap());
    (builder, copy)
}

fn one(col: i32, row: i32) -> Rect {
    Rect { col, row, width: 1, height: 1 }
}

/// The change that an update of one cell causes.
fn set(builder: &mut CostmapBuilder, col: i32, row: i32, value: i8) -> Option<GridChange> {
    builder.take_update(one(col, row), &[value]).unwrap();
    builder.refresh_to_end()
}

#[test]
fn a_map_is_thresholded_and_inflated() {
    let mut data = vec![0; 81];
    data[40] = 65;
    data[0] = 64;
    data[80] = -1;
    let config = GridConfig { robot_radius: 0.2, inflation_radius: 0.3, ..GridConfig::default() };
    let costmap = build(&config, GridKind::Map, grid(9, 9, data));
    let cost = |col, row| costmap.cost(Cell::new(col, row)).unwrap();
    assert_eq!(cost(4, 4), LETHAL);
    assert_eq!(cost(6, 4), INSCRIBED, "0.2 m away");
    assert!((1..INSCRIBED).contains(&cost(6, 5)), "0.22 m away");
    assert_eq!(cost(8, 4), 0);
    assert_eq!(cost(0, 0), 0);
    assert_eq!(cost(8, 8), UNKNOWN);
    assert_eq!(costmap.cost(Cell::new(9, 0)), None);
}

#[test]
fn the_values_of_a_costmap_are_kept() {
    let costmap = build(&GridConfig::default(), GridKind::Costmap, grid(2, 2, vec![0, 99, 100, -1]));
    assert_eq!(costmap.costs(), [0, INSCRIBED, LETHAL, UNKNOWN]);
    assert!(!costmap.is_free(Cell::new(1, 0), true));
    assert!(costmap.is_free(Cell::new(1, 1), true));
    assert!(!costmap.is_free(Cell::new(1, 1), false));
}

#[test]
fn parameters_that_change_no_cost_make_nothing_due() {
    let config = GridConfig { robot_radius: 0.4, ..GridConfig::default() };
    let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
    builder.configure(&config);
    assert!(!builder.is_due() && builder.refresh_to_end().is_none(), "no grid yet");
    builder.take_grid(grid(9, 9, vec![0; 81]));
    builder.refresh_to_end();
    builder.configure(&GridConfig { cost_travel_multiplier: 7.0, ..config.clone() });
    // The cost ends before the radius: 252 · exp(−10 · d) < 1 from d = 0.553 m on.
    builder.configure(&GridConfig { inflation_radius: 3.0, ..config.clone() });
    builder.configure(&GridConfig { inflation_radius: 4.0, ..config.clone() });
    assert!(builder.is_due(), "from 0.55 m to 3 m");
    builder.refresh_to_end();
    builder.configure(&GridConfig { inflation_radius: 5.0, ..config.clone() });
    assert!(!builder.is_due());
    builder.configure(&GridConfig { occupied_threshold: 50, ..config });
    assert!(builder.is_due());

    let (mut builder, _) = self::builder(GridKind::Costmap, grid(9, 9, vec![0; 81]));
    builder.configure(&GridConfig { robot_radius: 1.0, occupied_threshold: 50, ..GridConfig::default() });
    assert!(!builder.is_due(), "a costmap is inflated already");
}

#[test]
fn a_rebuilder_s_costs_are_adopted_with_what_was_taken_meanwhile_unless_the_grid_was_resized() {
    let mut data = vec![0; 900];
    data[310] = 100;
    let (mut builder, mut copy) = builder(GridKind::Map, grid(30, 30, data.clone()));
    let config = GridConfig { robot_radius: 0.4, ..GridConfig::default() };
    drop(set(&mut builder, 3, 3, 100).unwrap().apply(&mut copy));
    let mut other = builder.rebuilder(&config);
    assert_eq!(builder.config(), &GridConfig::default());
    let patch = set(&mut builder, 20, 20, 100).unwrap();
    assert!(matches!(patch, GridChange::Patch(_)), "the present parameters go on");
    drop(patch.apply(&mut copy));
    builder.take_update(one(25, 5), &[-1]).unwrap();
    other.refresh_to_end();
    assert!(builder.adopt(other) && builder.is_due());
    let change = builder.refresh_to_end().unwrap();
    assert!(matches!(change, GridChange::Whole(_)));
    drop(change.apply(&mut copy));
    for (col, row, value) in [(3, 3, 100), (20, 20, 100), (25, 5, -1)] {
        data[row * 30 + col] = value;
    }
    let scratch = build(&config, GridKind::Map, grid(30, 30, data));
    assert_eq!(copy.as_ref().unwrap().costs(), scratch.costs());
    assert_eq!(copy.as_deref(), builder.costmap());
    assert!(builder.refresh_to_end().is_none() && !builder.is_due());
    let mut other = builder.rebuilder(&GridConfig::default());
    other.refresh_to_end();
    builder.take_grid(grid(20, 20, vec![0; 400]));
    assert!(!builder.adopt(other), "of another size");
    assert_eq!(builder.config(), &config);
}

#[test]
fn a_costmap_remembers_its_last_changes_and_knows_no_other_version() {
    let (mut builder, mut copy) = builder(GridKind::Costmap, grid(50, 50, vec![0; 2500]));
    let other = build(&GridConfig::default(), GridKind::Costmap, grid(50, 50, vec![0; 2500]));
    let version = |copy: &Option<Box<Costmap>>| copy.as_ref().unwrap().version();
    let mut versions = vec![version(&copy)];
    assert!(copy.as_ref().unwrap().changed_since(other.version()).is_none());
    assert!(copy.as_ref().unwrap().changed_since(0).is_none());
    for col in 0..20 {
        drop(set(&mut builder, col, 1, 100).unwrap().apply(&mut copy));
        versions.push(version(&copy));
        let since = |back: usize| copy.as_ref().unwrap().changed_since(versions[versions.len() - 1 - back]);
        assert_eq!(since(0), Some(&[][..]));
        assert_eq!(since(1).unwrap()[0].rect, one(col, 1));
        let back = versions.len() - 1;
        assert_eq!(since(back).map(<[_]>::len), (back <= REMEMBERED).then_some(back));
    }
    // The copy misses one patch, so it no longer knows what has changed.
    assert!(set(&mut builder, 3, 3, 100).is_some());
    drop(set(&mut builder, 4, 3, 100).unwrap().apply(&mut copy));
    assert!(copy.as_ref().unwrap().changed_since(versions[20]).is_none());
    assert!(builder.costmap().unwrap().changed_since(versions[20]).is_some_and(|changes| changes.len() == 2));
}

#[test]
fn a_grid_change_updates_a_copy_and_returns_what_it_replaces() {
    let (mut builder, mut copy) = builder(GridKind::Costmap, grid(70, 5, vec![0; 350]));
    let patch = set(&mut builder, 66, 1, 100).unwrap();
    let replaced = patch.clone().apply(&mut copy);
    assert_eq!(copy.as_deref(), builder.costmap());
    // The patch comes back with the old tile, whose last owner may be another thread.
    let (GridChange::Patch(patch), Some(GridChange::Patch(old))) = (patch, replaced) else {
        panic!("a patch returns a patch")
    };
    assert_eq!((patch.rect(), old.rect()), (one(66, 1), one(66, 1)));
    assert_ne!(old, patch);

    builder.take_grid(grid(3, 3, vec![1; 9]));
    let patched = copy.clone();
    let replaced = builder.refresh_to_end().unwrap().apply(&mut copy);
    assert_eq!(replaced, patched.map(GridChange::Whole));
    assert_eq!(copy.as_deref(), builder.costmap());
    assert_eq!(copy.unwrap().costs(), [1; 9]);
}

#[test]
fn a_patch_without_a_grid_is_returned_and_changes_nothing() {
    let (mut builder, _) = builder(GridKind::Costmap, grid(3, 3, vec![0; 9]));
    let change = set(&mut builder, 0, 0, 100).unwrap();
    let mut copy = None;
    assert_eq!(change.clone().apply(&mut copy), Some(change));
    assert_eq!(copy, None);
}

#[test]
fn an_update_that_does_not_fit_is_refused_and_changes_nothing() {
    let mut builder = CostmapBuilder::new(&GridConfig::default(), GridKind::Map);
    let error = builder.take_update(one(0, 0), &[0]).unwrap_err().to_string();
    assert_eq!(error, "grid refused: update is 1 x 1 cells, but no whole grid has come before it");
    builder.take_grid(grid(4, 4, vec![0; 16]));
    for _ in 0..2 {
        for rect in [(3, 0, 2, 1), (-1, 0, 2, 1), (0, 3, 1, 2), (i32::MAX, 0, u32::MAX, 1)] {
            let rect = Rect { col: rect.0, row: rect.1, width: rect.2, height: rect.3 };
            assert!(builder.take_update(rect, &[100, 100]).is_err());
        }
        assert!(builder.take_update(one(0, 0), &[101]).is_err());
        // First the grid waits, then it is received.
        builder.refresh_to_end();
        assert!(!builder.is_due());
    }
    assert_eq!(builder.costmap().unwrap().costs(), [0; 16]);
}

#[test]
fn a_change_of_most_tiles_is_a_whole_costmap_that_remembers() {
    let (mut builder, mut copy) = builder(GridKind::Costmap, grid(200, 200, vec![0; 40_000]));
    let first = copy.as_ref().unwrap().version();
    builder.take_update(one(0, 0), &[100]).unwrap();
    builder.take_update(one(199, 199), &[100]).unwrap();
    let scattered = builder.refresh_to_end().unwrap();
    assert!(matches!(&scattered, GridChange::Patch(_)) && scattered.rect().area() == 40_000);
    drop(scattered.apply(&mut copy));
    builder.take_grid(grid(200, 200, vec![1; 40_000]));
    let most = builder.refresh_to_end().unwrap();
    assert!(matches!(most, GridChange::Whole(_)) && most.rect().area() == 40_000);
    drop(most.apply(&mut copy));
    assert_eq!(copy.as_deref(), builder.costmap());
    assert_eq!(copy.unwrap().changed_since(first).map(<[_]>::len), Some(2));
}

#[test]
fn an_update_of_a_grid_that_is_taken_in_by_halves_is_not_lost() {
    let (width, height) = (100, 300);
    let data = |value| grid(width, height, vec![value; (width * height) as usize]);
    for questions in 0.. {
        let (mut builder, mut copy) = builder(GridKind::Costmap, data(0));
        builder.take_grid(data(7));
        let mut left = questions;
        let mut go_on = || {
            left -= i32::from(left > 0);
            left > 0
        };
        let is_done = builder.refresh(&mut go_on).map(|change| change.map(|change| change.apply(&mut copy))).is_ok();
        builder.take_update(one(3, 5), &[9]).unwrap();
        drop(builder.refresh_to_end().unwrap().apply(&mut copy));
        let costs = copy.unwrap().costs();
        assert!(costs.iter().enumerate().all(|(at, cost)| *cost == if at == 503 { 9 } else { 7 }));
        if is_done {
            assert!(questions > 20, "interrupted in each part of the work");
            break;
        }
    }
}

/// What may happen to a builder.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Another grid, of one of the geometries, with lethal and unknown cells by this seed.
    Grid(Index, u64),
    /// The grid that was taken last, with one value changed or none.
    Again(Index, i8),
    /// A rectangle of one value, by its first and last cell.
    Update(Index, Index, i8),
    Configure(Index),
    /// How many questions are answered with yes.
    Refresh(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let value = || prop_oneof![Just(0_i8), Just(100), Just(-1), 1..100_i8];
    let stop = prop_oneof![Just(usize::MAX), 0..40_usize];
    prop_oneof![
        1 => (any::<Index>(), any::<u64>()).prop_map(|(geometry, seed)| Event::Grid(geometry, seed)),
        2 => (any::<Index>(), value()).prop_map(|(at, value)| Event::Again(at, value)),
        4 => (any::<Index>(), any::<Index>(), value()).prop_map(|(a, b, value)| Event::Update(a, b, value)),
        1 => any::<Index>().prop_map(Event::Configure),
        4 => stop.prop_map(Event::Refresh),
    ]
}

fn geometries() -> [Geometry; 4] {
    [(100, 90, 0.1), (100, 90, 0.05), (64, 64, 0.1), (150, 70, 0.001)]
        .map(|(width, height, resolution)| Geometry::new(width, height, resolution, Pose::default()).unwrap())
}

fn configs() -> [GridConfig; 4] {
    [(0.15, 0.35, 10.0, 65), (0.15, 0.35, 10.0, 40), (0.0, 0.0, 10.0, 65), (0.3, 20.0, 0.1, 65)].map(
        |(robot_radius, inflation_radius, cost_scaling_factor, occupied_threshold)| GridConfig {
            robot_radius,
            inflation_radius,
            cost_scaling_factor,
            occupied_threshold,
            ..GridConfig::default()
        },
    )
}

/// One cell in thirty is lethal, or unknown.
fn drawn(geometry: Geometry, mut seed: u64) -> OccupancyGrid {
    let mut value = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        [100, -1].get((seed >> 33) as usize % 60).copied().unwrap_or(0)
    };
    OccupancyGrid::new(geometry, (0..geometry.cells()).map(|_| value()).collect()).unwrap()
}

/// A builder, a copy that applies all changes, and what the costs must be.
struct Check {
    builder: CostmapBuilder,
    copy: Option<Box<Costmap>>,
    kind: GridKind,
    config: GridConfig,
    grid: Option<OccupancyGrid>,
}

impl Check {
    fn happen(&mut self, event: Event) {
        match event {
            Event::Grid(geometry, seed) => self.take(drawn(*geometry.get(&geometries()), seed)),
            Event::Again(at, value) => {
                let Some(mut grid) = self.grid.clone() else { return };
                let cell = grid.geometry().cell(at.index(grid.geometry().cells()));
                grid.update(one(cell.col, cell.row), &[value]).unwrap();
                self.take(grid);
            }
            Event::Update(a, b, value) => {
                let Some(grid) = &mut self.grid else { return };
                let [a, b] = [a, b].map(|at| grid.geometry().cell(at.index(grid.geometry().cells())));
                let rect = one(a.col, a.row).including(one(b.col, b.row));
                // Not too large, or it would overwrite all that was drawn.
                let rect = Rect { width: rect.width.min(20), height: rect.height.min(9), ..rect };
                let values = vec![value; rect.area()];
                grid.update(rect, &values).unwrap();
                self.builder.take_update(rect, &values).unwrap();
            }
            Event::Configure(config) => {
                self.config = config.get(&configs()).clone();
                self.builder.configure(&self.config);
            }
            Event::Refresh(questions) => self.refresh(questions),
        }
    }

    fn take(&mut self, grid: OccupancyGrid) {
        self.grid = Some(grid.clone());
        self.builder.take_grid(grid);
    }

    fn refresh(&mut self, mut questions: usize) {
        let before = self.builder.costmap().cloned();
        let mut go_on = || {
            questions = questions.saturating_sub(1);
            questions > 0
        };
        let Ok(change) = self.builder.refresh(&mut go_on) else {
            assert!(self.builder.is_due());
            assert_eq!(self.builder.costmap(), before.as_ref());
            return;
        };
        assert!(!self.builder.is_due());
        let Some(grid) = &self.grid else { return assert!(change.is_none()) };
        let scratch = build(&self.config, self.kind, grid.clone());
        let same = before.filter(|before| before.geometry() == scratch.geometry());
        match &change {
            None => assert!(same.is_some_and(|same| same.costs() == scratch.costs())),
            Some(GridChange::Whole(_)) => assert!(same.is_none_or(|same| same.costs() != scratch.costs())),
            Some(GridChange::Patch(patch)) => {
                let (old, new) = (same.unwrap().costs(), scratch.costs());
                let cells = Rect::whole(scratch.geometry()).cells().zip(old.iter().zip(&new));
                let differing = cells.filter(|(_, (old, new))| old != new).map(|(cell, _)| one(cell.col, cell.row));
                assert_eq!(differing.reduce(Rect::including), Some(patch.rect()));
            }
        }
        if let Some(change) = change {
            let mut other = self.copy.clone();
            if let Some(copy) = &mut other {
                copy.apply(&change);
            }
            drop(change.apply(&mut self.copy));
            assert!(other.is_none_or(|other| Some(other) == self.copy), "however it is applied");
        }
        assert!(self.copy.as_deref() == self.builder.costmap(), "versions and remembered changes too");
        assert!(self.copy.as_ref().is_some_and(|copy| copy.costs() == scratch.costs()));
        assert!(self.copy.as_ref().is_some_and(|copy| copy.geometry() == scratch.geometry()));
    }
}

proptest! {
    #[test]
    fn changes_bring_a_copy_to_the_costs_of_a_new_builder_whatever_happens_and_wherever_it_is_interrupted(
        kind in prop_oneof![3 => Just(GridKind::Map), 1 => Just(GridKind::Costmap)],
        config in any::<Index>(), events in prop::collection::vec(event(), 1..30),
    ) {
        let config = config.get(&configs()).clone();
        let builder = CostmapBuilder::new(&config, kind);
        let mut check = Check { builder, copy: None, kind, config, grid: None };
        for event in events {
            check.happen(event);
        }
        check.happen(Event::Refresh(usize::MAX));
    }
}
