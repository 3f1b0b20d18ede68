//! onnxruntime with the bundle's net on one thread, which the backends are compared with. Its library is loaded at run
//! time, so neither building nor running the planner needs it.

use trm_net::bundle::Bundle;
use trm_net::graphs::Shape;

#[cfg(feature = "onnxruntime")]
pub use loaded::Onnxruntime;
#[cfg(not(feature = "onnxruntime"))]
pub use missing::Onnxruntime;

/// The environment variable with the path of the library.
#[cfg(feature = "onnxruntime")]
const LIBRARY: &str = "ORT_DYLIB_PATH";

#[cfg(feature = "onnxruntime")]
mod loaded {
    use std::path::Path;

    use ort::session::Session;
    use ort::session::builder::GraphOptimizationLevel;
    use ort::value::TensorRef;

    use trm_net::graph::Graph;

    use super::{Bundle, LIBRARY, Shape};

    /// A session of onnxruntime.
    pub struct Onnxruntime {
        session: Session,
        /// Shape of the net's input.
        state: [usize; 4],
    }

    impl Onnxruntime {
        /// A session with the net, with all optimisations, on one thread.
        ///
        /// # Errors
        /// Why onnxruntime isn't available, as a sentence for the report.
        pub fn new(bundle: &Bundle, shape: Shape) -> Result<Self, String> {
            let library = std::env::var_os(LIBRARY).ok_or_else(|| {
                format!("{LIBRARY} doesn't say where onnxruntime's library is (`make bench` sets it)")
            })?;
            let named = |error: &dyn std::fmt::Display| format!("{LIBRARY} {}: {error}", Path::new(&library).display());
            ort::init_from(&library).map_err(|error| named(&error))?.commit();
            let build = || -> Result<Session, Box<dyn std::error::Error>> {
                let builder = Session::builder()?;
                let builder = builder.with_intra_threads(1).map_err(|error| error.to_string())?;
                let level = GraphOptimizationLevel::All;
                let mut builder = builder.with_optimization_level(level).map_err(|error| error.to_string())?;
                Ok(builder.commit_from_memory(bundle.graph(Graph::Net))?)
            };
            let session = build().map_err(|error| named(&error))?;
            Ok(Self { session, state: [1, shape.hidden, shape.tokens(), shape.tokens()] })
        }

        /// Applies the net once. `s` and what `take` gets are channel-major; the output belongs to onnxruntime.
        ///
        /// # Errors
        /// If the library fails.
        pub fn run(&mut self, s: &[f32], take: impl FnOnce(&[f32])) -> Result<(), String> {
            let run = || -> ort::Result<()> {
                let input = TensorRef::from_array_view((self.state, s))?;
                let outputs = self.session.run(ort::inputs![input])?;
                let (_, values) = outputs[0].try_extract_tensor::<f32>()?;
                take(values);
                Ok(())
            };
            run().map_err(|error| error.to_string())
        }

        /// The library's version and build.
        pub fn about() -> String {
            ort::info().to_owned()
        }
    }
}

#[cfg(not(feature = "onnxruntime"))]
mod missing {
    use super::{Bundle, Shape};

    /// Never exists: trm was built without onnxruntime.
    pub enum Onnxruntime {}

    impl Onnxruntime {
        /// Always fails.
        ///
        /// # Errors
        /// That trm was built without onnxruntime.
        pub fn new(_: &Bundle, _: Shape) -> Result<Self, String> {
            Err("trm was built without the feature onnxruntime (`make bench` builds it with it)".to_owned())
        }

        /// Is never called.
        pub fn run(&mut self, _: &[f32], _: impl FnOnce(&[f32])) -> Result<(), String> {
            match *self {}
        }

        /// Nothing.
        pub fn about() -> String {
            String::new()
        }
    }
}
