//! `~/steps`: what the recursion did for the newest plan in which the model answered, as markers for `RViz`. A line for
//! the path of each answer, and squares where an answer has changed the best move of a cell; blue for the first answer,
//! red for the last one, pale while its path isn't verified. Above them, in green, the path that came out.

use r2r::geometry_msgs::msg::{Point, Vector3};
use r2r::std_msgs::msg::{ColorRGBA, Header};
use r2r::visualization_msgs::msg::{Marker, MarkerArray};
use trm_flow::notes::PlanNotes;
use trm_flow::threads::notes::Steps;
use trm_grid::geometry::Geometry;
use trm_grid::units::Cell;

use crate::io::convert;
use crate::io::ends::End;

/// Widths, as parts of a cell.
const LINE: f64 = 0.3;
const SQUARE: f64 = 0.9;
/// So much higher is each answer than the one before, in metres: the newest is seen from above.
const RISE: f64 = 0.005;
/// How much the squares hide of what is below.
const ALPHA: f32 = 0.25;
const GREEN: ColorRGBA = ColorRGBA { r: 0.1, g: 0.7, b: 0.2, a: 1.0 };

/// What publishes them.
///
/// # Errors
/// When ROS refuses.
pub fn publisher(node: &mut r2r::Node, end: &End, frame: String) -> r2r::Result<Steps> {
    let publisher = node.create_publisher::<MarkerArray>(end.topic, end.qos.clone())?;
    // One that can't be sent is lost; the next plan has newer ones.
    Ok(Box::new(move |notes| drop(message(notes, &frame).map(|message| publisher.publish(&message)))))
}

/// The markers for the answers of a plan; `None` where nothing was planned on.
fn message(notes: &PlanNotes, frame: &str) -> Option<MarkerArray> {
    let geometry = notes.geometry?;
    let header = Header { stamp: convert::time(notes.plan.time), frame_id: frame.to_owned() };
    let mut markers = vec![clear(&header)];
    let answers = notes.answers.kept();
    for (at, answer) in answers.iter().enumerate() {
        let colour = colour(at, answers.len(), answer.is_verified);
        let squares = Style { name: "changed", kind: Marker::CUBE_LIST as i32, width: SQUARE };
        let faint = ColorRGBA { a: ALPHA, ..colour.clone() };
        markers.extend(marker(&header, &squares, at, faint, points(&geometry, at, notes.answers.changed(at))));
        let line = Style { name: "path", kind: Marker::LINE_STRIP as i32, width: LINE };
        let path = points(&geometry, at, answer.path.iter().copied());
        markers.extend(marker(&header, &line, at, colour, path).filter(|line| line.points.len() > 1));
    }
    let height = answers.len() as f64 * RISE;
    let taken = notes.plan.path().iter().map(|pose| Point { x: pose.x, y: pose.y, z: height }).collect();
    let line = Style { name: "taken", kind: Marker::LINE_STRIP as i32, width: LINE };
    markers.extend(marker(&header, &line, 0, GREEN, taken).filter(|line| line.points.len() > 1));
    for marker in &mut markers[1..] {
        let width = marker.scale.x * geometry.resolution();
        marker.scale = match marker.type_ {
            line if line == Marker::LINE_STRIP as i32 => Vector3 { x: width, y: 0.0, z: 0.0 },
            _ => Vector3 { x: width, y: width, z: RISE },
        };
    }
    Some(MarkerArray { markers })
}

/// How the markers of one kind look.
struct Style {
    name: &'static str,
    kind: i32,
    /// In cells.
    width: f64,
}

/// Takes away what is shown of the plan before.
fn clear(header: &Header) -> Marker {
    let mut clear = Marker { header: header.clone(), action: Marker::DELETEALL as i32, ..Marker::default() };
    clear.pose.orientation.w = 1.0;
    clear
}

fn marker(header: &Header, style: &Style, at: usize, color: ColorRGBA, points: Vec<Point>) -> Option<Marker> {
    if points.is_empty() {
        return None;
    }
    let mut marker = Marker {
        header: header.clone(),
        ns: style.name.to_owned(),
        id: at as i32,
        type_: style.kind,
        action: Marker::ADD as i32,
        scale: Vector3 { x: style.width, y: 0.0, z: 0.0 },
        color,
        points,
        ..Marker::default()
    };
    marker.pose.orientation.w = 1.0;
    Some(marker)
}

/// The centres of cells.
fn points(geometry: &Geometry, at: usize, cells: impl Iterator<Item = Cell>) -> Vec<Point> {
    let inside = cells.filter(|cell| geometry.contains(*cell));
    let centres = inside.map(|cell| geometry.center(cell));
    centres.map(|point| Point { x: point.x, y: point.y, z: at as f64 * RISE }).collect()
}

/// From blue to red.
fn colour(at: usize, count: usize, is_verified: bool) -> ColorRGBA {
    let part = if count > 1 { at as f32 / (count - 1) as f32 } else { 1.0 };
    ColorRGBA { r: part, g: 0.2, b: 1.0 - part, a: if is_verified { 1.0 } else { 0.5 } }
}

#[cfg(test)]
mod tests {
    use trm_grid::units::Pose;

    use super::*;

    #[test]
    fn what_lies_outside_the_map_is_left_out_and_colours_go_from_blue_to_red() {
        let geometry = Geometry::new(4, 3, 0.5, Pose::new(1.0, 0.0, 0.0)).unwrap();
        let cells = [Cell::new(-1, 0), Cell::new(0, 0), Cell::new(3, 2), Cell::new(4, 2)];
        let seen = points(&geometry, 2, cells.into_iter());
        assert_eq!(seen, [Point { x: 1.25, y: 0.25, z: 0.01 }, Point { x: 2.75, y: 1.25, z: 0.01 }]);
        let (first, last) = (colour(0, 3, false), colour(2, 3, true));
        assert_eq!((first.r, first.b, first.a), (0.0, 1.0, 0.5));
        assert_eq!((last.r, last.b, last.a), (1.0, 0.0, 1.0));
    }

    #[test]
    fn without_an_answer_only_the_old_markers_go() {
        let mut notes = PlanNotes::with_room(32);
        assert!(message(&notes, "map").is_none());
        notes.geometry = Geometry::new(4, 3, 0.5, Pose::default()).ok();
        let MarkerArray { markers } = message(&notes, "map").unwrap();
        assert_eq!((markers.len(), markers[0].action), (1, Marker::DELETEALL as i32));
    }
}
