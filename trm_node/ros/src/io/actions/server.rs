//! The server of one action: goals, cancels and results, each a service, and the states of all goals as a topic.
//!
//! r2r's own action server spins without pause 10 s after a goal has ended; this one is made of plain services.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{Stream, StreamExt};
use r2r::action_msgs::msg::{GoalInfo, GoalStatus, GoalStatusArray};
use r2r::action_msgs::srv::CancelGoal;
use r2r::unique_identifier_msgs::msg::UUID;
use r2r::{Publisher, QosProfile, ServiceRequest};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use trm_flow::log::Level;
use trm_planner::halt::deadline::Clock;

use crate::io::actions::book::{Asked, Book, Id, Status};
use crate::io::actions::context::Actions;
use crate::io::actions::kinds::{Answer, PathAction, Refusal};
use crate::io::actions::planning::Wait;
use crate::io::convert;
use crate::io::plan_codes::{CANCELLED, UNKNOWN};
use crate::io::reply::reply;

/// How often ended goals are looked through for those that may be forgotten.
const FORGET_PERIOD: Duration = Duration::from_secs(1);

type Results<A> = ServiceRequest<<A as r2r::WrappedActionTypeSupport>::GetResult>;

struct Server<A: PathAction> {
    actions: Arc<Actions>,
    book: Book<A::Result, Results<A>>,
    /// Of the goals that aren't answered yet; `true` when a newer one of its client has pre-empted it.
    waits: HashMap<Id, (Arc<Wait>, bool)>,
    answers: UnboundedSender<(Id, Answer)>,
    states: Publisher<GoalStatusArray>,
    /// Nobody is told anything meanwhile, but clients look for it.
    _feedback: Publisher<A::FeedbackMessage>,
}

/// Creates the server, and starts the task that answers.
pub fn serve<A: PathAction>(node: &mut r2r::Node, runtime: &Handle, actions: &Arc<Actions>) -> r2r::Result<()> {
    let name = |end: &str| format!("{}/_action/{end}", A::NAME);
    // Requests are answered one after the other; none may replace one that waits.
    let qos = || QosProfile::services_default().keep_all();
    let goals = node.create_service::<A::SendGoal>(&name("send_goal"), qos())?;
    let cancels = node.create_service::<CancelGoal::Service>(&name("cancel_goal"), qos())?;
    let results = node.create_service::<A::GetResult>(&name("get_result"), qos())?;
    // As rcl_action has them.
    let latched = QosProfile::default().keep_last(1).reliable().transient_local();
    let (answers, answered) = unbounded_channel();
    let server = Server::<A> {
        actions: Arc::clone(actions),
        book: Book::new(),
        waits: HashMap::new(),
        answers,
        states: node.create_publisher(&name("status"), latched)?,
        _feedback: node.create_publisher(&name("feedback"), QosProfile::default().keep_last(10).reliable())?,
    };
    runtime.spawn(server.run(goals, cancels, results, answered));
    Ok(())
}

impl<A: PathAction> Server<A> {
    /// Runs as long as the node does.
    async fn run(
        mut self,
        mut goals: impl Stream<Item = ServiceRequest<A::SendGoal>> + Unpin,
        mut cancels: impl Stream<Item = ServiceRequest<CancelGoal::Service>> + Unpin,
        mut results: impl Stream<Item = Results<A>> + Unpin,
        mut answered: UnboundedReceiver<(Id, Answer)>,
    ) {
        loop {
            tokio::select! {
                Some(goal) = goals.next() => self.take(goal),
                Some(cancel) = cancels.next() => self.cancel(cancel),
                Some(result) = results.next() => self.tell(result),
                Some((id, answer)) = answered.recv() => self.end(id, answer),
                () = tokio::time::sleep(FORGET_PERIOD), if !self.book.is_empty() => self.forget(),
                else => return,
            }
        }
    }

