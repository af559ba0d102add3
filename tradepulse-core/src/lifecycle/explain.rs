use super::cause::{Cause, Figure};
use super::death_signal::{DeathSignal, FillFigure};
use super::{
    DECAY_LOSS, Evidence, GATE_DEFLATED_SHARPE, GATE_OVERFITTING, GATE_P_VALUE, Judgement,
    MATURE_SHARPE, MATURE_TRADES, PAPER_FILL_RATE, PAPER_SHARPE, Stage,
};
use crate::overfitting::CostJudgement;

impl Judgement {
    /// Why the configuration may or may not trade, in plain English: the verdict, what it rests on,
    /// what speaks for and against it besides, and what nobody has measured. `evidence` is what was
    /// judged.
    pub fn explain(&self, evidence: &Evidence) -> Vec<String> {
        let mut said = vec![self.verdict()];
        said.extend(self.causes.iter().map(because));
        if self.standing.stage == Stage::Decay
            && self.max_allocation < Stage::Decay.max_allocation()
        {
            let trades = evidence.trades.saturating_sub(self.standing.trades_before);
            let doubts: Vec<String> = evidence.doubts(trades).iter().map(because).collect();
            said.push(format!(
                "Besides, it would not pass as new either, so it gets the share of DISCOVERY: {}",
                doubts.join(" ")
            ));
        }
        said.extend(record(evidence));
        said.extend(self.in_favour(evidence));
        said.extend(remarks(evidence));
        said.extend(unmeasured(evidence));
        said.extend(self.next_step(evidence));
        said
    }

    fn verdict(&self) -> String {
        let stage = self.standing.stage;
        if self.max_allocation == 0.0 {
            return format!("{stage}: it may not trade real money.");
        }
        let most = percent(self.max_allocation);
        format!("{stage}: it may trade, with at most {most} of equity.")
    }

    /// The parts of the gate that are passed, said without enthusiasm.
    fn in_favour(&self, evidence: &Evidence) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(p) = evidence.p_value().filter(|p| *p < GATE_P_VALUE) {
            said.push(format!(
                "In its favour: luck alone gives such a mean return in {} of cases, if this were the \
                 only configuration anybody had tried.",
                percent(p)
            ));
        }
        if let Some(probability) = evidence.deflated_sharpe().filter(|d| *d >= GATE_DEFLATED_SHARPE)
        {
            said.push(format!(
                "In its favour: set against the luckiest of {}, its Sharpe ratio holds with a \
                 probability of {}.",
                tries(evidence.trials),
                percent(probability)
            ));
        }
        if let Some(probability) =
            evidence.probability_of_overfitting().filter(|p| *p < GATE_OVERFITTING)
        {
            let tone = if probability >= 0.3 { " That is a pass, not a compliment." } else { "" };
            said.push(format!(
                "The best of one half of the data falls below the median in the other half in {} of \
                 splits.{tone}",
                percent(probability)
            ));
        }
        if evidence.walk_forward.as_ref().is_some_and(Vec::is_empty) {
            said.push("In its favour: the walk-forward raised no flag.".to_owned());
        }
        said
    }

    /// What it would take to rise.
    fn next_step(&self, evidence: &Evidence) -> Option<String> {
        let trades = evidence.trades.saturating_sub(self.standing.trades_before);
        match self.standing.stage {
            Stage::Paper => Some(
                "To come back it has to mend all of the above and show 30 days of paper trades that \
                 do not lose; it then starts at DISCOVERY with its trades counted anew."
                    .to_owned(),
            ),
            Stage::Decay => Some(
                "It leaves DECAY when the fading stops; if the last 30 days turn negative it goes to \
                 PAPER at once."
                    .to_owned(),
            ),
            Stage::Discovery => {
                Some("VALIDATION takes 30 trades and every part of the evidence gate.".to_owned())
            }
            Stage::Validation => {
                let sharpe = evidence.sharpe().unwrap_or_default();
                let mut lacks = Vec::new();
                if trades < MATURE_TRADES {
                    lacks.push(format!("{} more trades", MATURE_TRADES - trades));
                }
                if sharpe < MATURE_SHARPE {
                    let sharpe = apart(sharpe, MATURE_SHARPE, 1.0);
                    lacks.push(format!("a Sharpe ratio of 1.50 (it is {sharpe})"));
                }
                (!lacks.is_empty()).then(|| format!("MATURE takes {}.", lacks.join(" and ")))
            }
            Stage::Mature => {
                Some("Long records end too: it is judged again with every trade.".to_owned())
            }
        }
    }
}

