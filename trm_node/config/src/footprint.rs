//! The outline of a robot, as Nav2's users write it.

use std::fmt;

/// The greatest number of corners: a check goes through all of them.
pub const MAX_CORNERS: usize = 64;
/// The greatest distance of a corner from the robot's base, in metres.
pub const MAX_REACH: f64 = 20.0;
/// How far the corners are moved outwards by default, in metres, as by Nav2's costmaps.
pub const DEFAULT_PADDING: f64 = 0.01;
/// The greatest padding, in metres.
pub const MAX_PADDING: f64 = 1.0;

/// Why a text or a list of points is no footprint.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FootprintError {
    /// It isn't of the form `[[x1, y1], [x2, y2], …]`.
    #[error("not of the form [[x1, y1], [x2, y2], [x3, y3], ...], at character {0}")]
    Syntax(usize),
    /// It has too few corners for an area, or more than [`MAX_CORNERS`].
    #[error("of {0} points, not of 3 to {MAX_CORNERS}")]
    Corners(usize),
    /// A coordinate isn't finite, or beyond [`MAX_REACH`].
    #[error("not within {MAX_REACH} m of the base: point {at} is ({x}, {y})")]
    Reach {
        /// The number of the point, from 0.
        at: usize,
        /// Its coordinates in metres.
        x: f64,
        /// See `x`.
        y: f64,
    },
    /// Two of its sides touch or cross.
    #[error("not simple: the sides after points {0} and {1} meet")]
    Crosses(usize, usize),
}

/// A simple polygon around the robot, in its base frame: x forward, y left, in metres. Counter-clockwise.
///
/// ```
/// use trm_config::footprint::Footprint;
///
/// // A car of 0.9 m x 0.62 m whose base is at the rear axle.
/// let car: Footprint = "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]".parse()?;
/// assert!((car.inscribed_radius() - 0.2).abs() < 1e-9);
/// assert!((car.circumscribed_radius() - 0.7_f64.hypot(0.31)).abs() < 1e-9);
/// assert_eq!(car.padded(0.01).circumscribed_radius(), 0.71_f64.hypot(0.32));
///
/// let error = "[[0.1, 0.1], [0.2]]".parse::<Footprint>().unwrap_err().to_string();
/// assert_eq!(error, "not of the form [[x1, y1], [x2, y2], [x3, y3], ...], at character 17");
/// # Ok::<(), trm_config::footprint::FootprintError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Footprint {
    corners: Vec<[f64; 2]>,
}

impl Footprint {
    /// Checks the corners of a polygon, and brings them into counter-clockwise order.
    ///
    /// # Errors
    /// [`FootprintError`] if they are no simple polygon of a robot's size.
    pub fn new(corners: &[[f64; 2]]) -> Result<Self, FootprintError> {
        if !(3..=MAX_CORNERS).contains(&corners.len()) {
            return Err(FootprintError::Corners(corners.len()));
        }
        // NaN is nowhere near.
        let is_near = |[x, y]: &[f64; 2]| x.abs() <= MAX_REACH && y.abs() <= MAX_REACH;
        if let Some(at) = corners.iter().position(|corner| !is_near(corner)) {
            let [x, y] = corners[at];
            return Err(FootprintError::Reach { at, x, y });
        }
        if let Some((one, other)) = crossing(corners) {
            return Err(FootprintError::Crosses(one, other));
        }
        let mut corners = corners.to_vec();
        if area(&corners) < 0.0 {
            corners.reverse();
        }
        Ok(Self { corners })
    }

    /// The corners, counter-clockwise, in metres.
    #[must_use]
    pub fn corners(&self) -> &[[f64; 2]] {
        &self.corners
    }

