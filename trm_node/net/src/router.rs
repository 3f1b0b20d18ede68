//! A router over specialists: several bundles, and a linear classifier that picks one of them for a window. `router.yaml`
//! names the bundles and holds the classifier; `models/trm_train/router.py` fits it.
//!
//! ```yaml
//! format: 1
//! # Folders, relative to this file. The first one plans when the classifier isn't sure or is too slow. 1 to 8.
//! bundles: [../nav_d32, ../nav_mazes]
//! # Longest time of a choice, in microseconds, from 1 to 10000. While it takes longer, the first bundle plans.
//! budget_us: 200.0
//! # Least probability of the chosen bundle, from 0 to 1. Below it the first bundle plans.
//! min_confidence: 0.6
//! classifier:
//!   # What the numbers of a row are for: all of these, in this order.
//!   features: [unknown, free, narrow, branching, distance, detour]
//!   # A number, and a row of as many as there are features, for each bundle: its score is bias + row · features.
//!   bias: [0.0, -1.0]
//!   weights: [[0, 0, 0, 0, 0, 0], [0, 0, 4.0, 9.0, 0, 0]]
//! # Where the classifier comes from; for people.
//! fitted: {worlds: generated, n: 2000}
//! ```

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrayvec::{ArrayString, ArrayVec};
use serde::Deserialize;
use trm_grid::files::read_at_most;

use crate::bundle::Bundle;
use crate::error::LoadError;

/// What a choice is made from, in this order. `trm_planner::features` says what they are.
pub const FEATURES: [&str; 6] = ["unknown", "free", "narrow", "branching", "distance", "detour"];
/// The most bundles of a router.
pub const MAX_BUNDLES: usize = 8;
/// The longest file that is read.
const MAX_BYTES: u64 = 1 << 16;
/// Bytes that are kept of a bundle's name.
const NAME_BYTES: usize = 32;

/// A bundle's name, as far as there is room for it. The planning loop can pass it on without allocating.
pub type BundleName = ArrayString<NAME_BYTES>;

/// The bundle that plans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its place among the bundles.
    pub bundle: usize,
    /// The classifier's probability that it is the best one.
    pub confidence: f32,
}

/// What picks a bundle.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classifier {
    features: Vec<String>,
    /// `[bundles]`.
    bias: Vec<f32>,
    /// `[bundles, FEATURES]`.
    weights: Vec<Vec<f32>>,
}

/// `router.yaml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterFile {
    format: u32,
    bundles: Vec<PathBuf>,
    budget_us: f64,
    min_confidence: f32,
    /// What picks one.
    pub classifier: Classifier,
    #[serde(default)]
    /// Where the classifier comes from, for people.
    pub fitted: serde_yaml::Value,
}

/// Bundles in memory, and what picks one of them.
#[derive(Debug, Clone)]
pub struct Router {
    /// The first one plans in doubt.
    pub bundles: Vec<Bundle>,
    /// What picks one.
    pub classifier: Classifier,
    /// Longest time of a choice.
    pub budget: Duration,
    /// Least confidence of a choice.
    pub min_confidence: f32,
}

impl Classifier {
    /// The bundle with the highest score. Its confidence is the softmax of the scores. Features that aren't finite are taken
    /// for 0.
    #[must_use]
    pub fn choose(&self, features: &[f32; FEATURES.len()]) -> Choice {
        let finite = |value: &f32| if value.is_finite() { f64::from(*value) } else { 0.0 };
        // Products of any two finite weights and features are finite in double precision.
        let scores: ArrayVec<f64, MAX_BUNDLES> = self
            .bias
            .iter()
            .zip(&self.weights)
            .map(|(bias, row)| {
                f64::from(*bias) + row.iter().zip(features).map(|(w, f)| f64::from(*w) * finite(f)).sum::<f64>()
            })
            .collect();
        let best = (1..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best });
        let sum: f64 = scores.iter().map(|score| (score - scores[best]).exp()).sum();
        Choice { bundle: best, confidence: (1.0 / sum) as f32 }
    }
}

