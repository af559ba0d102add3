use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Leg;

/// The name of a run in its orders' ids: six of `a`–`z` and `0`–`9`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunTag([u8; 6]);

impl RunTag {
    /// The tag of a number, modulo 36⁶.
    pub fn new(number: u64) -> Self {
        let mut rest = number;
        Self([0; 6].map(|_: u8| {
            let digit = DIGITS[(rest % 36) as usize];
            rest /= 36;
            digit
        }))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl fmt::Display for RunTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RunTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunTag({self})")
    }
}

impl FromStr for RunTag {
    type Err = ClientOrderIdError;

    fn from_str(text: &str) -> Result<Self, ClientOrderIdError> {
        let bytes: Result<[u8; 6], _> = text.as_bytes().try_into();
        match bytes {
            Ok(bytes) if bytes.iter().all(|b| DIGITS.contains(b)) => Ok(Self(bytes)),
            _ => Err(ClientOrderIdError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for RunTag {
    type Error = ClientOrderIdError;

    fn try_from(text: String) -> Result<Self, ClientOrderIdError> {
        text.parse()
    }
}

impl From<RunTag> for String {
    fn from(tag: RunTag) -> Self {
        tag.to_string()
    }
}

/// The id under which we know an order at a venue: derived from the run and a sequence number, so
/// that an order sent again after a crash is the same order to the venue.
///
/// `tp`, the run's tag, `-`, the sequence in base 36, and for a leg of a protective pair `s` or
/// `t` after a `.`: at most 18 characters of `a`–`z`, `0`–`9`, `-` and `.`, which every supported
/// venue takes.
///
/// ```
/// use tradepulse_core::order::{ClientOrderId, Leg, RunTag};
/// let id = ClientOrderId::new(RunTag::new(1), 71);
/// assert_eq!(id.to_string(), "tp100000-1z");
/// assert_eq!(id.leg(Leg::Stop).to_string(), "tp100000-1z.s");
/// assert_eq!("tp100000-1z.s".parse(), Ok(id.leg(Leg::Stop)));
/// assert!("web_4711".parse::<ClientOrderId>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientOrderId {
    run: RunTag,
    sequence: u32,
    leg: Option<Leg>,
}

impl ClientOrderId {
    /// The id of a run's order.
    pub const fn new(run: RunTag, sequence: u32) -> Self {
        Self { run, sequence, leg: None }
    }

    /// The id of one leg of the protective pair that this is the id of.
    #[must_use]
    pub const fn leg(self, leg: Leg) -> Self {
        Self { leg: Some(leg), ..self }
    }

    /// The id without the leg.
    #[must_use]
    pub const fn group(self) -> Self {
        Self { leg: None, ..self }
    }

    /// The run it belongs to.
    pub const fn run(self) -> RunTag {
        self.run
    }

    /// Number within the run.
    pub const fn sequence(self) -> u32 {
        self.sequence
    }

    /// Which leg it names, if it names one.
    pub const fn which_leg(self) -> Option<Leg> {
        self.leg
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 7];
        let (mut at, mut rest) = (digits.len(), self.sequence as usize);
        loop {
            at -= 1;
            digits[at] = DIGITS[rest % 36];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        let sequence = std::str::from_utf8(&digits[at..]).unwrap_or_default();
        let leg = match self.leg {
            None => "",
            Some(Leg::Stop) => ".s",
            Some(Leg::Target) => ".t",
        };
        write!(f, "tp{}-{sequence}{leg}", self.run)
    }
}

impl fmt::Debug for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientOrderId({self})")
    }
}

impl FromStr for ClientOrderId {
    type Err = ClientOrderIdError;

    fn from_str(text: &str) -> Result<Self, ClientOrderIdError> {
        let foreign = || ClientOrderIdError(text.to_owned());
        let (run, rest) =
            text.strip_prefix("tp").and_then(|rest| rest.split_once('-')).ok_or_else(foreign)?;
        let (sequence, leg) = match rest.split_once('.') {
            None => (rest, None),
            Some((sequence, "s")) => (sequence, Some(Leg::Stop)),
            Some((sequence, "t")) => (sequence, Some(Leg::Target)),
            Some(_) => return Err(foreign()),
        };
        let sequence = u32::from_str_radix(sequence, 36).map_err(|_| foreign())?;
        let id = Self { run: run.parse()?, sequence, leg };
        if id.to_string() == text { Ok(id) } else { Err(foreign()) }
    }
}

impl TryFrom<String> for ClientOrderId {
    type Error = ClientOrderIdError;

    fn try_from(text: String) -> Result<Self, ClientOrderIdError> {
        text.parse()
    }
}

impl From<ClientOrderId> for String {
    fn from(id: ClientOrderId) -> Self {
        id.to_string()
    }
}

/// Not an id that we gave: somebody else's order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an order id of ours")]
pub struct ClientOrderIdError(String);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_are_short_and_read_back(run in any::<u64>(), sequence in any::<u32>(), leg in 0..3) {
            let id = ClientOrderId::new(RunTag::new(run), sequence);
            let id = match leg { 0 => id, 1 => id.leg(Leg::Stop), _ => id.leg(Leg::Target) };
            let text = id.to_string();
            prop_assert!(text.len() <= 18, "{}", text);
            prop_assert_eq!(text.parse::<ClientOrderId>(), Ok(id));
        }

        #[test]
        fn foreign_ids_are_told_apart(text in ".{0,20}") {
            if let Ok(id) = text.parse::<ClientOrderId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
