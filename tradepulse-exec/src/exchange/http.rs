use std::time::Duration;

/// A client for a venue. It follows no redirect: a key would go with it. Where the process has no
/// provider of TLS yet, it gets ring.
pub(super) fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    install_tls();
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tradepulse/", env!("CARGO_PKG_VERSION")))
        .build()
}

pub(super) fn install_tls() {
    // An error means that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Everything but the unreserved characters of RFC 3986 becomes `%XX`.
pub(super) fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The error and its causes, without the URL, which may hold a signature.
pub(super) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// The beginning of an answer that was not understood, as one line.
pub(super) fn shortened(body: &str) -> String {
    body.chars().filter(|c| !c.is_control()).take(200).collect()
}
