//! Any text as a map's YAML file: refused with a message that names the file, or fields within their ranges.

use std::path::Path;

use trm_grid::map_file::Fields;

/// Panics when `data` shows a fault.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Fields::parse(Path::new("map.yaml"), text) {
        Err(error) => assert!(error.to_string().contains("map.yaml"), "{error}"),
        Ok(fields) => {
            assert!(!fields.image.is_empty());
            assert!(fields.resolution.is_finite() && fields.resolution > 0.0);
            assert!([fields.origin.x, fields.origin.y, fields.origin.yaw].iter().all(|v| v.is_finite()));
            assert!(0.0 <= fields.free_thresh && fields.free_thresh <= fields.occupied_thresh);
            assert!(fields.occupied_thresh <= 1.0);
        }
    }
}
