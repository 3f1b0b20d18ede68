//! The files of routers, which may be replaced while the node runs: new planners are made then, beside the ticks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;
use trm_config::Config;
use trm_flow::shared::Shared;
use trm_net::bundle::MANIFEST;
use trm_net::router::RouterFile;

use crate::params::Parameters;

/// How often they are looked at.
const PERIOD: Duration = Duration::from_millis(500);

/// When each file was changed, and its length; `None` where there is none.
type Stamps = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// The files as they were when planners were last made of them.
#[derive(Debug, PartialEq)]
pub struct RouterFiles {
    routers: Vec<String>,
    stamps: Stamps,
}

impl RouterFiles {
    /// The files that these parameters lead to.
    pub fn of(config: &Config) -> Self {
        let router = |at| config.of_planner(at).node.router;
        let mut routers: Vec<String> = (0..config.planners()).map(router).filter(|path| !path.is_empty()).collect();
        routers.dedup();
        let stamps = routers.iter().flat_map(|path| files(Path::new(path))).map(|file| (stamp(&file), file));
        let stamps = stamps.map(|(stamp, file)| (file, stamp)).collect();
        Self { routers, stamps }
    }

    /// Orders planners when files of the same routers have changed, as long as the node runs. Other routers are a change of
    /// parameters, which orders planners itself.
    pub async fn watch(mut self, shared: Arc<Shared>, parameters: Arc<Parameters>) {
        let mut beat = tokio::time::interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let config = parameters.config();
            let Ok(now) = spawn_blocking(move || Self::of(&config)).await else { return };
            if now.has_changed_since(&self) {
                shared.log.info("the router's files have changed");
                shared.planners_wanted.store(true, Ordering::Relaxed);
            }
            self = now;
        }
    }

    fn has_changed_since(&self, before: &Self) -> bool {
        self.routers == before.routers && self.stamps != before.stamps
    }
}

/// A router's file, and the manifests of the bundles that it names. A file that can't be read names none.
fn files(router: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(router).unwrap_or_default();
    let parsed = RouterFile::parse(&text, router);
    let manifests = parsed.iter().flat_map(|file| file.folders(router)).map(|folder| folder.join(MANIFEST));
    std::iter::once(router.to_owned()).chain(manifests).collect()
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}
