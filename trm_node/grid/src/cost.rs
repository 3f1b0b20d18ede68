//! Cost values, encoded as in a published Nav2 costmap: 0 free, 1 to 98 inflated, 99 inscribed, 100 lethal, 255
//! unknown.

/// The robot's centre must not be here: an obstacle is within its radius.
pub const INSCRIBED: u8 = 99;
/// An obstacle is in this cell.
pub const LETHAL: u8 = 100;
/// Nothing is known about this cell (−1 in messages).
pub const UNKNOWN: u8 = 255;

/// Whether the robot's centre may be in a cell of this cost.
#[must_use]
pub const fn is_free(cost: u8, allow_unknown: bool) -> bool {
    cost < INSCRIBED || (allow_unknown && cost == UNKNOWN)
}