fn record(evidence: &Evidence) -> Option<String> {
    if evidence.trades == 0 {
        return Some("It has no trade outside the data it was chosen on.".to_owned());
    }
    let (net_profit, sharpe) = evidence.net_profit().zip(evidence.sharpe())?;
    let verb = if net_profit < 0.0 { "lost" } else { "earned" };
    let length = match evidence.trades {
        0..30 => "; so few trades say next to nothing",
        30..100 => "; that is a short record",
        _ => "",
    };
    Some(format!(
        "Record: {} outside the data it was chosen on {verb} {:.2} at a Sharpe ratio of {sharpe:.2}\
         {length}.",
        counted(evidence.trades, "trade"),
        net_profit.abs()
    ))
}

/// What the rules do not ask for, but a careful reader does.
fn remarks(evidence: &Evidence) -> Vec<String> {
    let mut said = Vec::new();
    match evidence.random_entry_p_value() {
        Some(p) if p >= GATE_P_VALUE => said.push(format!(
            "Against: random entries with the same exits do as well in {} of runs. Whatever earns \
             here, it is hardly the entries.",
            apart_percent(p, GATE_P_VALUE)
        )),
        Some(p) => said.push(format!(
            "In its favour: random entries with the same exits do as well in only {} of runs.",
            percent(p)
        )),
        None => {}
    }
    match &evidence.neighbourhood {
        Some(beside) if beside.flagged && beside.fragile.is_empty() => said.push(
            "Against: what lies one step beside its parameters cannot be compared.".to_owned(),
        ),
        Some(beside) if beside.flagged => said.push(format!(
            "Against: one step beside its parameters the result collapses (by {}). It stands on a \
             needle, not on a hill.",
            beside.fragile.join(", ")
        )),
        _ => {}
    }
    match evidence.costs {
        Some(CostJudgement::TooThin { multiple }) => said.push(format!(
            "Against: the profit is gone at {multiple:.1} times the assumed costs; it should survive \
             more than twice."
        )),
        Some(CostJudgement::NoProfit) => {
            said.push("Against: it earns nothing even where trading is free.".to_owned());
        }
        _ => {}
    }
    if evidence.death_signals.len() == 1 {
        let signals: Vec<String> = evidence.death_signals.iter().map(sign).collect();
        said.push(format!("Watch: {}. One such sign is not yet decay.", signals.join("; ")));
    }
    said
}

fn unmeasured(evidence: &Evidence) -> Option<String> {
    let costs = !matches!(evidence.costs, None | Some(CostJudgement::Unknown));
    let missing: Vec<&str> = [
        (evidence.fill_rate().is_some(), "how its orders fill"),
        (evidence.rolling().is_some(), "the last 30 days of trading"),
        (evidence.random_entry_p_value().is_some(), "random entries"),
        (evidence.neighbourhood.is_some(), "the neighbourhood of its parameters"),
        (costs, "higher costs"),
    ]
    .into_iter()
    .filter_map(|(known, name)| (!known).then_some(name))
    .collect();
    (!missing.is_empty()).then(|| format!("Nobody has measured: {}.", missing.join(", ")))
}

