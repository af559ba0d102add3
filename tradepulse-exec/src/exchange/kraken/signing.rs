//! Signatures of requests: HMAC-SHA512 over the path and a digest of nonce and body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac};
use zeroize::Zeroizing;

use super::KrakenError;
use crate::secret::Secret;

/// A key of an account: what it is called, and what it signs with.
pub struct Credentials {
    key: Secret,
    signer: hmac::Key,
}

impl Credentials {
    /// `secret` is the private key as the venue shows it, base64.
    ///
    /// # Errors
    /// [`KrakenError::Secret`] if it is not base64.
    pub fn new(key: Secret, secret: &Secret) -> Result<Self, KrakenError> {
        let bytes = BASE64.decode(secret.expose().trim()).map_err(|_| KrakenError::Secret)?;
        let bytes = Zeroizing::new(bytes);
        Ok(Self { key, signer: hmac::Key::new(hmac::HMAC_SHA512, &bytes) })
    }

    /// The name of the key, which is sent with requests.
    pub(super) const fn key(&self) -> &Secret {
        &self.key
    }

    /// The signature (`API-Sign`) of a request to this path with this body, which has the nonce in
    /// it.
    pub fn sign(&self, path: &str, nonce: u64, body: &str) -> String {
        let mut digest = digest::Context::new(&digest::SHA256);
        digest.update(nonce.to_string().as_bytes());
        digest.update(body.as_bytes());
        let mut signature = hmac::Context::with_key(&self.signer);
        signature.update(path.as_bytes());
        signature.update(digest.finish().as_ref());
        BASE64.encode(signature.sign())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(HMAC-SHA512, ***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::parameters::Parameters;

    /// The example of the venue's documentation.
    #[test]
    fn requests_are_signed_as_documented() {
        let secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj\
                      6F1huXg==";
        let credentials = Credentials::new(Secret::new("key"), &Secret::new(secret)).unwrap();
        let body = Parameters::new()
            .with("nonce", 1_616_492_376_594_u64)
            .with("ordertype", "limit")
            .with("pair", "XBTUSD")
            .with("price", 37_500)
            .with("type", "buy")
            .with("volume", "1.25");
        let signature = credentials.sign("/0/private/AddOrder", 1_616_492_376_594, &body.encode());
        assert_eq!(
            signature,
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
        );
    }

    #[test]
    fn secrets_are_not_printed_and_nonsense_is_refused() {
        let secret = Secret::new("c2VjcmV0");
        let credentials = Credentials::new(Secret::new("named"), &secret).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials(HMAC-SHA512, ***)");
        let error = Credentials::new(Secret::new("named"), &Secret::new("no-base64!")).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("no-base64") && !shown.contains("named"), "{shown}");
    }

    #[test]
    fn values_are_encoded() {
        let form = Parameters::new().with("price", "+1").with("oflags", "fciq,post");
        assert_eq!(form.encode(), "price=%2B1&oflags=fciq%2Cpost");
    }
}
