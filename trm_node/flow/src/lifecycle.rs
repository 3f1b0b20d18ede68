//! The life of a managed node, as ROS 2 defines it: its states and transitions, what the node does in each of them, and
//! whether goals are taken.
//!
//! The graph is that of `rcl_lifecycle`; `tests/dds/test_lifecycle.py` compares the node with rclpy's own.

pub mod gate;
pub mod graph;
pub mod machine;
