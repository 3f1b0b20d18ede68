//! Answers to requests of services.

use std::time::Duration;

use r2r::{Error, ServiceRequest, WrappedServiceTypeSupport};
use tokio::runtime::Handle;

/// When an answer is sent again that nobody could receive yet. Fast DDS repeats what it tells of a new client after 3 s.
const AGAIN_AFTER: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Answers a request. The middleware gives an answer up if the client's end for answers isn't known within 0.1 s, though
/// its request has come: then it is sent again, beside whatever is answered next. A client that has gone needs no answer.
pub fn reply<T>(request: ServiceRequest<T>, response: T::Response)
where
    T: WrappedServiceTypeSupport<Request: Send, Response: Send> + 'static,
{
    if !is_too_early(&request, &response) {
        return;
    }
    // Without tasks there is nobody to send it again: the node is stopping.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        for wait in AGAIN_AFTER {
            tokio::time::sleep(wait).await;
            if !is_too_early(&request, &response) {
                return;
            }
        }
    });
}

/// Sends an answer. Whether the client's end for answers isn't known yet.
fn is_too_early<T>(request: &ServiceRequest<T>, response: &T::Response) -> bool
where
    T: WrappedServiceTypeSupport + 'static,
{
    let sent = request.send(response);
    matches!(sent, Err(Error::Told { code, .. }) if matches!(*code, Error::RCL_RET_TIMEOUT))
}
