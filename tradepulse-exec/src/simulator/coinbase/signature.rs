use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde_json::Value;

use super::super::server::Request;
use super::super::venue::Venue;
use super::refusal::Refusal;
use crate::private_key::PrivateKey;

/// How long a token may be good for, seconds.
const MOST_LIFE_S: i64 = 120;
/// How far ahead of the venue's clock a token may be, seconds.
const AHEAD_S: i64 = 5;

/// Whether a request is the account's, is of now, and is the one that its token was made for.
pub(super) fn check(venue: &Venue, request: &Request) -> Result<(), Refusal> {
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer "));
    let claims = token.and_then(|token| claims(venue, token)).ok_or_else(Refusal::unauthorized)?;
    let host = request.headers.get("host").and_then(|value| value.to_str().ok());
    let named = [&claims["uri"], &claims["uris"][0]].into_iter().find_map(Value::as_str);
    // Clients that were told another address may name it with its scheme.
    let matches = named.and_then(|named| named.split_once(' ')).is_some_and(|(method, address)| {
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        let rest = [host, Some("api.coinbase.com")]
            .into_iter()
            .flatten()
            .find_map(|host| address.strip_prefix(host));
        method == request.method.as_str() && rest == Some(request.path.as_str())
    });
    if matches { Ok(()) } else { Err(Refusal::unauthorized()) }
}

/// The same for a subscription, which names no address.
pub(super) fn check_stream(venue: &Venue, token: &str) -> bool {
    claims(venue, token).is_some()
}

/// What a token says, if the account's key has signed it and it is of now.
fn claims(venue: &Venue, token: &str) -> Option<Value> {
    let own = venue.key.as_ref()?.key.as_str();
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
    };
    let (header, claims) = (read(header)?, read(claims)?);
    let key = venue.private_key.as_ref()?;
    let verified = {
        let signature = BASE64URL.decode(signature).ok()?;
        let (algorithm, signed) = (key.algorithm(), signed.as_bytes());
        let verified = match key {
            PrivateKey::P256(_) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key())
                    .verify(signed, &signature)
            }
            PrivateKey::Ed25519(_) => {
                UnparsedPublicKey::new(&ED25519, key.public_key()).verify(signed, &signature)
            }
        };
        header["alg"] == algorithm && verified.is_ok()
    };
    let named = header["kid"] == own && claims["sub"] == own;
    let issued = matches!(claims["iss"].as_str(), Some("cdp" | "coinbase-cloud"));
    let has_nonce = header["nonce"].as_str().is_some_and(|nonce| !nonce.is_empty());
    let (from, until) = (claims["nbf"].as_i64()?, claims["exp"].as_i64()?);
    let now_s = venue.now_ms().div_euclid(1_000);
    let is_now = from <= now_s + AHEAD_S
        && until > venue.oldest_ms(0.0).div_euclid(1_000)
        && until - from <= MOST_LIFE_S;
    (verified && named && issued && has_nonce && is_now).then_some(claims)
}
