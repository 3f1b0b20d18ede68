//! The three graphs that a model consists of.

use std::fmt;

/// One of a model's graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graph {
    /// `x = encode(input)`.
    Encode,
    /// `net(s)`.
    Net,
    /// `logits, q = decode(y, x)`.
    Decode,
}

impl Graph {
    /// The name of its file in a bundle.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Encode => "encode.onnx",
            Self::Net => "net.onnx",
            Self::Decode => "decode.onnx",
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode => "encode",
            Self::Net => "net",
            Self::Decode => "decode",
        })
    }
}