    /// The sides, each from a corner to the next.
    pub fn sides(&self) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().copied().zip(next.copied())
    }

    /// Each corner moved away from both axes by `padding` metres, as Nav2's `footprint_padding` does it; the footprint
    /// itself if that makes no simple polygon.
    #[must_use]
    pub fn padded(&self, padding: f64) -> Self {
        let away = |value: f64| if value == 0.0 { value } else { value + padding.copysign(value) };
        let corners: Vec<_> = self.corners.iter().map(|[x, y]| [away(*x), away(*y)]).collect();
        Self::new(&corners).unwrap_or_else(|_| self.clone())
    }

    /// The radius of the largest disc around the base inside the polygon; 0 if the base is outside.
    #[must_use]
    pub fn inscribed_radius(&self) -> f64 {
        if !self.contains_base() {
            return 0.0;
        }
        self.sides().map(|(from, to)| distance(from, to)).fold(f64::INFINITY, f64::min)
    }

    /// The radius of the smallest disc around the base that holds the polygon.
    #[must_use]
    pub fn circumscribed_radius(&self) -> f64 {
        self.corners.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max)
    }

    /// Whether the base, the origin, is inside.
    #[must_use]
    pub fn contains_base(&self) -> bool {
        let crosses = |(from, to): &([f64; 2], [f64; 2])| {
            (from[1] > 0.0) != (to[1] > 0.0) && {
                let share = from[1] / (from[1] - to[1]);
                from[0] + share * (to[0] - from[0]) > 0.0
            }
        };
        self.sides().filter(crosses).count() % 2 == 1
    }
}

impl std::str::FromStr for Footprint {
    type Err = FootprintError;

    fn from_str(text: &str) -> Result<Self, FootprintError> {
        let mut reader = Reader { text, at: 0 };
        let corners = reader.list(|reader| {
            let at = reader.at;
            let numbers = reader.list(Reader::number)?;
            <[f64; 2]>::try_from(numbers).map_err(|_| FootprintError::Syntax(at.max(reader.at - 1)))
        })?;
        match reader.next() {
            None => Self::new(&corners),
            Some(_) => Err(FootprintError::Syntax(reader.at)),
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut before = "[";
        for [x, y] in &self.corners {
            write!(f, "{before}[{x}, {y}]")?;
            before = ", ";
        }
        write!(f, "]")
    }
}

/// Reads the text of a footprint.
struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
}

