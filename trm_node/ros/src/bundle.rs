//! The model bundles of the planners, and where they are.

use std::path::{Path, PathBuf};

use trm_config::Config;
use trm_net::bundle::Bundle;
use trm_net::error::LoadError;
use trm_net::released;
use trm_net::router::Router;

/// Each bundle once, by the parameter that names it.
pub struct Bundles(Vec<(String, PathBuf, Bundle)>);

impl Bundles {
    /// Loads the bundles of all planners.
    pub fn load(config: &Config) -> anyhow::Result<Self> {
        let mut bundles = Self(Vec::new());
        for index in 0..config.planners() {
            let name = config.of_planner(index).node.bundle;
            if bundles.find(&name).is_none() {
                let folder = find(&name)?;
                let bundle = Bundle::load(&folder)?;
                bundles.0.push((name, folder, bundle));
            }
        }
        Ok(bundles)
    }

    /// The bundle that a planner's parameter names: it was loaded when the node started.
    pub fn of(&self, config: &Config) -> &Bundle {
        self.find(&config.node.bundle).map_or(&self.0[0].2, |(_, _, bundle)| bundle)
    }

    /// The router of a planner with its own parameters, read anew each time; `None` where it has none.
    pub fn router(config: &Config) -> Result<Option<Router>, LoadError> {
        let file = &config.node.router;
        (!file.is_empty()).then(|| Router::load(Path::new(file))).transpose()
    }

    /// Their folders.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(_, folder, _)| folder.as_path())
    }

    fn find(&self, name: &str) -> Option<&(String, PathBuf, Bundle)> {
        self.0.iter().find(|(other, _, _)| other == name)
    }
}

/// The folder that the parameter names; else the released bundle, as installed with the node or in a ROS package.
fn find(name: &str) -> anyhow::Result<PathBuf> {
    if !name.is_empty() {
        return Ok(PathBuf::from(name));
    }
    let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    Ok(released::find(std::env::current_exe().ok().as_deref(), std::env::split_paths(&prefixes))?)
}
