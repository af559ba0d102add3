use ring::hmac;

use super::super::server::Request;
use super::super::venue::Venue;
use super::parameters::Parameters;
use super::refusal::Refusal;

/// How old a request may be where it does not say, milliseconds.
const RECV_WINDOW_MS: i64 = 5_000;

pub(super) fn check_key(venue: &Venue, request: &Request) -> Result<(), Refusal> {
    is_key(venue, request.api_key.as_deref())
}

fn is_key(venue: &Venue, key: Option<&str>) -> Result<(), Refusal> {
    let refused = |code, message| Err(Refusal { status: 401, ..Refusal::new(code, message) });
    match (key, &venue.key) {
        (None | Some(""), _) => refused(-2014, "API-key format invalid."),
        (Some(given), Some(own)) if given == own.key => Ok(()),
        _ => refused(-2015, "Invalid API-key, IP, or permissions for action."),
    }
}

/// Whether a signed request is the account's, is of now, and is as it was signed.
pub(super) fn check(
    venue: &Venue,
    request: &Request,
    parameters: &Parameters,
) -> Result<(), Refusal> {
    check_key(venue, request)?;
    // Query and body are signed one after the other, without anything between them.
    let payload = format!("{}{}", unsigned(&request.query), unsigned(&request.body));
    is_signed(venue, parameters, &payload)
}

/// The same for a request over the WebSocket API.
pub(super) fn check_by_stream(venue: &Venue, parameters: &Parameters) -> Result<(), Refusal> {
    is_key(venue, parameters.get("apiKey"))?;
    is_signed(venue, parameters, &parameters.sorted_payload())
}

fn is_signed(venue: &Venue, parameters: &Parameters, payload: &str) -> Result<(), Refusal> {
    let timestamp: i64 = parameters.read_required("timestamp")?;
    let signature = parameters.require("signature")?;
    let window: f64 = parameters.read("recvWindow")?.unwrap_or(RECV_WINDOW_MS as f64);
    let secret = venue.key.as_ref().map_or("", |key| key.secret.expose());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = bytes(signature).unwrap_or_default();
    if hmac::verify(&key, payload.as_bytes(), &signature).is_err() {
        return Err(Refusal::new(-1022, "Signature for this request is not valid."));
    }
    // Some clients send microseconds.
    let timestamp = if timestamp > 100_000_000_000_000 { timestamp / 1_000 } else { timestamp };
    let now_ms = venue.now_ms();
    if timestamp >= now_ms + 1_000 {
        let message = "Timestamp for this request was 1000ms ahead of the server's time.";
        return Err(Refusal::new(-1021, message));
    }
    if timestamp < venue.oldest_ms(window) {
        let message = "Timestamp for this request is outside of the recvWindow.";
        return Err(Refusal::new(-1021, message));
    }
    Ok(())
}

/// The text without its signature.
fn unsigned(text: &str) -> String {
    let pairs = text.split('&').filter(|pair| !pair.starts_with("signature="));
    pairs.collect::<Vec<_>>().join("&")
}

/// The bytes of a hexadecimal text.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.chunks_exact(2).map(byte).collect()
}