impl Reader<'_> {
    /// The next character that isn't white space.
    fn next(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> Result<(), FootprintError> {
        if self.next() != Some(wanted) {
            return Err(FootprintError::Syntax(self.at));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    /// Items in square brackets with commas between them; no more than anyone could want.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, FootprintError>) -> Result<Vec<T>, FootprintError> {
        self.take('[')?;
        let mut items = vec![item(self)?];
        while self.next() == Some(',') {
            self.take(',')?;
            items.push(item(self)?);
            if items.len() > 10 * MAX_CORNERS {
                return Err(FootprintError::Corners(items.len()));
            }
        }
        self.take(']')?;
        Ok(items)
    }

    fn number(&mut self) -> Result<f64, FootprintError> {
        self.next();
        let rest = &self.text[self.at..];
        let length = rest.find([',', ']', '[']).unwrap_or(rest.len());
        let number = rest[..length].trim_end().parse().map_err(|_| FootprintError::Syntax(self.at))?;
        self.at += length;
        Ok(number)
    }
}

/// Twice the signed area: positive if counter-clockwise.
fn area(corners: &[[f64; 2]]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

/// The distance from the origin to a line.
fn distance(from: [f64; 2], to: [f64; 2]) -> f64 {
    let [x, y] = [to[0] - from[0], to[1] - from[1]];
    let share = (-(from[0] * x + from[1] * y) / (x * x + y * y)).clamp(0.0, 1.0);
    (from[0] + share * x).hypot(from[1] + share * y)
}

/// On which side of the line through `a` and `b` a point is: the sign says it, 0 means on the line.
fn side(a: [f64; 2], b: [f64; 2], point: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
}

/// Two sides that have more in common than neighbours have, if any.
#[expect(clippy::float_cmp, reason = "the same corner twice, as it came")]
fn crossing(corners: &[[f64; 2]]) -> Option<(usize, usize)> {
    let count = corners.len();
    let ends = |at: usize| (corners[at], corners[(at + 1) % count]);
    let meet = |one: usize, other: usize| {
        let ((a, b), (c, d)) = (ends(one), ends(other));
        if one == other {
            return a == b;
        }
        // Neighbours share a corner; they may not lie on each other.
        if (one + 1) % count == other || (other + 1) % count == one {
            let (end, shared, start) = if (one + 1) % count == other { (a, b, d) } else { (c, d, b) };
            let folds =
                (end[0] - shared[0]) * (start[0] - shared[0]) + (end[1] - shared[1]) * (start[1] - shared[1]) > 0.0;
            return side(end, shared, start) == 0.0 && folds;
        }
        let boxes = (0..2)
            .all(|axis| a[axis].min(b[axis]) <= c[axis].max(d[axis]) && c[axis].min(d[axis]) <= a[axis].max(b[axis]));
        boxes && side(a, b, c) * side(a, b, d) <= 0.0 && side(c, d, a) * side(c, d, b) <= 0.0
    };
    (0..count).flat_map(|one| (one..count).map(move |other| (one, other))).find(|(one, other)| meet(*one, *other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_nav2_takes_are_read() {
        for text in ["[[1,1],[-1,1],[-1,-1]]", " [ [1.0, 1.] ,[ -1e0, +1],\t[-1, -1] ] "] {
            let read: Footprint = text.parse().unwrap();
            assert_eq!(read.corners(), [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]], "{text}");
        }
        let clockwise: Footprint = "[[-1, -1], [-1, 1], [1, 1]]".parse().unwrap();
        assert_eq!(clockwise.corners(), [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]);
        assert_eq!(clockwise.to_string(), "[[1, 1], [-1, 1], [-1, -1]]");
    }

    #[test]
    fn what_is_no_polygon_is_refused_with_where_and_what() {
        let error = |text: &str| text.parse::<Footprint>().unwrap_err().to_string();
        for (text, at) in [
            ("", 0),
            ("[]", 1),
            ("[[1, 1], [2, 2], [3, 1]", 23),
            ("[[1, 1], [2, x], [3, 1]]", 13),
            ("[[1, 1], [2, 2], [3, 1]] ,", 25),
            ("[[1, 1, 1], [2, 2, 1], [3, 1, 1]]", 9),
            ("0.3", 0),
        ] {
            assert_eq!(
                error(text),
                format!("not of the form [[x1, y1], [x2, y2], [x3, y3], ...], at character {at}"),
                "{text}"
            );
        }
        assert_eq!(error("[[1, 1], [2, 2]]"), "of 2 points, not of 3 to 64");
        assert_eq!(error("[[1, 1], [nan, 2], [3, 1]]"), "not within 20 m of the base: point 1 is (NaN, 2)");
        assert_eq!(error("[[1, 1], [2, 2], [3, -inf]]"), "not within 20 m of the base: point 2 is (3, -inf)");
        assert_eq!(error("[[1, 1], [-1, -1], [1, -1], [-1, 1]]"), "not simple: the sides after points 0 and 2 meet");
        assert_eq!(error("[[1, 1], [1, 1], [-1, -1]]"), "not simple: the sides after points 0 and 0 meet");
        assert_eq!(error("[[0, 0], [1, 1], [2, 2]]"), "not simple: the sides after points 0 and 2 meet");
        assert_eq!(error("[[0, 0], [2, 0], [1, 0], [1, 1]]"), "not simple: the sides after points 0 and 1 meet");
        assert!(error(&format!("[{}[1, 1]]", "[1, 1],".repeat(100_000))).starts_with("of 641 points"));
    }

    #[test]
    fn a_base_outside_has_no_inscribed_disc() {
        let arm: Footprint = "[[1, 1], [0.5, 1], [0.5, -1], [1, -1]]".parse().unwrap();
        assert!(!arm.contains_base());
        assert!(arm.inscribed_radius() <= 0.0);
        let notched: Footprint = "[[1, 1], [-1, 1], [-1, -1], [1, -1], [0.25, 0]]".parse().unwrap();
        assert!(notched.contains_base() && (notched.inscribed_radius() - 0.25).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            radii in proptest::collection::vec(0.01..5.0_f64, 3..20), padding in 0.0..0.5_f64,
        ) {
            let turn = std::f64::consts::TAU / radii.len() as f64;
            let corners: Vec<_> = radii.iter().enumerate().map(|(at, radius)| {
                let (sin, cos) = (turn * at as f64).sin_cos();
                [radius * cos, radius * sin]
            }).collect();
            let star = Footprint::new(&corners).unwrap();
            prop_assert_eq!(&star.to_string().parse::<Footprint>().unwrap(), &star);
            prop_assert!(star.inscribed_radius() <= star.circumscribed_radius());
            prop_assert!(star.padded(padding).circumscribed_radius() >= star.circumscribed_radius());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\], 0-9.e+-]{0,40}") {
            let _ = text.parse::<Footprint>();
        }
    }
}
