use bytes::Bytes;
use http::Response;
use trireme_core::{Code, Error, host::Host};

use super::{Arrival, Trace, transport};

/// One record a request. Probes are told at `debug`, faults of ours at `error`; nobody's data,
/// token or address of mail is ever in it.
pub fn record<H: Host>(
    host: &H,
    arrival: &Arrival<'_>,
    trace: &Trace,
    response: &Response<Bytes>,
    error: Option<&Error>,
) {
    let Arrival { started, head, id, client, .. } = arrival;
    macro_rules! say {
        ($level:ident $(, $field:ident = $value:expr)*) => {
            tracing::$level!(
                target: "request",
                method = head.method.as_str(),
                path = head.uri.path(),
                route = trace.route,
                status = response.status().as_u16(),
                duration_ms = host.now().millis() - started.millis(),
                request_id = &**id,
                address = %client.address,
                user = trace.user.map(tracing::field::display),
                $($field = $value,)*
                "request"
            )
        };
    }
    match error {
        // It passes when the migrations are applied, and is told once more by each request.
        Some(Error { code: code @ Code::STARTING, cause: Some(cause), .. }) => {
            say!(warn, code = code.as_str(), cause = cause.as_str());
        }
        Some(Error { code, cause: Some(cause), .. }) => {
            say!(error, code = code.as_str(), cause = cause.as_str());
        }
        Some(Error { code, .. }) => say!(info, code = code.as_str()),
        None if trace.route.is_some_and(transport::is_probe) => say!(debug),
        None => say!(info),
    }
}
