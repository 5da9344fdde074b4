//! An answer in the platform's form.

use bytes::Bytes;
use http::Response;
use js_sys::{Reflect, Uint8Array};
use web_sys::{Headers, ResponseInit};

pub fn write(response: &Response<Bytes>) -> worker::Result<web_sys::Response> {
    let headers = Headers::new()?;
    for (name, value) in response.headers() {
        headers.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    let init = ResponseInit::new();
    init.set_status(response.status().as_u16());
    init.set_headers(&headers);
    // The body is as its Content-Encoding says; otherwise the platform would compress it again.
    Reflect::set(&init, &"encodeBody".into(), &"manual".into())?;
    // An answer such as 204 may have no body, not even an empty one.
    let body = response.body();
    let body = (!body.is_empty()).then(|| Uint8Array::from(body.as_ref()));
    Ok(web_sys::Response::new_with_opt_js_u8_array_and_init(body.as_ref(), &init)?)
}
