"""Other people's client against a simulated Coinbase.

Usage: coinbase_ccxt.py BASE_URL KEY SECRET, where SECRET is a private key: PEM (P-256) or base64
(Ed25519). Needs ccxt. Every line that is printed was checked; the last one is "all good".
"""

import sys

import ccxt


def client(base, key, secret):
    exchange = ccxt.coinbase({"apiKey": key, "secret": secret})
    exchange.urls["api"]["rest"] = base
    # The service of wallets (v2), with its list of currencies, is not simulated.
    exchange.has["fetchCurrencies"] = False
    exchange.options["fetchBalance"] = "v3PrivateGetBrokerageAccounts"
    exchange.options["createMarketBuyOrderRequiresPrice"] = False
    return exchange


def refused(what, exchange, error, call, name):
    try:
        answer = call()
    except error as raised:
        assert name in exchange.last_http_response, f"{what}: {raised}"
        print(f"refused: {what}: {type(raised).__name__}")
        return
    raise AssertionError(f"{what} was taken: {answer}")


def main():
    base, key, secret = sys.argv[1:4]
    exchange = client(base, key, secret)
    symbol = "BTC/USDT"
    market = exchange.load_markets()[symbol]
    assert market["precision"]["price"] == 0.01, market["precision"]
    assert market["limits"]["cost"]["min"] == 5, market["limits"]
    candles = exchange.fetch_ohlcv(symbol, "5m", limit=10)
    # The market stands still: those of the last minutes are not there.
    assert 5 < len(candles) <= 10 and candles[0][0] < candles[-1][0], candles
    last = exchange.fetch_ticker(symbol)["last"]
    print(f"markets, candles and ticker: last price {last}")

    before = exchange.fetch_balance()
    # Bought for money, sold by size.
    order = exchange.create_order(symbol, "market", "buy", 100)
    order = exchange.fetch_order(order["id"], symbol)
    assert order["status"] == "closed" and order["filled"] > 0, order
    trades = exchange.fetch_my_trades(symbol)
    assert trades[-1]["order"] == order["id"] and trades[-1]["fee"]["currency"] == "USDT", trades
    gained = exchange.fetch_balance()["BTC"]["total"] - before["BTC"]["total"]
    assert abs(gained - order["filled"]) < 1e-9, gained
    order = exchange.create_order(symbol, "market", "sell", 0.01)
    assert exchange.fetch_order(order["id"], symbol)["filled"] == 0.01
    print("market orders, their fills and the balances")

    low = exchange.price_to_precision(symbol, last * 0.9)
    order = exchange.create_order(symbol, "limit", "buy", 0.01, low, {"client_order_id": "mine-1"})
    again = exchange.create_order(symbol, "limit", "buy", 0.01, low, {"client_order_id": "mine-1"})
    assert order["id"] == again["id"], (order, again)
    found = exchange.fetch_order(order["id"], symbol)
    assert found["status"] == "open" and found["clientOrderId"] == "mine-1", found
    assert [o["id"] for o in exchange.fetch_open_orders(symbol)] == [order["id"]]
    assert exchange.fetch_balance()["USDT"]["used"] > 0
    exchange.cancel_order(order["id"], symbol)
    assert exchange.fetch_order(order["id"], symbol)["status"] == "canceled"
    assert exchange.fetch_open_orders(symbol) == []
    print("a limit order: placed, placed again, found, cancelled")

    stop = exchange.price_to_precision(symbol, last * 0.95)
    limit = exchange.price_to_precision(symbol, last * 0.94)
    order = exchange.create_order(symbol, "limit", "sell", 0.01, limit, {"stopLossPrice": stop})
    found = exchange.fetch_order(order["id"], symbol)
    assert found["status"] == "open" and found["stopPrice"] == float(stop), found
    exchange.cancel_order(order["id"], symbol)
    high = exchange.price_to_precision(symbol, last * 1.1)
    pair = exchange.v3PrivatePostBrokerageOrders({
        "client_order_id": "pair-1", "product_id": "BTC-USDT", "side": "SELL",
        "order_configuration": {"trigger_bracket_gtc": {
            "base_size": "0.01", "limit_price": high, "stop_trigger_price": stop,
        }},
    })
    assert pair["success"] is True, pair
    assert len(exchange.fetch_open_orders(symbol)) == 1
    exchange.cancel_order(pair["success_response"]["order_id"], symbol)
    assert exchange.fetch_open_orders(symbol) == []
    print("a stop and a bracket: placed, cancelled")

    refused("a price off the step", exchange, ccxt.BaseError,
            lambda: exchange.v3PrivatePostBrokerageOrders({
                "client_order_id": "odd-1", "product_id": "BTC-USDT", "side": "BUY",
                "order_configuration": {"limit_limit_gtc": {
                    "base_size": "0.01", "limit_price": f"{last * 0.9:.1f}01",
                }},
            }), "INVALID_PRICE_PRECISION")
    refused("too little money", exchange, ccxt.InsufficientFunds,
            lambda: exchange.create_order(symbol, "limit", "buy", 1000, low),
            "PREVIEW_INSUFFICIENT_FUND")
    refused("an order that is not there", exchange, ccxt.BaseError,
            lambda: exchange.fetch_order("987654321", symbol), "NOT_FOUND")
    refused("a cancel of what is not there", exchange, ccxt.BaseError,
            lambda: exchange.cancel_order("987654321", symbol), "UNKNOWN_CANCEL_ORDER")

    other = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
    wrong = client(base, key, other)
    wrong.markets = exchange.markets
    refused("a wrong signature", wrong, ccxt.AuthenticationError, wrong.fetch_balance,
            "Unauthorized")
    stranger = client(base, key + "x", secret)
    refused("an unknown key", stranger, ccxt.AuthenticationError, stranger.fetch_balance,
            "Unauthorized")
    for what, seconds in [("behind", -200), ("ahead", 200)]:
        skewed = client(base, key, secret)
        skewed.seconds = lambda seconds=seconds: ccxt.Exchange.seconds() + seconds
        refused(f"a clock that is {what}", skewed, ccxt.AuthenticationError,
                skewed.fetch_balance, "Unauthorized")
    print("all good")


main()
