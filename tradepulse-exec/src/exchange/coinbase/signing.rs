//! Tokens of requests: JWT, one for each, signed with ES256 or EdDSA as the key is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use tradepulse_core::time::Timestamp;

use crate::private_key::{PrivateKey, PrivateKeyError};
use crate::secret::Secret;

/// How long a token is good for, seconds.
pub(super) const TOKEN_LIFE_S: i64 = 120;

/// A key of an account: what it is called, and what it signs with.
pub struct Credentials {
    key: Secret,
    private: PrivateKey,
}

impl Credentials {
    /// `key` is the name of the key (`organizations/…/apiKeys/…`, or its id); `secret` its private
    /// key, in any form that [`PrivateKey::read`] takes.
    ///
    /// # Errors
    /// [`PrivateKeyError`] if it is no such key.
    pub fn new(key: Secret, secret: &Secret) -> Result<Self, PrivateKeyError> {
        // Both come from JSON files, and are copied with what is around them.
        let name = key.expose().trim().trim_matches('"');
        Ok(Self { key: Secret::new(name), private: PrivateKey::read(secret)? })
    }

    /// The token of a request. `uri` is `METHOD host/path` without the query; a subscription to a
    /// stream has none.
    ///
    /// # Errors
    /// [`PrivateKeyError::Failed`].
    pub fn token(&self, uri: Option<&str>, now: Timestamp) -> Result<Secret, PrivateKeyError> {
        let mut nonce = [0; 16];
        SystemRandom::new().fill(&mut nonce).map_err(|_| PrivateKeyError::Failed)?;
        let key = self.key.expose();
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        let header = json!({
            "alg": self.private.algorithm(), "kid": key, "nonce": nonce, "typ": "JWT",
        });
        let seconds = now.as_ms().div_euclid(1_000);
        let mut claims = json!({
            "iss": "cdp", "sub": key, "nbf": seconds, "exp": seconds + TOKEN_LIFE_S,
        });
        if let Some(uri) = uri {
            claims["uri"] = uri.into();
        }
        let part = |value: serde_json::Value| BASE64URL.encode(value.to_string());
        let mut token = format!("{}.{}", part(header), part(claims));
        let signature = self.private.sign(token.as_bytes())?;
        token.push('.');
        BASE64URL.encode_string(signature, &mut token);
        Ok(Secret::new(token))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ***)", self.private.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    const SEED: &str = "1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEI=";

    #[test]
    fn a_token_says_who_asks_for_what_and_until_when() {
        let credentials = Credentials::new(Secret::new("\"org/key\""), &Secret::new(SEED)).unwrap();
        let now = Timestamp::from_ms(1_700_000_000_999);
        let uri = "GET api.coinbase.com/api/v3/brokerage/accounts";
        let token = credentials.token(Some(uri), now).unwrap();
        let (signed, signature) = token.expose().rsplit_once('.').unwrap();
        let public = PrivateKey::read(&Secret::new(SEED)).unwrap();
        UnparsedPublicKey::new(&ED25519, public.public_key())
            .verify(signed.as_bytes(), &BASE64URL.decode(signature).unwrap())
            .unwrap();
        let read = |part: &str| -> Value {
            serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap()
        };
        let (header, claims) = signed.split_once('.').unwrap();
        let (header, claims) = (read(header), read(claims));
        assert_eq!(header["alg"], "EdDSA");
        assert_eq!((&header["kid"], &header["typ"]), (&json!("org/key"), &json!("JWT")));
        assert_eq!(header["nonce"].as_str().unwrap().len(), 32);
        let expected = json!({
            "iss": "cdp", "sub": "org/key", "nbf": 1_700_000_000, "exp": 1_700_000_120, "uri": uri,
        });
        assert_eq!(claims, expected);
        // Each has a nonce of its own; that of a stream names no address.
        let stream = credentials.token(None, now).unwrap();
        assert_ne!(stream, credentials.token(None, now).unwrap());
        let claims = stream.expose().split('.').nth(1).map(read).unwrap();
        assert_eq!(claims.get("uri"), None);
        assert_eq!(format!("{credentials:?} {token:?}"), "Credentials(EdDSA, ***) ***");
    }
}
