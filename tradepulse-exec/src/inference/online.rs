//! Learns from one outcome after the other, and is judged while it does.
//!
//! Progressive validation (A. Blum, A. Kalai, J. Langford, COLT 1999), with outcomes that come late
//! (P. Joulani et al., ICML 2013): before a sample is learnt from, it is predicted by the learner as
//! it was when the decision was made, that is, without the outcomes that were not known then. The
//! champion is asked about the same samples, if it has not learnt from them. By what both said it is
//! decided, as in [`retraining`](super::retraining), whether the learner serves.
//!
//! It is a function of the samples in their order and of the champions: written and read between any
//! two samples it is the same.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tradepulse_core::inference::{LossDifference, Scores};
use tradepulse_core::time::Timestamp;

use super::bundle::Bundle;
use super::ftrl::{Ftrl, FtrlError, FtrlSettings};
use super::learner::{Learner, Learnt};
use super::retraining::{
    Challenger, LabelledSample, Retrained, RetrainingError, RetrainingPlan, RetrainingReport, ask,
    classes_of, overlap,
};

/// The newest samples, of which it is remembered when they were known. A sample that was decided on
/// before all of them is learnt from, and judges nobody.
const RECENT: usize = 256;

/// Most samples that judge: the newest.
const MOST_JUDGED: usize = 500;

/// How it learns, and when it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlinePlan {
    /// How it learns.
    pub settings: FtrlSettings,
    /// It is judged whenever so many more samples have been predicted, at least 1.
    pub judge_every: u64,
}

impl Default for OnlinePlan {
    /// After every fifty samples.
    fn default() -> Self {
        Self { settings: FtrlSettings::default(), judge_every: 50 }
    }
}

/// A learner beside the champion that serves, with all that it was judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Online {
    /// What it learnt, without the recent samples.
    base: Ftrl,
    /// Nothing in `base` was known later.
    base_known: Option<Timestamp>,
    /// In the order in which they came.
    recent: VecDeque<Recent>,
    /// How often each class was right.
    right: Vec<u64>,
    /// SHA-256 over what it learnt from, hex.
    fingerprint: String,
    /// The version that is compared with.
    champion: Option<u64>,
    judged: VecDeque<Judged>,
    /// Samples that could not judge since the champion serves.
    purged: usize,
    /// Samples that were predicted since it was last judged.
    since: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recent {
    row: Vec<f64>,
    class: usize,
    known: Timestamp,
}

/// What was said about a sample before its outcome was known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    at: Timestamp,
    known: Timestamp,
    class: usize,
    learner: Vec<f64>,
    champion: Vec<f64>,
}

impl Online {
    /// A learner beside `champion` that has seen nothing.
    ///
    /// # Errors
    /// If the champion answers no probabilities, or the settings are out of their ranges.
    pub fn new(settings: FtrlSettings, champion: &Bundle) -> Result<Self, RetrainingError> {
        let about = champion.manifest();
        let (classes, _) = classes_of(about.output)?;
        Ok(Self {
            base: Ftrl::new(settings, about.feature_names.clone(), classes)?,
            base_known: None,
            recent: VecDeque::new(),
            right: vec![0; classes],
            fingerprint: String::new(),
            champion: None,
            judged: VecDeque::new(),
            purged: 0,
            since: 0,
        })
    }

    /// What was written, if its parts fit each other.
    ///
    /// # Errors
    /// If they do not.
    pub fn checked(self) -> Result<Self, FtrlError> {
        let Self { base, recent, right, judged, .. } = &self;
        let base = base.clone().checked()?;
        let (classes, width) = (base.classes(), base.feature_names().len());
        let row = |row: &[f64]| row.len() == width && row.iter().all(|value| value.is_finite());
        let fits = right.len() == classes
            && recent.iter().all(|recent| recent.class < classes && row(&recent.row))
            && judged.iter().all(|judged| {
                let said = [&judged.learner, &judged.champion];
                judged.class < classes && said.iter().all(|said| said.len() == classes)
            });
        if fits { Ok(self) } else { Err(FtrlError::parts()) }
    }

    /// Samples that it learnt from.
    pub fn learnt(&self) -> u64 {
        self.right.iter().sum()
    }

    /// Samples that judge it beside the champion.
    pub fn judged(&self) -> usize {
        self.judged.len()
    }

