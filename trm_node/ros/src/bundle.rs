//! Where the model bundle is.

use std::path::PathBuf;

use trm_config::NodeConfig;
use trm_net::released;

/// The folder that the parameter names; else the released bundle, as installed with the node or in a ROS package.
pub fn find(config: &NodeConfig) -> anyhow::Result<PathBuf> {
    if !config.bundle.is_empty() {
        return Ok(PathBuf::from(&config.bundle));
    }
    let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    Ok(released::find(std::env::current_exe().ok().as_deref(), std::env::split_paths(&prefixes))?)
}
