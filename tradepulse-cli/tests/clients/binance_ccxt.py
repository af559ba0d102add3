"""Other people's clients against a simulated Binance.

Usage: binance_ccxt.py VENUE BASE_URL KEY SECRET, where VENUE is binance, binanceus or binanceusdm.
Needs ccxt. Every line that is printed was checked; the last one is "all good".
"""

import sys

import ccxt


def client(venue, base, key, secret):
    exchange = getattr(ccxt, venue)({"apiKey": key, "secret": secret, "enableRateLimit": False})
    urls = exchange.urls["api"]
    for name, url in list(urls.items()):
        if isinstance(url, str):
            # Keep the path: /api/v3, /fapi/v1 and so on.
            path = url.split("://", 1)[1]
            path = path[path.index("/"):] if "/" in path else ""
            urls[name] = base + path
    exchange.options["fetchCurrencies"] = False
    exchange.options["fetchMargins"] = False
    exchange.options["fetchMarkets"] = {"types": ["linear" if venue == "binanceusdm" else "spot"]}
    return exchange


def refused(what, exchange, error, call, code):
    try:
        answer = call()
    except error as raised:
        assert f'"code":{code},' in exchange.last_http_response, f"{what}: {raised}"
        print(f"refused: {what}: {type(raised).__name__}")
        return
    raise AssertionError(f"{what} was taken: {answer}")


def spot(exchange, base, key, secret, venue):
    symbol = "BTC/USDT"
    market = exchange.load_markets()[symbol]
    assert market["precision"]["price"] == 0.01, market["precision"]
    assert market["limits"]["cost"]["min"] == 5, market["limits"]
    candles = exchange.fetch_ohlcv(symbol, "5m", limit=10)
    assert len(candles) == 10 and candles[0][0] < candles[9][0], candles
    last = exchange.fetch_ticker(symbol)["last"]
    print(f"markets, candles and ticker: last price {last}")

    before = exchange.fetch_balance()
    order = exchange.create_order(symbol, "market", "buy", 0.01)
    assert order["status"] == "closed" and order["filled"] == 0.01, order
    trades = exchange.fetch_my_trades(symbol)
    assert trades[-1]["order"] == order["id"] and trades[-1]["fee"]["currency"] == "BTC", trades
    after = exchange.fetch_balance()
    gained = after["BTC"]["total"] - before["BTC"]["total"]
    assert abs(gained - 0.01 * 0.999) < 1e-9, gained
    print("a market order, its fill and the balances")

    low = exchange.price_to_precision(symbol, last * 0.9)
    order = exchange.create_order(symbol, "limit", "buy", 0.01, low, {"newClientOrderId": "mine-1"})
    assert order["status"] == "open" and order["clientOrderId"] == "mine-1", order
    assert [o["id"] for o in exchange.fetch_open_orders(symbol)] == [order["id"]]
    assert exchange.fetch_balance()["USDT"]["used"] > 0
    cancelled = exchange.cancel_order(order["id"], symbol)
    assert cancelled["status"] == "canceled", cancelled
    assert exchange.fetch_order(order["id"], symbol)["status"] == "canceled"
    assert exchange.fetch_open_orders(symbol) == []
    print("a limit order: placed, found, cancelled")

    stop = exchange.price_to_precision(symbol, last * 0.95)
    limit = exchange.price_to_precision(symbol, last * 0.94)
    order = exchange.create_order(symbol, "limit", "sell", 0.01, limit, {"stopLossPrice": stop})
    assert order["status"] == "open", order
    exchange.cancel_order(order["id"], symbol)
    high = exchange.price_to_precision(symbol, last * 1.1)
    if venue == "binance":
        pair = exchange.privatePostOrderListOco({
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER",
            "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": stop,
        })
    else:
        pair = exchange.privatePostOrderOco({
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "price": high,
            "stopPrice": stop,
        })
    assert len(pair["orderReports"]) == 2, pair
    assert len(exchange.fetch_open_orders(symbol)) == 2
    exchange.cancel_order(pair["orders"][0]["orderId"], symbol)
    assert exchange.fetch_open_orders(symbol) == []
    print("a stop and a pair: placed, cancelled together")

    refused("a price off the step", exchange, ccxt.BaseError, lambda: exchange.privatePostOrder({
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": f"{last * 0.9:.1f}01",
    }), -1013)
    refused("too little money", exchange, ccxt.InsufficientFunds,
            lambda: exchange.create_order(symbol, "limit", "buy", 1000, low), -2010)
    refused("an order that is not there", exchange, ccxt.OrderNotFound,
            lambda: exchange.fetch_order("987654321", symbol), -2013)
    refused("a cancel of what is not there", exchange, ccxt.OrderNotFound,
            lambda: exchange.cancel_order("987654321", symbol), -2011)
    common(exchange, base, key, secret, venue)


def futures(exchange, base, key, secret, venue):
    symbol = "BTC/USDT:USDT"
    exchange.load_markets()
    candles = exchange.fetch_ohlcv(symbol, "5m", limit=10)
    assert len(candles) == 10, candles
    last = exchange.fetch_ticker(symbol)["last"]
    order = exchange.create_order(symbol, "market", "buy", 0.01)
    assert order["filled"] == 0.01, order
    stop = exchange.price_to_precision(symbol, last * 0.95)
    order = exchange.create_order(symbol, "market", "sell", 0.01, None,
                                  {"stopLossPrice": stop, "reduceOnly": True})
    print(f"a stop: {order['id']} {order['status']}")
    refused("a stop at the address of plain orders", exchange, ccxt.BaseError,
            lambda: exchange.fapiPrivatePostOrder({
                "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.01",
                "stopPrice": stop,
            }), -4120)
    # ccxt tells the venue's errors apart by the host, which is another here.
    refused("too little margin", exchange, ccxt.ExchangeError,
            lambda: exchange.create_order(symbol, "market", "buy", 1000), -2019)
    order = exchange.create_order(symbol, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert order["filled"] == 0.01, order
    assert exchange.fetch_balance()["USDT"]["total"] > 0
    print("market orders, fills and the balance")
    common(exchange, base, key, secret, venue)


def common(exchange, base, key, secret, venue):
    wrong = client(venue, base, key, secret + "x")
    wrong.markets = exchange.markets
    refused("a wrong signature", wrong, ccxt.AuthenticationError, wrong.fetch_balance, -1022)
    stranger = client(venue, base, key + "x", secret)
    refused("an unknown key", stranger, ccxt.AuthenticationError, stranger.fetch_balance, -2015)
    late = client(venue, base, key, secret)
    late.nonce = lambda: ccxt.Exchange.milliseconds() - 60_000
    refused("a clock that is behind", late, ccxt.InvalidNonce, late.fetch_balance, -1021)
    early = client(venue, base, key, secret)
    early.nonce = lambda: ccxt.Exchange.milliseconds() + 60_000
    refused("a clock that is ahead", early, ccxt.InvalidNonce, early.fetch_balance, -1021)


def main():
    venue, base, key, secret = sys.argv[1:5]
    exchange = client(venue, base, key, secret)
    (futures if venue == "binanceusdm" else spot)(exchange, base, key, secret, venue)
    print("all good")


main()
