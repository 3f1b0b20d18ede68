//! Backends and planners for the benchmark's parts.

use trm_config::Config;
use trm_net::backend::Backend;
use trm_net::bundle::Bundle;
use trm_net::registry;
use trm_planner::Planner;
use trm_planner::halt::deadline::Clock;

use crate::args::with_flag;
use crate::bench::setting::BenchSetting;

/// The backend of a name.
///
/// # Errors
/// If there is no backend of this name, or it can't run the bundle. The message names the flag.
pub fn backend(name: &str, bundle: &Bundle, size: usize) -> anyhow::Result<Box<dyn Backend>> {
    registry::by_name(bundle, size, name).map_err(with_flag)
}

/// A planner on the backend of the setting. `config` may differ from that of the setting.
///
/// # Errors
/// If the bundle can't be run on the window.
pub fn planner(setting: &BenchSetting, config: &Config, bundle: &Bundle, clock: &dyn Clock) -> anyhow::Result<Planner> {
    let backend = backend(&setting.backend, bundle, config.planner.window_size as usize)?;
    Planner::with_backend(&config.grid, &config.planner, bundle, backend, clock).map_err(with_flag)
}
