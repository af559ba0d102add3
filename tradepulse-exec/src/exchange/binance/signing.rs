//! Signatures of requests: HMAC-SHA256, Ed25519 or RSA, as the key is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A key of an account: what it is called, and what it signs with.
pub struct Credentials {
    key: Secret,
    signer: Signer,
}

enum Signer {
    Hmac(hmac::Key),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl Credentials {
    /// `secret` is the secret of an HMAC key, or the private key of an Ed25519 or RSA key as PEM.
    ///
    /// # Errors
    /// [`SigningError`] if it begins like PEM and is none, or of another kind of key.
    pub fn new(key: Secret, secret: &Secret) -> Result<Self, SigningError> {
        let text = secret.expose().trim();
        let signer = match pem(text)? {
            Some(Pem { label: "PRIVATE KEY", der }) => {
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
                    Ok(pair) => Signer::Ed25519(Box::new(pair)),
                    Err(_) => {
                        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| SigningError::Kind)?;
                        Signer::Rsa(Box::new(pair))
                    }
                }
            }
            Some(Pem { label: "RSA PRIVATE KEY", der }) => {
                Signer::Rsa(Box::new(RsaKeyPair::from_der(&der).map_err(|_| SigningError::Kind)?))
            }
            Some(_) => return Err(SigningError::Kind),
            None => Signer::Hmac(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())),
        };
        Ok(Self { key, signer })
    }

    /// The name of the key, which is sent with requests.
    pub(super) fn key(&self) -> &Secret {
        &self.key
    }

    /// The signature of exactly these bytes: hexadecimal for HMAC, else base64.
    ///
    /// # Errors
    /// [`SigningError::Failed`].
    pub fn sign(&self, payload: &str) -> Result<String, SigningError> {
        match &self.signer {
            Signer::Hmac(key) => Ok(hex(hmac::sign(key, payload.as_bytes()).as_ref())),
            Signer::Ed25519(pair) => Ok(BASE64.encode(pair.sign(payload.as_bytes()))),
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, payload.as_bytes(), &mut signature)
                    .map_err(|_| SigningError::Failed)?;
                Ok(BASE64.encode(signature))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.signer {
            Signer::Hmac(_) => "HMAC-SHA256",
            Signer::Ed25519(_) => "Ed25519",
            Signer::Rsa(_) => "RSA",
        };
        write!(f, "Credentials({kind}, ***)")
    }
}

/// A PEM text: what it says it is, and its content.
struct Pem<'a> {
    label: &'a str,
    der: Zeroizing<Vec<u8>>,
}

/// `None` if the text is no PEM.
fn pem(text: &str) -> Result<Option<Pem<'_>>, SigningError> {
    let Some(rest) = text.strip_prefix("-----BEGIN ") else { return Ok(None) };
    let (label, rest) = rest.split_once("-----").ok_or(SigningError::Pem)?;
    let (body, _) = rest.split_once("-----END ").ok_or(SigningError::Pem)?;
    let body: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let der = BASE64.decode(body.as_bytes()).map_err(|_| SigningError::Pem)?;
    Ok(Some(Pem { label, der: Zeroizing::new(der) }))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// A key that cannot sign. The error has nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// It begins like PEM, and is none.
    #[error("the API secret begins like a PEM file and is none: give the whole file")]
    Pem,
    /// PEM of something else.
    #[error("the API secret is PEM, but no private key of Ed25519 (PKCS #8) or RSA")]
    Kind,
    /// The signature could not be made.
    #[error("the request could not be signed")]
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the venue's documentation.
    #[test]
    fn hmac_signs_as_documented() {
        let secret =
            Secret::new("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j");
        let credentials = Credentials::new(Secret::new("key"), &secret).unwrap();
        for (payload, signature) in [
            (
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
                "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                "timestamp=1578963600000",
                "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
            ),
        ] {
            assert_eq!(credentials.sign(payload).unwrap(), signature);
        }
        let shown = format!("{credentials:?}");
        assert!(shown.contains("HMAC") && !shown.contains("Nhq") && !shown.contains("key"));
    }

    /// The key pair of RFC 8410 and a signature that its public key verifies.
    #[test]
    fn ed25519_signs() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
        let credentials = Credentials::new(Secret::new("key"), &Secret::new(pem)).unwrap();
        let signature = BASE64.decode(credentials.sign("timestamp=1").unwrap()).unwrap();
        let public = BASE64.decode("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").unwrap();
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        assert!(public.verify(b"timestamp=1", &signature).is_ok());
        assert!(public.verify(b"timestamp=2", &signature).is_err());
    }

    /// A key made for this test, and what OpenSSL signs with it.
    #[test]
    fn rsa_signs() {
        let pem = include_str!("../../../tests/keys/rsa_for_tests.pem");
        let credentials = Credentials::new(Secret::new("key"), &Secret::new(pem)).unwrap();
        let signature = "fEGMIOjAqfZxQlukkRQ+uOqbPiG23lElNEsuX0baTSPXboiptNMKR8cFL6VJdE51bI379k3+Cyxs+yd6VvdUcj\
             tL9yuSAmSLEUHPTf8Y/FzCLtfsHBXQLOANtQwUp18jUcAmfZD9/kZBBLYeHGgttw+xiTKEmP/M76ZqHH3lAIDC\
             rsDvvpFFy+qobBd/SELlC1rpe2eXrpzBul0I6ek6O1gIrlWxs4K7sfGaskeZtZAqnofG6fRqbIGrCrL9oiEHyh\
             c2Gx3JtiCWEKX7u8bNJZNUGBxa5wmq2aMxqXAZ9wcHc/i5A/MJWeoIFPB7ZAMr/s3Fr7JaBT52ZstkujsAJg==";
        assert_eq!(credentials.sign("symbol=BTCUSDT&timestamp=1668481559918").unwrap(), signature);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        for (text, error) in [
            ("-----BEGIN PRIVATE KEY-----\nnonsense", SigningError::Pem),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", SigningError::Kind),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", SigningError::Kind),
        ] {
            let found = Credentials::new(Secret::new("key"), &Secret::new(text)).unwrap_err();
            assert_eq!(found, error, "{text}");
        }
    }
}
