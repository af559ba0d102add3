use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use tradepulse_core::exchange::{Balance, ExchangeError, OpenOrders, VenuePosition};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::{Price, Quantity};
use tradepulse_core::order::{
    ClientOrderId, OrderReport, OrderRequest, OrderStatus, RequestKind, Side,
};

use super::client::Call;
use super::errors::{CallError, ErrorMessage};
use super::messages::{AlgoOrderMessage, FuturesBalanceMessage, OrderMessage, PositionMessage};
use super::spot_orders::side;
use super::trading::{Account, BinanceExchange};
use crate::exchange::parameters::Parameters;

/// What backs a futures position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginMode {
    /// Its own margin.
    Isolated,
    /// The whole account.
    Crossed,
}

impl BinanceExchange {
    /// Sets the leverage of a futures market.
    ///
    /// # Errors
    /// [`ExchangeError::Unsupported`] at a spot venue; if the venue refuses, or does not answer.
    pub async fn set_leverage(&self, symbol: &Symbol, leverage: u32) -> Result<(), ExchangeError> {
        let account = &self.account;
        if !account.is_futures() {
            return Err(ExchangeError::Unsupported("leverage"));
        }
        let name = account.symbols.note(symbol);
        let parameters = Parameters::new().with("symbol", name).with("leverage", leverage);
        let call = Call::signed(Method::POST, "leverage", 1, parameters);
        let done: Result<Value, _> = account.client.call(&call).await;
        done.map(drop).map_err(CallError::of_command)
    }

    /// Sets what backs positions in a futures market. That it is so already is no error.
    ///
    /// # Errors
    /// [`ExchangeError::Unsupported`] at a spot venue; if the venue refuses, or does not answer.
    pub async fn set_margin_mode(
        &self,
        symbol: &Symbol,
        mode: MarginMode,
    ) -> Result<(), ExchangeError> {
        let account = &self.account;
        if !account.is_futures() {
            return Err(ExchangeError::Unsupported("a margin mode"));
        }
        let mode = match mode {
            MarginMode::Isolated => "ISOLATED",
            MarginMode::Crossed => "CROSSED",
        };
        let name = account.symbols.note(symbol);
        let parameters = Parameters::new().with("symbol", name).with("marginType", mode);
        let call = Call::signed(Method::POST, "marginType", 1, parameters);
        match account.client.call::<Value>(&call).await {
            Ok(_) | Err(CallError::Refused(ErrorMessage { code: -4046, .. })) => Ok(()),
            Err(error) => Err(error.of_command()),
        }
    }
}

/// Whether positions are held by their side.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PositionModeMessage {
    dual_side_position: bool,
}

impl Account {
    /// Refuses an account that holds a long and a short position at once ("hedge mode"): each order
    /// would have to say to which of them it belongs, and the venue refuses ours (-4061).
    pub(super) async fn check_position_mode(&self) -> Result<(), ExchangeError> {
        let call = Call::signed(Method::GET, "positionSide/dual", 30, Parameters::new());
        let mode: Result<PositionModeMessage, _> = self.client.call(&call).await;
        if mode.map_err(CallError::of_question)?.dual_side_position {
            let advice = "the account is in hedge mode: switch it to one-way mode at the venue";
            return Err(ExchangeError::NotSent(advice.to_owned()));
        }
        Ok(())
    }