/// A cause as a sentence.
fn because(cause: &Cause) -> String {
    match cause {
        Cause::Unknown { figure: Figure::WalkForward } => {
            "There was no walk-forward, and what was not tested did not pass.".to_owned()
        }
        Cause::Unknown { figure: Figure::FillRate } => {
            "Orders were sent, but how many of them filled is not known.".to_owned()
        }
        Cause::Unknown { figure } => {
            format!("Its {} is not known, and unknown is not good.", figure.name())
        }
        Cause::Loss { net_profit } => {
            format!("It loses money: {:.2} so far.", net_profit.abs())
        }
        Cause::LowSharpe { sharpe } => format!(
            "Its Sharpe ratio is {}, below 0.50: the swings are large for what they earn.",
            apart(*sharpe, PAPER_SHARPE, 1.0)
        ),
        Cause::LowFillRate { fill_rate } => format!(
            "Only {} of its orders fill, and 70 % is the least: the trades it wants are not the \
             trades it gets.",
            apart_percent(*fill_rate, PAPER_FILL_RATE)
        ),
        Cause::RollingSharpeNegative { rolling, lifetime } => format!(
            "The last 30 days lost money: a Sharpe ratio of {} against {lifetime:.2} over its life.",
            apart(*rolling, 0.0, 1.0)
        ),
        Cause::NotRecovered => {
            "It is in PAPER, and no 30 days of trades show that it has recovered.".to_owned()
        }
        Cause::RollingSharpeFell { rolling, lifetime } => format!(
            "It is fading: the last 30 days have a Sharpe ratio of {rolling:.2}, less than half of \
             the {lifetime:.2} over its life."
        ),
        Cause::PerformanceFell { lost } => format!(
            "It has lost {} of its performance since it was activated; more than 20 % is too much.",
            apart_percent(*lost, DECAY_LOSS)
        ),
        Cause::DeathSignals { signals } => {
            let signals: Vec<String> = signals.iter().map(sign).collect();
            format!("What it lives on seems to go: {}.", signals.join("; "))
        }
        Cause::Recovered => {
            "It has recovered in PAPER and starts again; its old trades count no more.".to_owned()
        }
        Cause::FewTrades { trades, needed } => {
            format!("{} so far: fewer than {needed} prove nothing.", counted(*trades, "trade"))
        }
        Cause::PValue { p_value } => format!(
            "A strategy without any edge would do as well in {} of cases; below 5 % is asked.",
            apart_percent(*p_value, GATE_P_VALUE)
        ),
        Cause::DeflatedSharpe { probability, trials } => format!(
            "It is the best of {}, and the luckiest of so many looks good too: that its Sharpe \
             ratio is more than that has a probability of {}, and 95 % is asked.",
            tries(*trials),
            apart_percent(*probability, GATE_DEFLATED_SHARPE)
        ),
        Cause::Overfitting { probability } => format!(
            "Choosing does not work on this data: the best of one half falls to the median or below \
             in the other half in {} of splits, and a coin does that in half of them.",
            percent(*probability)
        ),
        Cause::WalkForward { flags } => {
            let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
            format!("The walk-forward objects: {}.", flags.join("; "))
        }
        Cause::GatePassed { trades } => {
            format!("{} and every part of the evidence gate is passed.", counted(*trades, "trade"))
        }
        Cause::LongRecord { trades, sharpe } => {
            format!("Its record is long ({trades} trades) and its Sharpe ratio {sharpe:.2}.")
        }
    }
}

fn sign(signal: &DeathSignal) -> String {
    match signal {
        DeathSignal::VolumeProfile { test } => {
            format!("the volume is not distributed as it was (p = {})", percent(test.p_value))
        }
        DeathSignal::CorrelationSpike { with, correlation } => {
            format!("it moves with {with} (correlation {correlation:.2})")
        }
        DeathSignal::SharpeBelowHalf { rolling, lifetime } => {
            format!("its 30-day Sharpe ratio of {rolling:.2} is below half of {lifetime:.2}")
        }
        DeathSignal::UnusualFills { figure, deviations } => {
            let figure = match figure {
                FillFigure::FillRate => "fill rate",
                FillFigure::Slippage => "slippage",
            };
            format!("its {figure} is off by {:.1} standard deviations", deviations.abs())
        }
        DeathSignal::RegimeBreak { test } => {
            let p = percent(test.p_value);
            format!("the market does not move as it did in training (p = {p})")
        }
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn tries(trials: Option<u64>) -> String {
    trials.map_or("all trials on this data".to_owned(), |count| counted(count, "trial"))
}

/// A share in percent, with a decimal where it is small or close to all.
fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        s if s > 0.0 && s < 0.001 => "less than 0.1 %".to_owned(),
        s if s < 1.0 && s > 0.999 => "more than 99.9 %".to_owned(),
        s => {
            let text = format!("{:.1}", s * 100.0);
            format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
        }
    }
}

/// A share in percent, so precise that it does not read as `limit`.
fn apart_percent(share: f64, limit: f64) -> String {
    if percent(share) == percent(limit) && share != limit {
        return format!("{} %", apart(share, limit, 100.0));
    }
    percent(share)
}

/// A number with two decimals, or as many as it takes not to read as `limit`.
fn apart(value: f64, limit: f64, scale: f64) -> String {
    let digits = (2..9).find(|d| {
        value == limit || format!("{:.d$}", value * scale) != format!("{:.d$}", limit * scale)
    });
    format!("{:.*}", digits.unwrap_or(9), value * scale)
}