    /// Accepts a goal and begins to plan, or rejects it.
    fn take(&mut self, request: ServiceRequest<A::SendGoal>) {
        let arrived = self.actions.shared.clock.now();
        let client = request.client();
        let (id, goal) = A::destructure_goal_request_msg(request.message.clone());
        let (id, stamp) = (identifier(&id), self.actions.shared.ros_time.now());
        let rejection = self.rejection(id);
        reply(request, A::make_goal_response_msg(rejection.is_none(), convert::time(stamp)));
        if let Some(why) = rejection {
            let text = format!("action {}: a goal is rejected: {why}", A::NAME);
            self.actions.shared.log.limited("action", Level::Warn, &text, arrived);
            return;
        }
        for older in self.book.unanswered(client) {
            if let Some((wait, is_preempted)) = self.waits.get_mut(&older) {
                *is_preempted = true;
                wait.give_up(&self.actions);
            }
        }
        self.book.accept(id, client, stamp);
        let wait = Arc::new(Wait::new());
        self.waits.insert(id, (Arc::clone(&wait), false));
        self.publish();
        let (actions, answers) = (Arc::clone(&self.actions), self.answers.clone());
        tokio::spawn(async move {
            let answer = actions.plan(A::KIND, A::asked(goal), arrived, &wait).await;
            // Fails only while the node is stopping.
            let _ = answers.send((id, answer));
        });
    }

    /// Why a goal isn't accepted. One that is counts as unanswered.
    fn rejection(&self, id: Id) -> Option<&'static str> {
        if self.book.knows(id) {
            Some("there is one with its identifier")
        } else if !self.actions.shared.active.load(Ordering::Relaxed) {
            Some("the node isn't active")
        } else if !self.actions.admit() {
            Some("too many are waiting for their paths")
        } else {
            None
        }
    }

    /// Cancels goals. Each ends when its plan has stopped.
    fn cancel(&mut self, request: ServiceRequest<CancelGoal::Service>) {
        let goal = &request.message.goal_info;
        let (code, cancelled) = self.book.cancel(identifier(&goal.goal_id), convert::duration(&goal.stamp));
        let told = cancelled.iter().map(|(id, stamp)| info(*id, *stamp)).collect();
        reply(request, CancelGoal::Response { return_code: code as i8, goals_canceling: told });
        for (wait, _) in cancelled.iter().filter_map(|(id, _)| self.waits.get(id)) {
            wait.give_up(&self.actions);
        }
        self.publish();
    }

    /// Tells a result, or remembers who waits for it.
    fn tell(&mut self, request: Results<A>) {
        let id = identifier(&A::destructure_result_request_msg(request.message.clone()));
        let (request, status, result) = match self.book.ask(id, request) {
            Asked::Unknown(request) => (request, 0, A::Result::default()),
            Asked::Ended(request, status, result) => (request, status as i8, result),
            Asked::Waits => return,
        };
        reply(request, A::make_result_response_msg(status, result));
    }

    /// A goal has its answer.
    fn end(&mut self, id: Id, mut answer: Answer) {
        self.actions.release();
        let is_preempted = self.waits.remove(&id).is_some_and(|(_, is_preempted)| is_preempted);
        let is_cancelled = answer.refusal.as_ref().is_some_and(|refusal| refusal.result == CANCELLED);
        let status = match &answer.refusal {
            None => Status::Succeeded,
            Some(_) if is_cancelled && self.book.is_canceling(id) => Status::Canceled,
            Some(_) => Status::Aborted,
        };
        if is_cancelled && is_preempted && status == Status::Aborted {
            let text = "pre-empted by a newer goal of the same client".to_owned();
            answer.refusal = Some(Refusal { result: UNKNOWN, text });
        }
        let result = A::result(answer);
        let now = self.actions.shared.clock.now();
        for request in self.book.end(id, status, result.clone(), now) {
            reply(request, A::make_result_response_msg(status as i8, result.clone()));
        }
        self.publish();
    }

    fn forget(&mut self) {
        let timeout = self.actions.placing.parameters.config().node.action_server_result_timeout;
        let now = self.actions.shared.clock.now();
        if self.book.forget(now.saturating_sub(Duration::from_secs_f64(timeout))) {
            self.publish();
        }
    }

    fn publish(&self) {
        let status = |(id, stamp, status)| GoalStatus { goal_info: info(id, stamp), status: status as i8 };
        // The next change says all.
        let _ = self.states.publish(&GoalStatusArray { status_list: self.book.states().map(status).collect() });
    }
}

fn identifier(uuid: &UUID) -> Id {
    uuid.uuid.as_slice().try_into().unwrap_or_default()
}

fn info(id: Id, stamp: Duration) -> GoalInfo {
    GoalInfo { goal_id: UUID { uuid: id.to_vec() }, stamp: convert::time(stamp) }
}
