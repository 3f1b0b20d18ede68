//! What flows between messages and the planner: the threads of the node, what crosses between them, and what they know
//! of their inputs. No ROS: the adapter turns its messages into these, and publishes what comes out.
//!
//! Data flows one way: [`map`] takes what is told of the grid and knows how old the costs are; [`threads`] are world,
//! guidance, planner and publisher; [`messages`] has everything that crosses from one to another; goals, pauses and the
//! end go through [`commands`]; [`lifecycle`] says when there are plans, [`bond`] tells a manager that the node lives.
//!
//! Imports `trm_config`, `trm_grid`, `trm_net`, `trm_planner` and `trm_rt`. ROS types, files and decisions about paths
//! must never be in it.

pub mod bond;
pub mod clock;
pub mod commands;
pub mod health;
pub mod heartbeats;
pub mod lifecycle;
pub mod lock;
pub mod log;
pub mod map;
pub mod messages;
pub mod notes;
pub mod plan_log;
pub mod plan_record;
pub mod planners;
pub mod real_time;
pub mod request;
pub mod robot_pose;
pub mod ros_time;
pub mod shared;
pub mod text;
pub mod threads;
