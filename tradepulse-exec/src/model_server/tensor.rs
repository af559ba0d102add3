use serde::Deserialize;
use serde_json::Value;

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
    data: Option<Value>,
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
            (None, Some(data)) => {
                let mut values = Vec::new();
                flatten(&data, &mut values)?;
                if values.len() != count {
                    return Err(format!("{} elements, the shape has {count}", values.len()));
                }
                Ok(values)
            }
        }
    }
}

/// Elements one after the other, however they are nested.
fn flatten(data: &Value, values: &mut Vec<f64>) -> Result<(), String> {
    match data {
        Value::Array(items) => items.iter().try_for_each(|item| flatten(item, values)),
        Value::Number(number) => {
            values.push(number.as_f64().ok_or_else(|| format!("{number} is no number"))?);
            Ok(())
        }
        // How JSON says that a value is missing.
        Value::Null => {
            values.push(f64::NAN);
            Ok(())
        }
        other => Err(format!("{other} is no number")),
    }
}
