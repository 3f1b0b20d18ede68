//! `~/plan_log`: the record of plans. Each message is one entry as `trm_planner::record` writes it.

use r2r::std_msgs::msg::UInt8MultiArray;
use trm_flow::threads::notes::Record;

use crate::io::ends::End;

/// What publishes entries.
///
/// # Errors
/// When ROS refuses.
pub fn publisher(node: &mut r2r::Node, end: &End) -> r2r::Result<Record> {
    let publisher = node.create_publisher::<UInt8MultiArray>(end.topic, end.qos.clone())?;
    let mut message = UInt8MultiArray::default();
    Ok(Box::new(move |entry| {
        message.data.clear();
        message.data.extend_from_slice(entry);
        // One that can't be sent is missing by its number.
        let _ = publisher.publish(&message);
    }))
}
