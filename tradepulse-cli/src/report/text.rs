//! How words and figures are written in a report.

use serde::Serialize;
use tradepulse_core::time::{DAY_MS, Timestamp};

/// What stands where a figure is not defined.
pub(super) const DASH: &str = "–";

/// Text as HTML, in an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ => out.push(c),
        }
    }
    out
}

/// JSON that may stand inside a `<script>` element: nothing in it ends the element, opens a
/// comment or breaks a line of script.
pub(super) fn json_in_script<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(value)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

/// The name a value has in JSON, such as `max_holding`.
pub(super) fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => DASH.to_owned(),
    }
}

/// With this many decimals, thousands grouped and a true minus sign.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return DASH.to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let negative = value < 0.0 && digits.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let mut out = String::from(if negative { "−" } else { "" });
    for (i, digit) in whole.char_indices() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// As [`fixed`], with a plus sign where the value is above zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let visible = text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value > 0.0 && visible { format!("+{text}") } else { text }
}

/// A percentage, with its sign if `value` is one.
pub(super) fn percent(value: f64) -> String {
    format!("{}\u{202f}%", fixed(value, 2))
}

/// A percentage that may be a gain or a loss.
pub(super) fn signed_percent(value: f64) -> String {
    format!("{}\u{202f}%", signed(value, 2))
}

/// A small rate given as a fraction, in percent with as many decimals as it has.
pub(super) fn rate(fraction: f64) -> String {
    let digits = format!("{:.6}", fraction * 100.0);
    format!("{}\u{202f}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A plain number with as many decimals as it has, at most six.
pub(super) fn plain(value: f64) -> String {
    let text = fixed(value, 6);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number.
pub(super) fn count(value: u64) -> String {
    fixed(value as f64, 0)
}

/// A number of trades.
pub(super) fn trades(n: u64) -> String {
    if n == 1 { "1 trade".to_owned() } else { format!("{} trades", count(n)) }
}

/// A probability.
pub(super) fn probability(value: f64) -> String {
    match value {
        v if v < 0.0001 => "&lt; 0.0001".to_owned(),
        v if v > 0.9999 => "&gt; 0.9999".to_owned(),
        v => fixed(v, 4),
    }
}

/// `value` written by `write`, or a dash.
pub(super) fn or_dash(value: Option<f64>, write: impl Fn(f64) -> String) -> String {
    value.filter(|v| v.is_finite()).map_or_else(|| DASH.to_owned(), write)
}

/// `YYYY-MM-DD HH:MM`, UTC.
pub(super) fn moment(ms: i64) -> String {
    let text = Timestamp::from_ms(ms).to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(time)) if text.ends_with('Z') => format!("{date} {time}"),
        _ => text,
    }
}

/// A length of time in its two largest units, such as `3 d 4 h`.
pub(super) fn duration(ms: i64) -> String {
    let minutes = ms / 60_000;
    let (days, hours, minutes) = (ms / DAY_MS, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, m) => format!("{m} min"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, 0, _) => format!("{} d", count(d.unsigned_abs())),
        (d, h, _) => format!("{} d {h} h", count(d.unsigned_abs())),
    }
}

/// `gain`, `loss` or nothing: the class of a figure's colour.
pub(super) fn tone(value: f64) -> &'static str {
    match value {
        v if v > 0.0 => "gain",
        v if v < 0.0 => "loss",
        _ => "",
    }
}

/// How amounts of quote currency are written: with decimals that suit the capital.
#[derive(Clone, Debug)]
pub(super) struct Money {
    /// Decimals of an amount.
    pub(super) decimals: usize,
    /// The quote currency, or `quote currency` if the symbol does not say.
    pub(super) currency: String,
}

impl Money {
    /// For an account of `capital` on the market `symbol`.
    pub(super) fn new(capital: f64, symbol: &str) -> Self {
        let missing = (100.0 / capital).log10().ceil().clamp(0.0, 8.0);
        let quote = symbol.rsplit_once('/').map(|(_, quote)| quote);
        let quote = quote.and_then(|q| q.split(':').next()).filter(|q| !q.is_empty());
        let currency = quote.unwrap_or("quote currency").to_owned();
        Self { decimals: 2 + missing as usize, currency }
    }

    /// An amount.
    pub(super) fn plain(&self, amount: f64) -> String {
        fixed(amount, self.decimals)
    }

    /// An amount gained or lost.
    pub(super) fn signed(&self, amount: f64) -> String {
        signed(amount, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(fixed(-1_234_567.891, 2), "−1,234,567.89");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(f64::NAN, 2), DASH);
        assert_eq!(signed(999.5, 1), "+999.5");
        assert_eq!(signed(0.001, 2), "0.00");
        assert_eq!(rate(0.0005), "0.05\u{202f}%");
        assert_eq!(plain(20.0), "20");
        assert_eq!(or_dash(Some(f64::INFINITY), |v| fixed(v, 2)), DASH);
        assert_eq!(Money::new(0.5, "ETH/BTC").plain(0.01234567), "0.01235");
        assert_eq!(Money::new(1e4, "BTC/USDT:USDT").currency, "USDT");
        assert_eq!(Money::new(1e4, "XBT").currency, "quote currency");
    }

    #[test]
    fn times() {
        assert_eq!(moment(1_704_067_500_000), "2024-01-01 00:05");
        assert_eq!(moment(-60_000), "1969-12-31 23:59");
        assert_eq!(moment(1_704_067_500_123), "2024-01-01 00:05");
        assert_eq!(duration(90 * 60_000), "1 h 30 min");
        assert_eq!(duration(50 * 3_600_000), "2 d 2 h");
    }

    #[test]
    fn nothing_leaves_the_script_element() {
        let json = json_in_script(&"</script><!--\u{2028}&").unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "</script><!--\u{2028}&");
    }
}
