//! The font of plots. It is part of the program: a robot's computer may have no fonts.

use anyhow::anyhow;
use plotters::style::{FontStyle, register_font};

/// The family under which plots name the font.
pub const FAMILY: &str = "sans-serif";

/// Makes the font known to plotters. To be called before anything is drawn.
///
/// # Errors
/// When the font can't be read, which would be a defect.
pub fn register() -> anyhow::Result<()> {
    register_font(FAMILY, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| anyhow!("the font of plots can't be read"))
}
