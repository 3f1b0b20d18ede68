//! The errands: maps, people's ground on them, and the model. An errand is a pure function of seed and number.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use trm_net::bundle::Bundle;
use trm_net::registry::fastest;

use crate::drive::people::Ground;
use crate::drive::policy::Policy;
use crate::drive::run::{Kit, Outcome, Run};
use crate::drive::site::Site;
use crate::lent::Lent;
use crate::worlds::map_set::named_files;
use crate::worlds::random::Random;

/// One errand in so many can't be done.
const OUT_OF_REACH_EVERY: usize = 8;

/// Maps, people's ground on them, and the model.
pub struct Course {
    pub sites: Vec<(Site, Ground)>,
    bundle: Bundle,
    seed: u64,
    people: usize,
}

impl Course {
    /// The maps of a folder.
    ///
    /// # Errors
    /// When one, or the model, can't be read; names the file.
    pub fn load(maps: &Path, bundle: Option<&Path>, (seed, people): (u64, usize)) -> anyhow::Result<Self> {
        let config = Policy::Node.config();
        let maps = named_files(maps)?;
        let site = |(name, file): &(String, PathBuf)| -> anyhow::Result<(Site, Ground)> {
            let site = Site::load(name, file, &config)?;
            let ground = Ground::of(&site);
            Ok((site, ground))
        };
        let sites = maps.iter().map(site).collect::<anyhow::Result<_>>()?;
        Ok(Self { sites, bundle: crate::args::bundle(bundle)?, seed, people })
    }

    /// A model of a thread's own.
    ///
    /// # Errors
    /// When the model can't be run.
    pub fn graphs(&self) -> anyhow::Result<Lent> {
        Ok(Lent::new(fastest(&self.bundle, Policy::Node.config().planner.window_size as usize)?))
    }

    /// What comes of these errands, for each policy.
    ///
    /// # Errors
    /// When the model can't be run.
    pub fn outcomes(&self, numbers: &[usize]) -> anyhow::Result<Vec<Vec<Outcome>>> {
        let play = |policy: Policy| {
            let drive = |graphs: &mut anyhow::Result<Lent>, number: &usize| -> anyhow::Result<Outcome> {
                let graphs = graphs.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
                Ok(self.begin(*number, policy, graphs, !number.is_multiple_of(OUT_OF_REACH_EVERY))?.0.finish())
            };
            numbers.par_iter().map_init(|| self.graphs(), drive).collect::<anyhow::Result<Vec<_>>>()
        };
        Policy::ALL.into_iter().map(play).collect()
    }

    /// The robot at the beginning of an errand, and the random numbers of what else happens on it.
    ///
    /// # Errors
    /// When the model can't be run.
    pub fn begin(
        &self,
        number: usize,
        policy: Policy,
        graphs: &Lent,
        can_be_reached: bool,
    ) -> anyhow::Result<(Run<'_>, Random)> {
        let mut random = Random::of_query(self.seed, number);
        let (site, ground) = &self.sites[number % self.sites.len()];
        let errand = site.errand(can_be_reached, &mut random);
        let kit = Kit { bundle: &self.bundle, graphs, people: self.people };
        Ok((Run::new((site, ground), errand, policy, &kit, &mut random)?, random))
    }
}
