//! A compiled client of `compute_path_to_pose`, which `tools/bench/actions.py` measures the node with: rclpy's own client
//! takes longer than what is measured. Prints a line of JSON: milliseconds of every round trip, of the planning in it,
//! and from each cancel to its result.
//!
//! `action_client NAMESPACE COUNT START_X START_Y GOAL_X GOAL_Y`

#[cfg(nav2_msgs)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    client::run()
}

#[cfg(not(nav2_msgs))]
fn main() {
    eprintln!("built without Jazzy's nav2_msgs: there are no actions");
    std::process::exit(2);
}

#[cfg(nav2_msgs)]
mod client {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::{Duration, Instant};

    use r2r::geometry_msgs::msg::{Point, Pose, PoseStamped, Quaternion};
    use r2r::nav2_msgs::action::ComputePathToPose;
    use r2r::{ActionClient, GoalStatus};

    type Error = Box<dyn std::error::Error>;

    /// Longest time that anything may take.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Client {
        node: r2r::Node,
        client: ActionClient<ComputePathToPose::Action>,
    }

    pub fn run() -> Result<(), Error> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [namespace, count, places @ ..] = arguments.as_slice() else {
            return Err("see the head of the file".into());
        };
        let places: Vec<f64> = places.iter().map(|place| place.parse()).collect::<Result<_, _>>()?;
        let [start_x, start_y, goal_x, goal_y] = places[..] else { return Err("two places of two numbers".into()) };
        let mut node = r2r::Node::create(r2r::Context::create()?, "action_client", namespace)?;
        let client = node.create_action_client("compute_path_to_pose")?;
        let mut client = Client { node, client };
        let is_there = r2r::Node::is_available(&client.client)?;
        client.until(is_there)??;
        let goal = |frame: &str| ComputePathToPose::Goal {
            goal: pose(goal_x, goal_y, frame),
            start: pose(start_x, start_y, "map"),
            use_start: true,
            ..Default::default()
        };
        let (mut round_trips, mut planning, mut cancels) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count.parse()? {
            let (took, planned) = client.round_trip(goal("map"))?;
            round_trips.push(milliseconds(took));
            planning.push(planned);
            cancels.push(milliseconds(client.cancel(goal("never"))?));
        }
        println!("{{\"round_trip\": {round_trips:?}, \"planning\": {planning:?}, \"cancel\": {cancels:?}}}");
        Ok(())
    }

    impl Client {
        /// Spins until a future is done.
        fn until<F: Future>(&mut self, future: F) -> Result<F::Output, Error> {
            let mut future = pin!(future);
            let (mut context, began) = (Context::from_waker(Waker::noop()), Instant::now());
            while began.elapsed() < PATIENCE {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Ok(output);
                }
                self.node.spin_once(Duration::from_millis(100));
            }
            Err("no answer in 20 s".into())
        }

        /// From sending a goal to its result, and the milliseconds of planning that the result tells.
        fn round_trip(&mut self, goal: ComputePathToPose::Goal) -> Result<(Duration, f64), Error> {
            let began = Instant::now();
            let sent = self.client.send_goal_request(goal)?;
            let (_, result, _) = self.until(sent)??;
            let (status, result) = self.until(result)??;
            let took = began.elapsed();
            if status != GoalStatus::Succeeded {
                return Err(format!("a goal ended as {status:?}, error_code {}", result.error_code).into());
            }
            let planned = result.planning_time;
            Ok((took, 1e3 * f64::from(planned.sec) + 1e-6 * f64::from(planned.nanosec)))
        }

        /// From sending the cancel of a goal that waits to its result.
        fn cancel(&mut self, goal: ComputePathToPose::Goal) -> Result<Duration, Error> {
            let sent = self.client.send_goal_request(goal)?;
            let (handle, result, _) = self.until(sent)??;
            let began = Instant::now();
            let cancelled = handle.cancel()?;
            let (status, _) = self.until(result)??;
            let took = began.elapsed();
            self.until(cancelled)??;
            if status != GoalStatus::Canceled {
                return Err(format!("a cancelled goal ended as {status:?}").into());
            }
            Ok(took)
        }
    }

    fn pose(x: f64, y: f64, frame: &str) -> PoseStamped {
        let orientation = Quaternion { w: 1.0, ..Default::default() };
        let mut pose =
            PoseStamped { pose: Pose { position: Point { x, y, z: 0.0 }, orientation }, ..Default::default() };
        frame.clone_into(&mut pose.header.frame_id);
        pose
    }

    fn milliseconds(time: Duration) -> f64 {
        1e3 * time.as_secs_f64()
    }
}
