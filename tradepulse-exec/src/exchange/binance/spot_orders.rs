use reqwest::Method;
use tradepulse_core::exchange::{Balance, ExchangeError, KeyPermissions};
use tradepulse_core::market::Symbol;
use tradepulse_core::money::Price;
use tradepulse_core::order::{ClientOrderId, Leg, OrderReport, OrderRequest, RequestKind, Side};

use super::BinanceVenue;
use super::client::Call;
use super::errors::{CallError, ErrorMessage};
use super::messages::{
    AccountMessage, CancelMessage, OrderListMessage, OrderMessage, RestrictionsMessage,
};
use super::trading::Account;
use crate::exchange::parameters::Parameters;

/// The venue's word for a side.
pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Long => "BUY",
        Side::Short => "SELL",
    }
}

/// The parameters that say what kind of order it is.
fn with_kind(parameters: Parameters, kind: RequestKind) -> Parameters {
    match kind {
        RequestKind::Market => parameters.with("type", "MARKET"),
        RequestKind::Limit { price } => {
            parameters.with("type", "LIMIT").with("timeInForce", "GTC").with("price", price)
        }
        RequestKind::Stop { trigger } => {
            parameters.with("type", "STOP_LOSS").with("stopPrice", trigger)
        }
        RequestKind::StopLimit { trigger, price } => parameters
            .with("type", "STOP_LOSS_LIMIT")
            .with("timeInForce", "GTC")
            .with("stopPrice", trigger)
            .with("price", price),
        // Pairs have an address of their own.
        RequestKind::Oco { .. } => parameters,
    }
}

/// A pair: of the two legs, the one at the higher price is above.
fn pair(parameters: Parameters, request: &OrderRequest, stop: Price, target: Price) -> Parameters {
    let stop_id = request.id.leg(Leg::Stop);
    let target_id = request.id.leg(Leg::Target);
    match request.side {
        Side::Short => parameters
            .with("aboveType", "LIMIT_MAKER")
            .with("abovePrice", target)
            .with("aboveClientOrderId", target_id)
            .with("belowType", "STOP_LOSS")
            .with("belowStopPrice", stop)
            .with("belowClientOrderId", stop_id),
        Side::Long => parameters
            .with("aboveType", "STOP_LOSS")
            .with("aboveStopPrice", stop)
            .with("aboveClientOrderId", stop_id)
            .with("belowType", "LIMIT_MAKER")
            .with("belowPrice", target)
            .with("belowClientOrderId", target_id),
    }
}

/// A pair by the names that came before.
fn older_pair(
    parameters: Parameters,
    request: &OrderRequest,
    stop: Price,
    target: Price,
) -> Parameters {
    parameters
        .with("price", target)
        .with("limitClientOrderId", request.id.leg(Leg::Target))
        .with("stopPrice", stop)
        .with("stopClientOrderId", request.id.leg(Leg::Stop))
}

impl Account {
    pub(super) async fn submit_spot(
        &self,
        request: &OrderRequest,
    ) -> Result<Vec<OrderReport>, ExchangeError> {
        let parameters = Parameters::new()
            .with("symbol", self.symbols.note(&request.symbol))
            .with("side", side(request.side))
            .with("quantity", request.quantity);
        let orders = if let RequestKind::Oco { stop, target } = request.kind {
            let parameters = parameters.with("listClientOrderId", request.id);
            let (path, parameters) = match self.client.endpoints.venue {
                BinanceVenue::Us => ("order/oco", older_pair(parameters, request, stop, target)),
                _ => ("orderList/oco", pair(parameters, request, stop, target)),
            };
            let parameters = parameters.with("newOrderRespType", "FULL");
            // The venue counts a pair as two orders.
            let call = Call { orders: 2, ..Call::signed(Method::POST, path, 1, parameters) };
            let list: Result<OrderListMessage, _> = self.client.call(&call).await;
            list.map_err(CallError::of_command)?.order_reports
        } else {
            let parameters = with_kind(parameters, request.kind)
                .with("newClientOrderId", request.id)
                .with("newOrderRespType", "FULL");
            let call = Call { orders: 1, ..Call::signed(Method::POST, "order", 1, parameters) };
            let order: Result<OrderMessage, _> = self.client.call(&call).await;
            vec![order.map_err(CallError::of_command)?]
        };
        let mut reports = self.reports(&request.symbol, &orders)?;
        // One for each id, stop first.
        reports.sort_by_key(|report| report.id);
        let complete = request.reported_as().eq(reports.iter().map(|report| report.id));
        if complete {
            Ok(reports)
        } else {
            let reason = format!("the answer speaks of other orders than {}", request.id);
            Err(ExchangeError::OutcomeUnknown(reason))
        }
    }

    /// `None` if the venue has no such order resting.
    pub(super) async fn cancel_spot(
        &self,
        symbol: &Symbol,
        id: ClientOrderId,
    ) -> Result<Option<Vec<OrderReport>>, ExchangeError> {
        let market = Parameters::new().with("symbol", self.symbols.note(symbol));
        let order = market.clone().with("origClientOrderId", id);
        let mut calls = vec![Call::signed(Method::DELETE, "order", 1, order)];
        if id.which_leg().is_none() {
            // It may be the id of a pair.
            let list = market.with("listClientOrderId", id);
            calls.push(Call::signed(Method::DELETE, "orderList", 1, list));
        }
        for call in calls {
            match self.client.call::<CancelMessage>(&call).await {
                Ok(message) => {
                    let mut reports = self.reports(symbol, &message.orders())?;
                    for report in &mut reports {
                        if !report.filled.is_zero() {
                            // What filled before is told with all of its executions.
                            let full = self.order(symbol, report.id).await;
                            if let Ok(Some(full)) = full {
                                *report = full;
                            }
                        }
                    }
                    return Ok(Some(reports));
                }
                Err(CallError::Refused(ErrorMessage { code: -2011 | -2013, .. })) => {}
                Err(error) => return Err(error.of_command()),
            }
        }
        Ok(None)
    }

    pub(super) async fn spot_balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let parameters = Parameters::new();
        let call = Call::signed(Method::GET, "account", 20, parameters);
        let account: Result<AccountMessage, _> = self.client.call(&call).await;
        let balances = account.map_err(CallError::of_question)?.balances.into_iter();
        let balances = balances.filter(|b| !b.free.is_zero() || !b.locked.is_zero());
        Ok(balances
            .map(|b| Balance { currency: b.asset, free: b.free, locked: b.locked })
            .collect())
    }

    /// What the key may do. Binance alone has an address for it, and its test network has not.
    pub(super) async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        if !self.client.tells_permissions() {
            return Ok(KeyPermissions::default());
        }
        let call = Call::signed(Method::GET, "apiRestrictions", 1, Parameters::new());
        let told: Result<RestrictionsMessage, _> = self.client.call(&call).await;
        let told = told.map_err(CallError::of_question)?;
        let trade = Some(told.enable_spot_and_margin_trading);
        Ok(KeyPermissions { trade, withdraw: Some(told.enable_withdrawals) })
    }
}