impl RouterFile {
    /// Parses and checks the text of a file. `path` is the file that messages name.
    ///
    /// # Errors
    /// [`LoadError::Router`] names the field and its value.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LoadError> {
        let file: Self = serde_yaml::from_str(text).map_err(|error| refused(path, "yaml", error))?;
        file.check(path)?;
        Ok(file)
    }

    fn check(&self, path: &Path) -> Result<(), LoadError> {
        let Self { format, bundles, budget_us, min_confidence, classifier, .. } = self;
        let count = bundles.len();
        let refuse =
            |field: &str, value: &dyn Display, rule: &str| Err(refused(path, field, format!("{value} {rule}")));
        if *format != 1 {
            return refuse("format", format, "is not 1, which this version reads");
        }
        if !(1..=MAX_BUNDLES).contains(&count) {
            return refuse("bundles", &format!("{count} folders"), "are not 1 to 8");
        }
        if !(1.0..=10_000.0).contains(budget_us) {
            return refuse("budget_us", budget_us, "is not from 1 to 10000");
        }
        if !(0.0..=1.0).contains(min_confidence) {
            return refuse("min_confidence", min_confidence, "is not from 0 to 1");
        }
        if classifier.features != FEATURES {
            let (found, expected) = (classifier.features.join(", "), FEATURES.join(", "));
            return refuse("classifier.features", &format!("[{found}]"), &format!("is not [{expected}]"));
        }
        for (field, found) in [("bias", classifier.bias.len()), ("weights", classifier.weights.len())] {
            if found != count {
                let rule = format!("are not {count}, one for each bundle");
                return refuse(&format!("classifier.{field}"), &format!("{found} entries"), &rule);
            }
        }
        if let Some((at, row)) = classifier.weights.iter().enumerate().find(|(_, row)| row.len() != FEATURES.len()) {
            let rule = format!("are not {}, one for each feature", FEATURES.len());
            return refuse(&format!("classifier.weights[{at}]"), &format!("{} numbers", row.len()), &rule);
        }
        let numbers = classifier.bias.iter().chain(classifier.weights.iter().flatten());
        match numbers.copied().find(|number| !number.is_finite()) {
            Some(number) => refuse("classifier", &number, "is not finite"),
            None => Ok(()),
        }
    }

    /// The folders of its bundles, for a file at `path`.
    pub fn folders(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        self.bundles.iter().map(move |folder| base.join(folder))
    }
}

impl Router {
    /// Reads and checks a file, and the bundles that it names.
    ///
    /// # Errors
    /// [`LoadError::Router`] names the file, the field and its value; for a bundle, what is wrong with that.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let bytes = read_at_most(path, MAX_BYTES).map_err(|error| refused(path, "file", error))?;
        let text = String::from_utf8(bytes).map_err(|error| refused(path, "file", error))?;
        let file = RouterFile::parse(&text, path)?;
        let load = |(at, folder): (usize, PathBuf)| {
            Bundle::load(&folder).map_err(|error| refused(path, &format!("bundles[{at}]"), error))
        };
        let bundles = file.folders(path).enumerate().map(load).collect::<Result<_, _>>()?;
        let RouterFile { classifier, min_confidence, budget_us, .. } = file;
        Ok(Self { bundles, classifier, budget: Duration::from_secs_f64(budget_us / 1e6), min_confidence })
    }
}

/// As much of a bundle's name as there is room for.
#[must_use]
pub fn short_name(bundle: &Bundle) -> BundleName {
    let mut name = BundleName::new();
    for character in bundle.manifest.name.chars() {
        if name.try_push(character).is_err() {
            break;
        }
    }
    name
}

