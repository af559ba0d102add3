use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datatype {
    Fp64,
    Fp32,
    Int64,
    Int32,
}

impl Datatype {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "FP64" => Ok(Self::Fp64),
            "FP32" => Ok(Self::Fp32),
            "INT64" => Ok(Self::Int64),
            "INT32" => Ok(Self::Int32),
            other => Err(format!("datatype {other:?} is not taken: FP64, FP32, INT64 or INT32")),
        }
    }

    /// Bytes of an element.
    const fn size(self) -> usize {
        match self {
            Self::Fp64 | Self::Int64 => 8,
            Self::Fp32 | Self::Int32 => 4,
        }
    }

    /// Elements, little endian.
    fn decode(self, bytes: &[u8]) -> Vec<f64> {
        let (eights, fours) = (bytes.as_chunks::<8>().0, bytes.as_chunks::<4>().0);
        match self {
            Self::Fp64 => eights.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            Self::Int64 => eights.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
            Self::Fp32 => fours.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            Self::Int32 => fours.iter().map(|b| f64::from(i32::from_le_bytes(*b))).collect(),
        }
    }
}

/// A tensor of a request: its elements as JSON, or as bytes behind the JSON.
#[derive(Deserialize)]
pub(super) struct SentTensor {
    pub(super) name: String,
    shape: Vec<u64>,
    datatype: String,
    #[serde(default)]
    parameters: TensorParameters,
    data: Option<Elements>,
}

#[derive(Default, Deserialize)]
struct TensorParameters {
    binary_data_size: Option<usize>,
}

impl SentTensor {
    /// Rows of `width` elements; takes its bytes from the front of `binary`.
    pub(super) fn rows(self, width: usize, binary: &mut &[u8]) -> Result<Vec<f64>, String> {
        let datatype = Datatype::parse(&self.datatype)?;
        let whole = match self.shape[..] {
            [_, columns] => columns == width as u64,
            [columns] => columns == width as u64,
            _ => false,
        };
        if !whole {
            return Err(format!("shape {:?} is not [rows, {width}]", self.shape));
        }
        let rows = if self.shape.len() == 2 { self.shape[0] } else { 1 };
        let count = usize::try_from(rows).ok().and_then(|rows| rows.checked_mul(width));
        let count = count.ok_or("the shape is too large")?;
        match (self.parameters.binary_data_size, self.data) {
            (Some(_), Some(_)) => Err("has both data and binary_data_size".to_owned()),
            (None, None) => Err("has neither data nor binary_data_size".to_owned()),
            (Some(size), None) => {
                if Some(size) != count.checked_mul(datatype.size()) {
                    return Err(format!("{size} bytes are not those of its shape"));
                }
                let Some((bytes, rest)) = binary.split_at_checked(size) else {
                    return Err(format!("{size} bytes are promised, {} are there", binary.len()));
                };
                *binary = rest;
                Ok(datatype.decode(bytes))
            }
            (None, Some(Elements(values))) => {
                if values.len() != count {
                    return Err(format!("{} elements, the shape has {count}", values.len()));
                }
                Ok(values)
            }
        }
    }
}

/// Elements one after the other, however they are nested.
struct Elements(Vec<f64>);

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut values = Vec::new();
        AddTo(&mut values).deserialize(deserializer)?;
        Ok(Self(values))
    }
}

/// Adds an element, or all of an array.
struct AddTo<'a>(&'a mut Vec<f64>);

impl<'de> DeserializeSeed<'de> for AddTo<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AddTo<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(AddTo(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.push(value);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    /// How JSON says that a value is missing.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_f64(f64::NAN)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        Err(E::custom(format_args!("{text:?} is no number")))
    }
}
