//! From the model's field to a path that may be published: where paths begin and end, decoding, the classical fallback,
//! straightening, and the independent check.

pub mod decode;
pub mod endpoints;
pub mod fallback;
pub mod route;
pub mod routes;
mod search_map;
pub mod smooth;
pub mod touch;
pub mod verify;