    pub(super) async fn submit_futures(
        &self,
        request: &OrderRequest,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let mut parameters = Parameters::new()
            .with("symbol", self.symbols.note(&request.symbol))
            .with("side", side(request.side))
            .with("quantity", request.quantity);
        if request.reduce_only {
            parameters = parameters.with("reduceOnly", "true");
        }
        parameters = match request.kind {
            RequestKind::Market => parameters.with("type", "MARKET"),
            RequestKind::Limit { price } => {
                parameters.with("type", "LIMIT").with("timeInForce", "GTC").with("price", price)
            }
            RequestKind::Stop { trigger } => {
                let parameters =
                    parameters.with("type", "STOP_MARKET").with("triggerPrice", trigger);
                return self.submit_algo(request, parameters).await;
            }
            RequestKind::StopLimit { trigger, price } => {
                let parameters = parameters
                    .with("type", "STOP")
                    .with("timeInForce", "GTC")
                    .with("triggerPrice", trigger)
                    .with("price", price);
                return self.submit_algo(request, parameters).await;
            }
            RequestKind::Oco { .. } => return Err(ExchangeError::Unsupported("a native pair")),
        };
        let parameters =
            parameters.with("newClientOrderId", request.id).with("newOrderRespType", "RESULT");
        let call = Call { orders: 1, ..Call::signed(Method::POST, "order", 0, parameters) };
        let order: Result<OrderMessage, _> = self.client.call(&call).await;
        self.reports(&request.symbol, &[order.map_err(CallError::of_command)?])
    }

    /// Stops are orders of another service: the book refuses them.
    async fn submit_algo(
        &self,
        request: &OrderRequest,
        parameters: Parameters,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let parameters = parameters
            .with("algoType", "CONDITIONAL")
            .with("workingType", "CONTRACT_PRICE")
            .with("clientAlgoId", request.id);
        let call = Call { orders: 1, ..Call::signed(Method::POST, "algoOrder", 0, parameters) };
        let order: Result<AlgoOrderMessage, _> = self.client.call(&call).await;
        let order = order.map_err(CallError::of_command)?;
        let report = resting(&request.symbol, request.id, &order);
        report.map(|report| vec![report]).map_err(CallError::of_command)
    }

