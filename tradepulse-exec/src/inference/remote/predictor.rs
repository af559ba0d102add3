use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tradepulse_core::inference::{Predictor, PredictorError, Rows, Signature};

use super::client::{Client, Failure, Response};
use super::{RemoteError, RemoteSettings};

/// A model of one input and one output tensor behind the Open Inference Protocol.
#[derive(Debug)]
pub struct RemotePredictor {
    client: Client,
    path: String,
    input: Tensor,
    output: Tensor,
}

#[derive(Clone, Debug, Deserialize)]
struct Tensor {
    name: String,
    datatype: Datatype,
    shape: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Datatype {
    #[serde(rename = "FP64")]
    Fp64,
    #[serde(rename = "FP32")]
    Fp32,
}

impl Datatype {
    const fn name(self) -> &'static str {
        match self {
            Self::Fp64 => "FP64",
            Self::Fp32 => "FP32",
        }
    }

    fn encode(self, values: &[f64]) -> Vec<u8> {
        match self {
            Self::Fp64 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Fp32 => values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<Vec<f64>> {
        match self {
            Self::Fp64 => {
                let (values, rest) = bytes.as_chunks();
                rest.is_empty().then(|| values.iter().map(|b| f64::from_le_bytes(*b)).collect())
            }
            Self::Fp32 => {
                let (values, rest) = bytes.as_chunks();
                let value = |b: &[u8; 4]| f64::from(f32::from_le_bytes(*b));
                rest.is_empty().then(|| values.iter().map(value).collect())
            }
        }
    }
}

impl Tensor {
    /// Elements of a row of a shape `[-1, n]`.
    fn width(&self) -> Option<usize> {
        match self.shape[..] {
            [_, width] => usize::try_from(width).ok().filter(|width| *width > 0),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Metadata {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

#[derive(Deserialize)]
struct Answer {
    outputs: Vec<AnsweredTensor>,
}

#[derive(Deserialize)]
struct AnsweredTensor {
    name: String,
    datatype: Datatype,
    data: Option<Vec<f64>>,
}

impl RemotePredictor {
    /// Asks the server what the model called `name` is like.
    ///
    /// # Errors
    /// If it does not answer, or the model has not one input and one output of a known width.
    pub async fn connect(settings: RemoteSettings, name: &str) -> Result<Self, RemoteError> {
        let client = Client::new(settings)?;
        let url = client.url().to_owned();
        let error = |problem: String| RemoteError { url: url.clone(), problem };
        let safe = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !safe {
            return Err(error(format!("{name:?} is no name of a model")));
        }
        let path = format!("/v2/models/{name}");
        let understood = |response: &Response| {
            serde_json::from_slice::<Metadata>(&response.body).map_err(|e| e.to_string())
        };
        let Metadata { inputs, outputs } = client
            .get(&path, understood)
            .await
            .map_err(|failure| error(told(failure, client.deadline_ms()).to_string()))?;
        let one = |tensors: Vec<Tensor>, what: &str| {
            let count = tensors.len();
            <[Tensor; 1]>::try_from(tensors)
                .ok()
                .map(|[tensor]| tensor)
                .filter(|tensor| tensor.width().is_some())
                .ok_or_else(|| error(format!("{count} {what}s, expected one of shape [-1, n]")))
        };
        let (input, output) = (one(inputs, "input")?, one(outputs, "output")?);
        Ok(Self { client, path: format!("{path}/infer"), input, output })
    }

    /// The values of the one output.
    fn outputs(&self, response: &Response, expected: usize) -> Result<Vec<f64>, String> {
        let length = response.headers.get("inference-header-content-length");
        let (text, bytes) = match length {
            None => (response.body.as_slice(), [].as_slice()),
            Some(length) => length
                .to_str()
                .ok()
                .and_then(|length| response.body.split_at_checked(length.parse().ok()?))
                .ok_or("the length of its JSON is none")?,
        };
        let answer: Answer = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let output = answer.outputs.into_iter().find(|output| output.name == self.output.name);
        let output = output.ok_or_else(|| format!("there is no output {:?}", self.output.name))?;
        let values = match output.data {
            Some(values) => values,
            None => output.datatype.decode(bytes).ok_or("its bytes are no whole values")?,
        };
        if values.len() == expected {
            Ok(values)
        } else {
            Err(format!("{} values, expected {expected}", values.len()))
        }
    }
}

#[async_trait]
impl Predictor for RemotePredictor {
    fn signature(&self) -> Signature {
        let width = |tensor: &Tensor| tensor.width().unwrap_or_default();
        Signature { inputs: width(&self.input), outputs: width(&self.output) }
    }

    async fn predict(&self, rows: Rows<'_>) -> Result<Vec<f64>, PredictorError> {
        PredictorError::check_width(&rows, self.signature())?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.input.datatype.encode(rows.values());
        let head = json!({
            "inputs": [{
                "name": self.input.name,
                "shape": [rows.len(), rows.width()],
                "datatype": self.input.datatype.name(),
                "parameters": { "binary_data_size": bytes.len() },
            }],
            "outputs": [{ "name": self.output.name, "parameters": { "binary_data": true } }],
        });
        let mut body = head.to_string().into_bytes();
        let length = body.len();
        body.extend(bytes);
        let expected = rows.len() * self.signature().outputs;
        let asked = self
            .client
            .post(&self.path, &body, Some(length), |response| self.outputs(response, expected));
        let outputs = asked.await.map_err(|failure| told(failure, self.client.deadline_ms()))?;
        PredictorError::check_finite(&outputs, self.signature())?;
        Ok(outputs)
    }
}

fn told(failure: Failure, limit_ms: u64) -> PredictorError {
    match failure {
        Failure::Late => PredictorError::Late { limit_ms },
        Failure::Unavailable(reason) => PredictorError::Unavailable { reason },
        Failure::Refused(reason) | Failure::Malformed(reason) => PredictorError::Failed { reason },
    }
}