fn refused(path: &Path, field: &str, reason: impl Display) -> LoadError {
    LoadError::Router { path: path.to_owned(), field: field.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "format: 1\nbundles: [a, b]\nbudget_us: 200\nmin_confidence: 0.5\nclassifier:\n  \
                        features: [unknown, free, narrow, branching, distance, detour]\n  bias: [0, 1]\n  \
                        weights: [[0, 0, 0, 0, 0, 0], [0, -4, 0, 0, 0, 0]]\n";

    fn parse(text: &str) -> Result<RouterFile, LoadError> {
        RouterFile::parse(text, Path::new("/x/router.yaml"))
    }

    #[test]
    fn the_highest_score_wins_and_its_softmax_is_the_confidence() {
        let file = parse(GOOD).unwrap();
        let choose = |free: f32| file.classifier.choose(&[0.0, free, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(choose(0.0).bundle, 1);
        assert!((choose(0.0).confidence - 0.731_058_6).abs() < 1e-5);
        assert_eq!(choose(1.0).bundle, 0);
        assert!((choose(1.0).confidence - 0.952_574_1).abs() < 1e-5);
        // Equal scores are for the first one, and what isn't a number counts nothing.
        assert_eq!(choose(0.25), Choice { bundle: 0, confidence: 0.5 });
        assert_eq!(choose(f32::NAN), choose(0.0));
        let folders: Vec<PathBuf> = file.folders(Path::new("/x/router.yaml")).collect();
        assert_eq!(folders, [Path::new("/x/a"), Path::new("/x/b")]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named_with_its_value() {
        for (from, to, message) in [
            ("format: 1", "format: 2", "format: 2 is not 1, which this version reads"),
            ("[a, b]", "[]", "bundles: 0 folders are not 1 to 8"),
            ("budget_us: 200", "budget_us: -5", "budget_us: -5 is not from 1 to 10000"),
            ("budget_us: 200", "budget_us: .nan", "budget_us: NaN is not from 1 to 10000"),
            ("min_confidence: 0.5", "min_confidence: 1.5", "min_confidence: 1.5 is not from 0 to 1"),
            ("detour]", "speed]", "classifier.features: [unknown, free, narrow, branching, distance, speed] is not "),
            ("bias: [0, 1]", "bias: [0]", "classifier.bias: 1 entries are not 2, one for each bundle"),
            ("[[0, 0, 0, 0, 0, 0], ", "[", "classifier.weights: 1 entries are not 2, one for each bundle"),
            ("-4, 0, 0, 0, 0]", "-4]", "classifier.weights[1]: 2 numbers are not 6, one for each feature"),
            ("-4", ".inf", "classifier: inf is not finite"),
            ("bias: [0, 1]", "bias: [0, x]", "yaml: classifier.bias[1]: "),
            ("budget_us: 200\n", "", "yaml: missing field `budget_us`"),
            ("format: 1", "format: 1\nspeed: 3", "yaml: unknown field `speed`"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = parse(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("router /x/router.yaml: {message}")), "{error}");
        }
    }

    #[test]
    fn a_bundle_that_is_not_there_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let released = crate::released::find(None, std::iter::empty()).unwrap();
        let path = folder.path().join("router.yaml");
        std::fs::write(&path, GOOD.replace("[a, b]", &format!("[{}, nowhere]", released.display()))).unwrap();
        let error = Router::load(&path).unwrap_err().to_string();
        assert!(error.contains("router.yaml: bundles[1]: bundle ") && error.contains("nowhere"), "{error}");
        std::fs::write(&path, GOOD.replace("[a, b]", &format!("[{0}, {0}]", released.display()))).unwrap();
        let router = Router::load(&path).unwrap();
        assert_eq!((router.bundles.len(), router.budget), (2, Duration::from_micros(200)));
        assert_eq!(short_name(&router.bundles[1]).as_str(), "nav_d32");
        let error = Router::load(&folder.path().join("none.yaml")).unwrap_err().to_string();
        assert!(error.contains("none.yaml: file: "), "{error}");
    }
}
