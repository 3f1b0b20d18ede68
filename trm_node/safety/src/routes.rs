//! The routes that a planner keeps, and where paths go over into them.

use trm_grid::costmap::Costmap;
use trm_grid::travel::Travel;

use crate::route::Route;

/// Where a path goes over into a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Junction {
    /// Which one of [`Routes`].
    route: usize,
    /// The route's corner where that is.
    pub corner: usize,
}

impl Junction {
    /// Another corner of the same route.
    #[must_use]
    pub const fn at(self, corner: usize) -> Self {
        Self { corner, ..self }
    }
}

/// The route of the published path, and one more: that which a new path leads to.
#[derive(Debug, Default)]
pub struct Routes([Route; 2]);

impl Routes {
    /// Makes room for routes of `corners` corners.
    pub fn reserve(&mut self, corners: usize) {
        self.0.iter_mut().for_each(|route| route.reserve(corners));
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Route::clear);
    }

    /// Checks what may have changed since they were checked last.
    pub fn recheck(&mut self, costmap: &Costmap, travel: Travel) {
        self.0.iter_mut().for_each(|route| route.recheck(costmap, travel));
    }

    /// The route of a junction.
    #[must_use]
    pub const fn of(&self, junction: Junction) -> &Route {
        &self.0[junction.route]
    }

    /// Each route with its first corner.
    pub fn iter(&self) -> impl Iterator<Item = (&Route, Junction)> {
        self.0.iter().enumerate().map(|(at, route)| (route, Junction { route: at, corner: 0 }))
    }

    /// The route that none of these junctions needs, to be drawn anew; its first corner; and the other route. `None` when
    /// both are needed.
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
