//! Which robots a campaign is about.

use serde::{Deserialize, Serialize};

/// The robots of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Robots {
    /// Discs, which the model plans for.
    #[default]
    Discs,
    /// Robots with a footprint, of all motion models.
    Footprints,
}

impl Robots {
    /// The robots that the flag `--footprints` asks for.
    pub const fn of_flag(footprints: bool) -> Self {
        if footprints { Self::Footprints } else { Self::Discs }
    }

    /// How many worlds are played between two writings of the state: some tens of seconds' work.
    pub const fn block(self) -> u64 {
        match self {
            Self::Discs => 1000,
            Self::Footprints => 100,
        }
    }

    /// What the command line needs for these robots.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Discs => "",
            Self::Footprints => " --footprints",
        }
    }
}
