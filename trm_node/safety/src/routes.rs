//! The routes that a planner keeps, and the junctions where paths join them.

use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;

use crate::route::Route;

/// The corner of a route where a path joins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Junction {
    /// The index of the route in [`Routes`].
    route: usize,
    /// The index of the corner.
    pub corner: usize,
}

impl Junction {
    /// The junction at another corner of the same route.
    #[must_use]
    pub const fn at(self, corner: usize) -> Self {
        Self { corner, ..self }
    }
}

/// Two routes: that of the published path, and one for a new path.
#[derive(Debug, Default)]
pub struct Routes([Route; 2]);

impl Routes {
    /// Allocates memory for routes with `corners` corners.
    pub fn reserve(&mut self, corners: usize) {
        self.0.iter_mut().for_each(|route| route.reserve(corners));
    }

    /// Removes both routes.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Route::clear);
    }

    /// Brings the checks of both routes up to date: see [`Route::recheck`].
    pub fn recheck(&mut self, costmap: &Costmap, travel: Travel) {
        self.0.iter_mut().for_each(|route| route.recheck(costmap, travel));
    }

    /// The route of a junction.
    #[must_use]
    pub const fn of(&self, junction: Junction) -> &Route {
        &self.0[junction.route]
    }

    /// Both routes, each with the junction at its first corner.
    pub fn iter(&self) -> impl Iterator<Item = (&Route, Junction)> {
        self.0.iter().enumerate().map(|(at, route)| (route, Junction { route: at, corner: 0 }))
    }

    /// A route that none of the `needed` junctions uses and that may therefore be redrawn, the junction at its first
    /// corner, and the other route. `None` if both are in use.
    pub fn spare(&mut self, needed: [Option<Junction>; 2]) -> Option<(&mut Route, Junction, &Route)> {
        let is_free = |route: usize| needed.iter().flatten().all(|junction| junction.route != route);
        let [one, other] = &mut self.0;
        if is_free(0) {
            Some((one, Junction { route: 0, corner: 0 }, other))
        } else {
            is_free(1).then_some((other, Junction { route: 1, corner: 0 }, one))
        }
    }
}