    /// An order of the book, or of the algo service.
    pub(super) async fn futures_order(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<OrderReport>, ExchangeError> {
        let by = [("origClientOrderId", id.to_string())];
        if let Some(report) = self.placed_order(symbol, id, &by).await? {
            return Ok(Some(report));
        }
        let parameters = Parameters::new().with("clientAlgoId", id);
        let call = Call::signed(Method::GET, "algoOrder", 1, parameters);
        let order: AlgoOrderMessage = match self.client.call(&call).await {
            Ok(order) => order,
            Err(CallError::Refused(ErrorMessage { code: -2011 | -2013, .. })) => return Ok(None),
            Err(error) => return Err(error.of_question()),
        };
        if let Some(actual) = order.actual() {
            let by = [("orderId", actual.to_owned())];
            if let Some(report) = self.placed_order(symbol, id, &by).await? {
                return Ok(Some(report));
            }
        }
        resting(symbol, id, &order).map(Some).map_err(CallError::of_question)
    }

    /// `None` if the venue has no such order resting.
    pub(super) async fn cancel_futures(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<Vec<OrderReport>>, ExchangeError> {
        let market = Parameters::new().with("symbol", self.symbols.note(symbol));
        let parameters = market.with("origClientOrderId", id);
        let call = Call::signed(Method::DELETE, "order", 1, parameters);
        match self.client.call::<OrderMessage>(&call).await {
            Ok(order) => {
                let mut reports = self.reports(symbol, &[order])?;
                if let [report] = &mut reports[..]
                    && !report.filled.is_zero()
                    && let Ok(Some(full)) = self.futures_order(symbol, id).await
                {
                    *report = full;
                }
                return Ok(Some(reports));
            }
            Err(CallError::Refused(ErrorMessage { code: -2011 | -2013, .. })) => {}
            Err(error) => return Err(error.of_command()),
        }
        let parameters = Parameters::new().with("clientAlgoId", id);
        let call = Call::signed(Method::DELETE, "algoOrder", 1, parameters);
        match self.client.call::<Value>(&call).await {
            Ok(answer) => {
                let at = self.client.clock.now();
                Ok(Some(vec![OrderReport {
                    id,
                    symbol: symbol.clone(),
                    venue_id: answer["algoId"].as_i64().map(|id| id.to_string()),
                    status: OrderStatus::Cancelled,
                    filled: Quantity::ZERO,
                    executions: Vec::new(),
                    reason: None,
                    at,
                }]))
            }
            Err(CallError::Refused(ErrorMessage { code: -2011 | -2013, .. })) => Ok(None),
            Err(error) => Err(error.of_command()),
        }
    }

    pub(super) async fn open_algo_orders(
        &self,
        symbol: &Symbol,
        open: &mut OpenOrders,
    ) -> Result<(), ExchangeError> {
        let parameters = Parameters::new().with("symbol", self.symbols.note(symbol));
        let call = Call::signed(Method::GET, "openAlgoOrders", 1, parameters);
        let orders: Result<Vec<AlgoOrderMessage>, _> = self.client.call(&call).await;
        for order in orders.map_err(CallError::of_question)? {
            match order.client_algo_id.parse::<ClientOrderId>() {
                Ok(id) => {
                    let report = resting(symbol, id, &order);
                    open.ours.push(report.map_err(CallError::of_question)?);
                }
                Err(_) => open.foreign.push(order.algo_id.to_string()),
            }
        }
        Ok(())
    }

    pub(super) async fn futures_balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let call = Call::signed(Method::GET, "balance", 5, Parameters::new());
        let balances: Result<Vec<FuturesBalanceMessage>, _> = self.client.call(&call).await;
        let above_zero = |amount: Decimal| Quantity::try_from(amount.max(Decimal::ZERO));
        let balances = balances.map_err(CallError::of_question)?.into_iter().map(|balance| {
            let held = above_zero(balance.balance.into()).unwrap_or_default();
            // With unrealised profit more may be available than is held.
            let free = above_zero(balance.available_balance.into()).unwrap_or_default();
            let locked = held.minus(free);
            Balance { currency: balance.asset, free, locked }
        });
        Ok(balances.filter(|b| !b.free.is_zero() || !b.locked.is_zero()).collect())
    }

    pub(super) async fn positions(&self) -> Result<Vec<VenuePosition>, ExchangeError> {
        let call = Call::signed(Method::GET, "positionRisk", 5, Parameters::new());
        let messages: Result<Vec<PositionMessage>, _> = self.client.call(&call).await;
        let mut positions = Vec::new();
        for message in messages.map_err(CallError::of_question)? {
            if message.position_amt.is_zero() {
                continue;
            }
            let unintelligible = || {
                ExchangeError::Unavailable(format!(
                    "a position that is not understood: {message:?}"
                ))
            };
            let symbol = self.symbols.resolve(&self.client, &message.symbol).await;
            let symbol = symbol.map_err(CallError::of_question)?;
            let long = message.position_amt > Decimal::ZERO;
            positions.push(VenuePosition {
                symbol: symbol.ok_or_else(unintelligible)?,
                side: if long { Side::Long } else { Side::Short },
                quantity: message.position_amt.abs().try_into().map_err(|_| unintelligible())?,
                entry_price: Price::try_from(message.entry_price).map_err(|_| unintelligible())?,
            });
        }
        Ok(positions)
    }
}

/// An order of the algo service that is not in the book, and so has no executions.
fn resting(
    symbol: &Symbol,
    id: ClientOrderId,
    order: &AlgoOrderMessage,
) -> Result<OrderReport, CallError> {
    let status = match order.algo_status.as_str() {
        "NEW" | "TRIGGERING" | "TRIGGERED" => OrderStatus::Open,
        "CANCELED" => OrderStatus::Cancelled,
        "EXPIRED" => OrderStatus::Expired,
        "REJECTED" => OrderStatus::Rejected,
        // What has finished was in the book, and its order there was not found.
        other => return Err(CallError::Lost(format!("the state {other:?} of a stop"))),
    };
    Ok(OrderReport {
        id,
        symbol: symbol.clone(),
        venue_id: Some(order.algo_id.to_string()),
        status,
        filled: Quantity::ZERO,
        executions: Vec::new(),
        reason: None,
        at: order.at(),
    })
}
