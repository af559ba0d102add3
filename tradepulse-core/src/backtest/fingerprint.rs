use sha2::{Digest, Sha256};

use super::Settings;
use crate::account::Trade;
use crate::order::Side;
use crate::parameter::Parameters;
use crate::strategy::About;

/// SHA-256 of everything a result depends on, in hex: strategy and version, parameters, settings,
/// data ([`Series::sha256`](crate::market::Series::sha256) of the candles and of the detail series,
/// [`FundingSeries::sha256`](crate::market::FundingSeries::sha256) of the funding,
/// [`Advice::sha256`](crate::ensemble::Advice::sha256) of what models advised, if any), engine
/// version. Equal fingerprints give equal trades.
pub fn fingerprint(
    about: &About,
    parameters: &Parameters,
    settings: &Settings,
    data: &[String],
) -> String {
    let mut text =
        format!("tradepulse {} {} {}\n", env!("CARGO_PKG_VERSION"), about.name, about.version);
    for (variable, value) in parameters.iter() {
        text += &format!("{}={value:?}\n", variable.name);
    }
    text += &format!("{settings:?}\n");
    text += &data.join("\n");
    crate::hex(&Sha256::digest(text.as_bytes()))
}

/// SHA-256 over the trades, in hex: every field of every trade, bit by bit (funding where it is not
/// zero, so that a spot market's hash does not depend on there being such a field).
pub fn trades_hash(trades: &[Trade]) -> String {
    let mut hash = Sha256::new();
    for trade in trades {
        hash.update([u8::from(trade.side == Side::Long), u8::from(trade.ambiguous)]);
        hash.update(trade.exit_reason.name());
        hash.update(trade.holding.to_le_bytes());
        hash.update(trade.entry_time_ms.to_le_bytes());
        hash.update(trade.exit_time_ms.to_le_bytes());
        for value in [
            trade.entry_price,
            trade.exit_price,
            trade.quantity,
            trade.fees,
            trade.profit,
            trade.profit_pct,
            trade.slippage,
        ] {
            hash.update(value.to_le_bytes());
        }
        if trade.funding != 0.0 {
            hash.update("funding");
            hash.update(trade.funding.to_le_bytes());
        }
    }
    crate::hex(&hash.finalize())
}
