//! Private keys as venues hand them out: P-256 and Ed25519.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A key that signs.
pub enum PrivateKey {
    /// ECDSA on the curve P-256 with SHA-256: signatures are `r` and `s`, 32 bytes each.
    P256(Box<EcdsaKeyPair>),
    /// Ed25519.
    Ed25519(Box<Ed25519KeyPair>),
}

impl PrivateKey {
    /// The key in a text: PEM of a P-256 key (`EC PRIVATE KEY`, or PKCS #8) or of an Ed25519 key
    /// (PKCS #8), or the base64 of an Ed25519 key (the seed, with or without the public key behind
    /// it). Line breaks of a PEM may be written as `\n`, as in JSON files.
    ///
    /// # Errors
    /// [`PrivateKeyError`]; it has nothing of the text in it.
    pub fn read(secret: &Secret) -> Result<Self, PrivateKeyError> {
        let text = Zeroizing::new(secret.expose().replace("\\n", "\n"));
        match text.trim().strip_prefix("-----BEGIN ") {
            Some(rest) => Self::of_pem(rest),
            None => Self::of_base64(text.trim()),
        }
    }

    fn of_pem(rest: &str) -> Result<Self, PrivateKeyError> {
        let (label, rest) = rest.split_once("-----").ok_or(PrivateKeyError::Pem)?;
        let (body, _) = rest.split_once("-----END ").ok_or(PrivateKeyError::Pem)?;
        let body: Zeroizing<String> =
            Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        let der = BASE64.decode(body.as_bytes()).map_err(|_| PrivateKeyError::Pem)?;
        let der = Zeroizing::new(der);
        let random = SystemRandom::new();
        match label {
            "EC PRIVATE KEY" => {
                let (private, public) = sec1(&der).ok_or(PrivateKeyError::Kind)?;
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random)
                    .map(|pair| Self::P256(Box::new(pair)))
                    .map_err(|_| PrivateKeyError::Kind)
            }
            "PRIVATE KEY" => {
                let ed25519 = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
                if let Ok(pair) = ed25519 {
                    return Ok(Self::Ed25519(Box::new(pair)));
                }
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random)
                    .map(|pair| Self::P256(Box::new(pair)))
                    .map_err(|_| PrivateKeyError::Kind)
            }
            _ => Err(PrivateKeyError::Kind),
        }
    }

    fn of_base64(text: &str) -> Result<Self, PrivateKeyError> {
        let bytes = Zeroizing::new(BASE64.decode(text).map_err(|_| PrivateKeyError::Text)?);
        let pair = match bytes.len() {
            32 => Ed25519KeyPair::from_seed_unchecked(&bytes),
            64 => Ed25519KeyPair::from_seed_and_public_key(&bytes[..32], &bytes[32..]),
            _ => return Err(PrivateKeyError::Text),
        };
        pair.map(|pair| Self::Ed25519(Box::new(pair))).map_err(|_| PrivateKeyError::Kind)
    }

    /// The name of its algorithm in a token: `ES256` or `EdDSA`.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// The public key: an uncompressed point, or 32 bytes.
    pub fn public_key(&self) -> &[u8] {
        match self {
            Self::P256(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// The signature of these bytes.
    ///
    /// # Errors
    /// [`PrivateKeyError::Failed`].
    pub fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        match self {
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), payload);
                let signature = signature.map_err(|_| PrivateKeyError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(payload).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ***)", self.algorithm())
    }
}

/// The private and the public key of a structure `ECPrivateKey` (RFC 5915): version, private key,
/// and, marked with 0 and 1, the curve and the public key.
fn sec1(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x30, mut rest, _) = element(der)? else { return None };
    let (mut private, mut public) = (None, None);
    while !rest.is_empty() {
        let (tag, content, behind) = element(rest)?;
        match tag {
            0x04 => private = Some(content),
            0xa1 => {
                let (0x03, bits, _) = element(content)? else { return None };
                // The first byte says how many bits of the last one do not count.
                public = bits.strip_prefix(&[0]);
            }
            _ => {}
        }
        rest = behind;
    }
    Some((private?, public?))
}

