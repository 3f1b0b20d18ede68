//! The Tiny Recursive Model: a window becomes x, the net is applied again and again, y decodes to a field of moves.

pub mod backend;
pub mod bundle;
pub mod encode;
pub mod fused;
pub mod recursion;
pub mod released;
pub mod tract;
pub mod turn;
