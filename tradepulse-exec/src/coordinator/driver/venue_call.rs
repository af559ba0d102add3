use tradepulse_core::desk::{Command, DeskEventKind};
use tradepulse_core::exchange::{Exchange, ExchangeError};

/// Carries out a command that leaves; what it came to is the next event.
pub(super) async fn perform(exchange: &dyn Exchange, command: &Command) -> Option<DeskEventKind> {
    Some(match command {
        Command::Submit(order) => DeskEventKind::Submitted {
            id: order.get().id,
            answer: exchange.submit(order).await.into(),
        },
        Command::Cancel { symbol, id } => DeskEventKind::CancelAnswered {
            id: *id,
            answer: exchange.cancel(symbol, *id).await.into(),
        },
        Command::Ask { symbol, id } => {
            DeskEventKind::Asked { id: *id, answer: exchange.order(symbol, *id).await.into() }
        }
        _ => return None,
    })
}

/// The answer to a command that took too long.
pub(super) fn lost(command: &Command, timeout_ms: u64) -> Option<DeskEventKind> {
    let error = ExchangeError::OutcomeUnknown(format!("no answer within {timeout_ms} ms"));
    Some(match command {
        Command::Submit(order) => {
            DeskEventKind::Submitted { id: order.get().id, answer: Err(error).into() }
        }
        Command::Cancel { id, .. } => {
            DeskEventKind::CancelAnswered { id: *id, answer: Err(error).into() }
        }
        Command::Ask { id, .. } => DeskEventKind::Asked { id: *id, answer: Err(error).into() },
        _ => return None,
    })
}