/// The first element: its tag, its content, and what is behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        _ => return None,
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((*tag, content, behind))
}

/// A text that is no private key of these kinds. The error has nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// It begins like PEM, and is none.
    #[error("the API secret begins like a PEM file and is none: give the whole file")]
    Pem,
    /// It is neither PEM nor base64 of the right length.
    #[error(
        "the API secret is no private key: give the PEM of a P-256 or Ed25519 key, or the base64 \
         of an Ed25519 key (32 or 64 bytes)"
    )]
    Text,
    /// A key of another kind, or one that contradicts itself.
    #[error(
        "the API secret is a key, but none of P-256 with its public key, or of Ed25519: make a new \
         one at the venue"
    )]
    Kind,
    /// The signature could not be made.
    #[error("the request could not be signed")]
    Failed,
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

    use super::*;

    /// Made with OpenSSL for these tests.
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIJWcJR30ToZwCaLcvvg9ezTJ46VdHxDXERbqfDXi1Kw6oAoGCCqGSM49
AwEHoUQDQgAEFoAkS4i0t4Mcsyt8drEMe/IFDEqVBUe4jPkWms5so9bFWi6wdSOr
PJMSrbZURU5tBksx3Ji1TQxBAWL4ZCmSaQ==
-----END EC PRIVATE KEY-----
";
    const PKCS8: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglZwlHfROhnAJoty+
+D17NMnjpV0fENcRFup8NeLUrDqhRANCAAQWgCRLiLS3gxyzK3x2sQx78gUMSpUF
R7iM+Raazmyj1sVaLrB1I6s8kxKttlRFTm0GSzHcmLVNDEEBYvhkKZJp
-----END PRIVATE KEY-----
";
    /// The key pair of RFC 8410.
    const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----";
    const ED25519_SEED: &str = "1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEI=";
    const ED25519_PUBLIC: &str = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    fn read(text: &str) -> PrivateKey {
        PrivateKey::read(&Secret::new(text)).unwrap()
    }

    fn verified(key: &PrivateKey, payload: &[u8], signature: &[u8]) -> bool {
        let public = key.public_key();
        match key {
            PrivateKey::P256(_) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
                .verify(payload, signature)
                .is_ok(),
            PrivateKey::Ed25519(_) => {
                UnparsedPublicKey::new(&ED25519, public).verify(payload, signature).is_ok()
            }
        }
    }

    #[test]
    fn the_same_key_in_any_form_signs_so_that_its_public_key_verifies() {
        let seed = BASE64.decode(ED25519_SEED).unwrap();
        let public = BASE64.decode(ED25519_PUBLIC).unwrap();
        let both = BASE64.encode([seed, public.clone()].concat());
        let escaped = SEC1.replace('\n', "\\n");
        let p256 = [SEC1, PKCS8, &escaped];
        let ed25519 = [ED25519_PEM, ED25519_SEED, &both];
        for (texts, algorithm) in [(p256, "ES256"), (ed25519, "EdDSA")] {
            let first = read(texts[0]);
            for text in texts {
                let key = read(text);
                assert_eq!(key.algorithm(), algorithm);
                assert_eq!(key.public_key(), first.public_key());
                let signature = key.sign(b"payload").unwrap();
                assert_eq!(signature.len(), 64);
                assert!(verified(&first, b"payload", &signature));
                assert!(!verified(&first, b"other", &signature));
            }
        }
        assert_eq!(read(ED25519_PEM).public_key(), public);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        let wrong_pair = BASE64.encode([7; 64]);
        for (text, error) in [
            ("-----BEGIN PRIVATE KEY-----\nnonsense", PrivateKeyError::Pem),
            (
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
                PrivateKeyError::Kind,
            ),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", PrivateKeyError::Kind),
            ("hush hush", PrivateKeyError::Text),
            ("aHVzaA==", PrivateKeyError::Text),
            (&wrong_pair, PrivateKeyError::Kind),
        ] {
            let found = PrivateKey::read(&Secret::new(text)).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("hush"));
        }
        assert_eq!(format!("{:?}", read(SEC1)), "PrivateKey(ES256, ***)");
    }
}
