//! onnxruntime on the bundle's net, one thread: what the backends are measured against. Its library is loaded when it runs,
//! so nobody who builds or drives with this planner needs it.

use trm_net::backend::Shape;
use trm_net::bundle::Bundle;

#[cfg(feature = "onnxruntime")]
pub use loaded::Onnxruntime;
#[cfg(not(feature = "onnxruntime"))]
pub use missing::Onnxruntime;

/// The variable that says where the library is.
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

    pub struct Onnxruntime {
        session: Session,
        state: [usize; 4],
    }

    impl Onnxruntime {
        /// The net, optimised as far as it can, on one thread.
        ///
        /// # Errors
        /// Why it can't be had, to be told in the report.
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

        /// One application of the net, channel-major; what comes out stays onnxruntime's until `take` has seen it.
        ///
        /// # Errors
        /// When the library fails.
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

    /// Can't be made: trm was built without it.
    pub enum Onnxruntime {}

    impl Onnxruntime {
        /// Nothing.
        ///
        /// # Errors
        /// Always.
        pub fn new(_: &Bundle, _: Shape) -> Result<Self, String> {
            Err("trm was built without the feature onnxruntime (`make bench` builds it with it)".to_owned())
        }

        pub fn run(&mut self, _: &[f32], _: impl FnOnce(&[f32])) -> Result<(), String> {
            match *self {}
        }

        pub fn about() -> String {
            String::new()
        }
    }
}