    /// Whether it is time to [`judge`](Self::judge).
    pub const fn is_due(&self, plan: &OnlinePlan) -> bool {
        let every = if plan.judge_every == 0 { 1 } else { plan.judge_every };
        self.since >= every
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// If a row of a state that was read is none of its model.
    pub fn model(&self) -> Result<Ftrl, RetrainingError> {
        self.with(self.recent.len())
    }

    /// What it was at a time; `None` if it is not remembered.
    fn as_of(&self, at: Timestamp) -> Result<Option<Ftrl>, RetrainingError> {
        if self.base_known > Some(at) {
            return Ok(None);
        }
        let later = self.recent.iter().position(|recent| recent.known > at);
        self.with(later.unwrap_or(self.recent.len())).map(Some)
    }

    /// With the first of the recent samples.
    fn with(&self, count: usize) -> Result<Ftrl, RetrainingError> {
        let mut model = self.base.clone();
        for Recent { row, class, .. } in self.recent.iter().take(count) {
            model.update(row, *class)?;
        }
        Ok(model)
    }

    /// Predicts a sample, asks the champion about it, unless that has learnt from it, and learns from
    /// it. Says whether it was learnt from: not if it has no class.
    ///
    /// # Errors
    /// If the champion has other features or classes than the learner, or cannot be asked; nothing
    /// is learnt then.
    pub async fn observe(
        &mut self,
        sample: &LabelledSample,
        champion: &Bundle,
    ) -> Result<bool, RetrainingError> {
        let about = champion.manifest();
        let (classes, _) = classes_of(about.output)?;
        if self.base.feature_names() != about.feature_names || self.base.classes() != classes {
            return Err(RetrainingError::OtherModel {
                features: self.base.feature_names().join(", "),
            });
        }
        let Some(class) = about.output.class_of(sample.label) else { return Ok(false) };
        let new = Some(sample.at) > about.learnt_to;
        let judged = match self.as_of(sample.at)?.filter(|_| new) {
            Some(then) => Some(Judged {
                at: sample.at,
                known: sample.known,
                class,
                learner: then.probabilities(&sample.row)?,
                champion: ask(champion.model(), about.output, &sample.row, sample.row.len())
                    .await?,
            }),
            None => None,
        };
        let (row, known) = (sample.row.clone(), sample.known);
        // A row that cannot be learnt from is an error before anything changes.
        self.base.probabilities(&row)?;
        if self.champion != Some(about.version) {
            self.champion = Some(about.version);
            self.judged.clear();
            (self.purged, self.since) = (0, 0);
        }
        match judged {
            Some(judged) => {
                self.judged.push_back(judged);
                self.since += 1;
            }
            None => self.purged += 1,
        }
        if self.judged.len() > MOST_JUDGED {
            self.judged.pop_front();
        }
        self.right[class] += 1;
        self.fingerprint = chain(&self.fingerprint, sample, class);
        self.recent.push_back(Recent { row, class, known });
        if self.recent.len() > RECENT
            && let Some(Recent { row, class, known }) = self.recent.pop_front()
        {
            self.base.update(&row, class)?;
            self.base_known = self.base_known.max(Some(known));
        }
        Ok(true)
    }

    /// Whether it is better than `champion` by what both said so far.
    ///
    /// # Errors
    /// If there is too little to judge by, or it cannot be written down.
    pub async fn judge(
        &mut self,
        champion: &Bundle,
        plan: &RetrainingPlan,
    ) -> Result<Retrained, RetrainingError> {
        self.since = 0;
        let about = champion.manifest();
        let (classes, made) = classes_of(about.output)?;
        let samples = usize::try_from(self.learnt()).unwrap_or(usize::MAX);
        if samples < plan.fewest.max(1) {
            return Err(RetrainingError::TooFewSamples { samples, wanted: plan.fewest });
        }
        let wanted = plan.fewest_held_out.max(1);
        let compared = if self.champion == Some(about.version) { self.judged.len() } else { 0 };
        if compared < wanted {
            return Err(RetrainingError::TooFewNew { samples: compared, wanted });
        }
        let said = |of: fn(&Judged) -> &Vec<f64>| -> Vec<f64> {
            self.judged.iter().flat_map(|judged| of(judged).iter().copied()).collect()
        };
        let (champions, learners) =
            (said(|judged| &judged.champion), said(|judged| &judged.learner));
        let labels: Vec<usize> = self.judged.iter().map(|judged| judged.class).collect();
        let shares = self.shares();
        let block = overlap(self.judged.iter().map(|judged| (judged.at, judged.known)).collect());
        let score = |probabilities: &[f64]| {
            Scores::new(probabilities, &labels, &shares, block, plan.seed)
                .ok_or(RetrainingError::Answers)
        };
        let difference =
            LossDifference::new(&champions, &learners, &labels, classes, block, plan.seed)
                .ok_or(RetrainingError::Answers)?;
        let better = difference.mean >= plan.margin && difference.interval.0 > 0.0;
        let report = RetrainingReport {
            learner: Learner::name(self.base.settings()),
            samples,
            learnt_from: samples,
            held_out: labels.len(),
            purged: self.purged,
            champion: score(&champions)?,
            challenger: score(&learners)?,
            shares,
            difference,
            margin: plan.margin,
            better,
        };
        let last = self.recent.back().filter(|_| better);
        let Some(Recent { row: input, .. }) = last.cloned() else {
            return Ok(Retrained { report, better: None });
        };
        let model = self.model()?;
        let known = self.recent.iter().map(|recent| recent.known).max().max(self.base_known);
        let challenger = Challenger {
            learnt: Learnt {
                model: model.text()?,
                extension: "ftrl",
                rounds: 1,
                validation_loss: None,
                importance: Vec::new(),
            },
            made,
            input,
            data: self.fingerprint.clone(),
            learnt_to: known.unwrap_or(Timestamp::from_ms(0)),
        };
        let better = challenger.publication(champion, &model, &report, plan).await?;
        Ok(Retrained { report, better: Some(better) })
    }

    /// How often each class was right in what was learnt before those that judge, one more each, so
    /// that none is impossible.
    fn shares(&self) -> Vec<f64> {
        let mut counts: Vec<u64> = self.right.iter().map(|count| count + 1).collect();
        for judged in &self.judged {
            counts[judged.class] = counts[judged.class].saturating_sub(1).max(1);
        }
        let total: u64 = counts.iter().sum();
        counts.into_iter().map(|count| count as f64 / total as f64).collect()
    }
}

fn chain(before: &str, sample: &LabelledSample, class: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sample.at.as_ms().to_le_bytes());
    hash.update((class as u64).to_le_bytes());
    sample.row.iter().for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
