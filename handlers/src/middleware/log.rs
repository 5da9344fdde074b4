use bytes::Bytes;
use http::{Response, request::Parts};
use shared::{Error, Timestamp, host::Host, http::forwarded::Client};

use super::{Trace, transport};

/// One record a request. Probes are told at `debug`, faults of ours at `error`; nobody's data,
/// token or address of mail is ever in it.
#[expect(clippy::too_many_arguments, reason = "it is all that is known of a request, used once")]
pub fn record<H: Host>(
    host: &H,
    started: Timestamp,
    head: &Parts,
    id: &str,
    client: Client,
    trace: &Trace,
    response: &Response<Bytes>,
    error: Option<&Error>,
) {
    macro_rules! say {
        ($level:ident $(, $field:ident = $value:expr)*) => {
            tracing::$level!(
                target: "request",
                method = %head.method,
                path = head.uri.path(),
                route = trace.route,
                status = response.status().as_u16(),
                duration_ms = host.now().millis() - started.millis(),
                request_id = id,
                address = %client.address,
                user = trace.user.map(tracing::field::display),
                $($field = $value,)*
                "request"
            )
        };
    }
    match error {
        Some(Error { code, cause: Some(cause), .. }) => {
            say!(error, code = code.as_str(), cause = cause.as_str());
        }
        Some(Error { code, .. }) => say!(info, code = code.as_str()),
        None if trace.route.is_some_and(transport::is_probe) => say!(debug),
        None => say!(info),
    }
}
