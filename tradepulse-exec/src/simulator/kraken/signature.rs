use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac};

use super::super::server::Request;
use super::super::venue::Venue;
use super::form::Form;
use super::refusal::Refusal;

/// Whether a request is the account's, is as it was signed, and later than all before it.
pub(super) fn check(venue: &mut Venue, request: &Request, form: &Form) -> Result<(), Refusal> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let own = venue.key.as_ref().filter(|own| header("api-key") == Some(own.key.as_str()));
    let own = own.ok_or_else(|| Refusal::new("EAPI:Invalid key"))?;
    let wrong = || Refusal::new("EAPI:Invalid signature");
    let nonce = form.get("nonce").ok_or_else(|| Refusal::new("EAPI:Invalid nonce"))?;
    let mut digested = digest::Context::new(&digest::SHA256);
    digested.update(nonce.as_bytes());
    digested.update(request.body.as_bytes());
    let mut payload = request.path.clone().into_bytes();
    payload.extend(digested.finish().as_ref());
    let secret = BASE64.decode(own.secret.expose()).map_err(|_| wrong())?;
    let signature = BASE64.decode(header("api-sign").unwrap_or_default()).map_err(|_| wrong())?;
    let key = hmac::Key::new(hmac::HMAC_SHA512, &secret);
    hmac::verify(&key, &payload, &signature).map_err(|_| wrong())?;
    let nonce: u64 = nonce.parse().map_err(|_| Refusal::new("EAPI:Invalid nonce"))?;
    if nonce <= venue.nonce {
        return Err(Refusal::new("EAPI:Invalid nonce"));
    }
    venue.nonce = nonce;
    Ok(())
}
