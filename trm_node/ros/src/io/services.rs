//! The services of parameters, as every ROS node has them, but with ranges and reasons for refusals.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use r2r::rcl_interfaces::msg as rcl;
use r2r::rcl_interfaces::srv::{
    DescribeParameters, GetParameterTypes, GetParameters, ListParameters, SetParameters, SetParametersAtomically,
};
use r2r::{QosProfile, ServiceRequest, WrappedServiceTypeSupport};
use tokio::runtime::Handle;
use trm_flow::log::Level;
use trm_flow::map::inbox::Inbox;
use trm_flow::text::cut;
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::ends::End;
use crate::io::reply::reply;
use crate::params::{self, Parameters};
use trm_flow::shared::Shared;

/// What the services act on.
#[derive(Clone)]
pub struct Services {
    pub shared: Arc<Shared>,
    pub parameters: Arc<Parameters>,
    pub inbox: Arc<Inbox>,
    pub parameter_events: r2r::Publisher<rcl::ParameterEvent>,
}

/// The publisher for [`Services::parameter_events`].
pub fn parameter_events(node: &mut r2r::Node, end: &End) -> r2r::Result<r2r::Publisher<rcl::ParameterEvent>> {
    node.create_publisher(end.topic, end.qos.clone())
}

impl Services {
    /// Creates the services, and starts the tasks that answer.
    pub fn serve(&self, node: &mut r2r::Node, runtime: &Handle) -> r2r::Result<()> {
        // Requests are answered one after the other; none may replace one that waits.
        let qos = || QosProfile::services_default().keep_all();
        let this = self.clone();
        let get = node.create_service::<GetParameters::Service>("~/get_parameters", qos())?;
        runtime.spawn(answer(get, move |request| {
            let value = |name: &String| this.parameters.get(name).map(|value| params::message(Some(&value)));
            GetParameters::Response { values: all_or_none(&request.names, value) }
        }));
        let this = self.clone();
        let types = node.create_service::<GetParameterTypes::Service>("~/get_parameter_types", qos())?;
        runtime.spawn(answer(types, move |request| {
            let kind = |name: &String| this.parameters.get(name).map(|value| params::message(Some(&value)).type_);
            GetParameterTypes::Response { types: all_or_none(&request.names, kind) }
        }));
        let this = self.clone();
        let describe = node.create_service::<DescribeParameters::Service>("~/describe_parameters", qos())?;
        runtime.spawn(answer(describe, move |request| {
            let describe = |name: &String| this.parameters.describe(name);
            DescribeParameters::Response { descriptors: all_or_none(&request.names, describe) }
        }));
        let this = self.clone();
        let list = node.create_service::<ListParameters::Service>("~/list_parameters", qos())?;
        runtime.spawn(answer(list, move |request| this.list(request)));
        let this = self.clone();
        let set = node.create_service::<SetParameters::Service>("~/set_parameters", qos())?;
        runtime.spawn(answer(set, move |request| {
            let set = |parameter: &rcl::Parameter| this.set(std::slice::from_ref(parameter));
            SetParameters::Response { results: request.parameters.iter().map(set).collect() }
        }));
        let this = self.clone();
        let set_all = node.create_service::<SetParametersAtomically::Service>("~/set_parameters_atomically", qos())?;
        runtime.spawn(answer(set_all, move |request| SetParametersAtomically::Response {
            result: this.set(&request.parameters),
        }));
        Ok(())
    }

    /// Sets all of these parameters or none, and tells it as ROS does.
    pub fn set(&self, parameters: &[rcl::Parameter]) -> rcl::SetParametersResult {
        let values: Vec<_> = parameters.iter().map(|p| (p.name.as_str(), params::value(&p.value))).collect();
        match self.parameters.set_all(&values) {
            Ok(changed) => {
                if !changed.is_empty() {
                    self.apply(&changed);
                }
                self.tell(parameters);
                rcl::SetParametersResult { successful: true, reason: String::new() }
            }
            Err(reason) => {
                let text = format!("refused: {reason}");
                self.shared.log.limited("refused parameter", Level::Warn, &text, self.shared.clock.now());
                rcl::SetParametersResult { successful: false, reason }
            }
        }
    }

    fn apply(&self, changed: &[String]) {
        let config = self.parameters.config();
        let now = self.shared.clock.now();
        let odd = params::odd_footprint(&config).filter(|_| changed.iter().any(|name| name == "footprint"));
        self.inbox.put_config(Box::new(config));
        if let Some(odd) = odd {
            self.shared.log.limited("footprint", Level::Warn, &odd, now);
        }
        for name in changed {
            let text = self.parameters.get(name).as_ref().map_or_else(String::new, ToString::to_string);
            self.shared.log.limited("parameter", Level::Info, &format!("parameter {name} is now {}", cut(&text)), now);
        }
    }

    /// Publishes what was set, whether it is another value than before or not, as rclcpp and rclpy do.
    fn tell(&self, set: &[rcl::Parameter]) {
        if set.is_empty() {
            return;
        }
        let parameter = |set: &rcl::Parameter| {
            let value = params::message(self.parameters.get(&set.name).as_ref());
            rcl::Parameter { name: set.name.clone(), value }
        };
        let event = rcl::ParameterEvent {
            stamp: convert::time(self.shared.ros_time.now()),
            node: self.shared.name.clone(),
            changed_parameters: set.iter().map(parameter).collect(),
            ..Default::default()
        };
        if let Err(error) = self.parameter_events.publish(&event) {
            self.shared.log.warn(&format!("/parameter_events: {error}"));
        }
    }

    /// Only `qos_overrides` has dots in its names, so depth and prefixes matter little. They mean what they do in
    /// rclcpp.
    fn list(&self, request: &ListParameters::Request) -> ListParameters::Response {
        let is_shallow = |suffix: &str| request.depth == 0 || (suffix.matches('.').count() as u64) < request.depth;
        let is_asked = |name: &String| {
            let under = |prefix: &String| {
                let suffix = name.strip_prefix(prefix.as_str());
                suffix.is_some_and(|suffix| suffix.is_empty() || (suffix.starts_with('.') && is_shallow(&suffix[1..])))
            };
            if request.prefixes.is_empty() { is_shallow(name) } else { request.prefixes.iter().any(under) }
        };
        let names: Vec<_> = self.parameters.names().into_iter().filter(is_asked).collect();
        let mut prefixes: Vec<_> =
            names.iter().filter_map(|name| name.rsplit_once('.').map(|(prefix, _)| prefix.to_owned())).collect();
        prefixes.dedup();
        ListParameters::Response { result: rcl::ListParametersResult { names, prefixes } }
    }
}

/// What is known of each name; nothing at all when one of them isn't a parameter's, as in rclcpp and rclpy.
fn all_or_none<T>(names: &[String], known: impl Fn(&String) -> Option<T>) -> Vec<T> {
    names.iter().map(known).collect::<Option<_>>().unwrap_or_default()
}

/// Answers requests one after the other.
pub async fn answer<T>(
    mut requests: impl Stream<Item = ServiceRequest<T>> + Unpin,
    handle: impl Fn(&T::Request) -> T::Response + Send,
) where
    T: WrappedServiceTypeSupport<Request: Send, Response: Send> + 'static,
{
    while let Some(request) = requests.next().await {
        let response = handle(&request.message);
        reply(request, response);
    }
}
