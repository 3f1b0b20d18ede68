//! The topic `footprint`: another outline of the robot while the node runs: a load picked up, an arm out. It becomes the value
//! of the parameter `footprint`.

use r2r::Listening;
use r2r::geometry_msgs::msg::{Polygon, PolygonStamped};
use r2r::rcl_interfaces::msg as rcl;
use trm_config::footprint::{Footprint, FootprintError};
use trm_config::{Value, frame};
use trm_flow::log::Level;
use trm_flow::text::cut;
use trm_grid::geometry::decimal;
use trm_planner::halt::deadline::Clock;

use crate::io::ends::End;
use crate::io::incoming::message;
use crate::io::services::Services;
use crate::params;

/// Subscribes to the topic.
///
/// # Errors
/// When ROS refuses the subscription.
pub fn subscribe(node: &mut r2r::Node, end: &End, services: &Services) -> r2r::Result<Listening> {
    let (topic, services) = (end.topic, services.clone());
    node.listen(topic, end.qos.clone(), move |incoming| {
        let shared = &services.shared;
        let Some(stamped) = message::<PolygonStamped>(incoming, topic, shared) else { return };
        let config = services.parameters.config();
        match footprint(&stamped, &config.node.robot_base_frame) {
            // Costmaps are told the same one again and again.
            Ok(footprint) if config.grid.footprint.as_ref() == Some(&footprint) => {}
            Ok(footprint) => {
                let value = params::message(Some(&Value::Text(footprint.to_string())));
                services.set(&[rcl::Parameter { name: "footprint".to_owned(), value }]);
            }
            Err(error) => {
                let text = format!("topic {topic}: the polygon is refused, for it is {error}");
                shared.log.limited("footprint topic", Level::Warn, &text, shared.clock.now());
            }
        }
    })
}

/// A polygon in the robot's frame, which a header without a frame means, too.
fn footprint(stamped: &PolygonStamped, base: &str) -> Result<Footprint, String> {
    match frame(&stamped.header.frame_id) {
        name if name.is_empty() || name == base => of_polygon(&stamped.polygon).map_err(|error| error.to_string()),
        name => Err(format!("in the frame {}, not in robot_base_frame {base}", cut(name))),
    }
}

/// A polygon's corners, as the decimals that were meant.
fn of_polygon(polygon: &Polygon) -> Result<Footprint, FootprintError> {
    let corners: Vec<_> = polygon.points.iter().map(|point| [decimal(point.x), decimal(point.y)]).collect();
    Footprint::new(&corners)
}

#[cfg(test)]
mod tests {
    use r2r::geometry_msgs::msg::Point32;

    use super::*;

    fn polygon(points: &[(f32, f32)]) -> Polygon {
        Polygon { points: points.iter().map(|(x, y)| Point32 { x: *x, y: *y, z: 0.0 }).collect() }
    }

    #[test]
    fn a_polygon_is_the_footprint_that_its_decimals_say() {
        let taken = of_polygon(&polygon(&[(0.7, 0.31), (-0.2, 0.31), (-0.2, -0.31), (0.7, -0.31)])).unwrap();
        assert_eq!(taken.to_string(), "[[0.7, 0.31], [-0.2, 0.31], [-0.2, -0.31], [0.7, -0.31]]");
        let error = |points: &[(f32, f32)]| of_polygon(&polygon(points)).unwrap_err().to_string();
        assert_eq!(error(&[]), "of 0 points, not of 3 to 64");
        assert_eq!(
            error(&[(1.0, 0.0), (0.0, f32::NAN), (0.0, 0.0)]),
            "not within 20 m of the base: point 1 is (0, NaN)"
        );
    }

    #[test]
    fn a_polygon_in_another_frame_is_refused_by_name() {
        let polygon = polygon(&[(0.7, 0.31), (-0.2, 0.31), (-0.2, -0.31)]);
        let mut stamped = PolygonStamped { polygon, ..Default::default() };
        for (name, is_taken) in [("", true), ("base_link", true), ("/base_link", true), ("map", false)] {
            stamped.header.frame_id = name.to_owned();
            assert_eq!(footprint(&stamped, "base_link").is_ok(), is_taken, "{name}");
        }
        assert_eq!(
            footprint(&stamped, "base_link").unwrap_err(),
            "in the frame map, not in robot_base_frame base_link"
        );
    }
}
