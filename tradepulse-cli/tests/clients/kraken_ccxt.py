"""Other people's clients against a simulated Kraken.

Usage: kraken_ccxt.py BASE_URL KEY SECRET. Needs ccxt. Every line that is printed was checked; the
last one is "all good".
"""

import sys

import ccxt


def client(base, key, secret):
    exchange = ccxt.kraken({"apiKey": key, "secret": secret, "enableRateLimit": False})
    for name, url in list(exchange.urls["api"].items()):
        if isinstance(url, str):
            exchange.urls["api"][name] = base
    return exchange


def refused(what, error, call, words):
    try:
        answer = call()
    except error as raised:
        assert words in str(raised), f"{what}: {raised}"
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
    assert len(candles) >= 10 and candles[0][0] < candles[9][0], candles
    last = exchange.fetch_ticker(symbol)["last"]
    assert exchange.fetch_time() > 1_600_000_000_000
    print(f"markets, candles and ticker: last price {last}")

    before = exchange.fetch_balance()
    order = exchange.create_order(symbol, "market", "buy", 0.01)
    order = exchange.fetch_order(order["id"], symbol)
    assert order["status"] == "closed" and order["filled"] == 0.01, order
    trades = exchange.fetch_my_trades(symbol)
    assert trades[-1]["order"] == order["id"], trades
    assert trades[-1]["fee"]["currency"] == "USDT", trades
    after = exchange.fetch_balance()
    gained = after["BTC"]["total"] - before["BTC"]["total"]
    assert abs(gained - 0.01) < 1e-9, gained
    print("a market order, its fill and the balances")

    low = exchange.price_to_precision(symbol, last * 0.9)
    placed = exchange.create_order(symbol, "limit", "buy", 0.01, low, {"clientOrderId": "mine-1"})
    open_orders = exchange.fetch_open_orders(symbol)
    assert [o["id"] for o in open_orders] == [placed["id"]], open_orders
    assert open_orders[0]["clientOrderId"] == "mine-1", open_orders
    assert exchange.fetch_balance()["USDT"]["used"] > 0
    exchange.cancel_order(placed["id"], symbol)
    assert exchange.fetch_order(placed["id"], symbol)["status"] == "canceled"
    assert exchange.fetch_open_orders(symbol) == []
    assert exchange.fetch_closed_orders(symbol)[-1]["id"] == placed["id"]
    print("a limit order: placed, found, cancelled")

    stop = exchange.price_to_precision(symbol, last * 0.95)
    high = exchange.price_to_precision(symbol, last * 1.1)
    for parameters in ({"stopLossPrice": stop}, {"takeProfitPrice": high}):
        placed = exchange.create_order(symbol, "market", "sell", 0.01, None, parameters)
        assert len(exchange.fetch_open_orders(symbol)) == 1
        exchange.cancel_order(placed["id"], symbol)
    print("a stop and a target: placed, cancelled")

    refused("too little money", ccxt.InsufficientFunds,
            lambda: exchange.create_order(symbol, "limit", "buy", 1000, low),
            "EOrder:Insufficient funds")
    refused("a price off the step", ccxt.BaseError,
            lambda: exchange.privatePostAddOrder({
                "pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "volume": "0.01",
                "price": f"{last * 0.9:.1f}01",
            }), "EOrder:Tick size check failed")
    refused("an order that is worth too little", ccxt.BaseError,
            lambda: exchange.create_order(symbol, "market", "buy", 0.00001),
            "EOrder:Cost minimum not met")
    refused("a cancel of what is not there", ccxt.BaseError,
            lambda: exchange.cancel_order("OSIMUL-ORDER-987654", symbol), "EOrder:Unknown order")
    wrong = client(base, key, "YW5vdGhlcg==")
    refused("a wrong signature", ccxt.BaseError, wrong.fetch_balance, "EAPI:Invalid signature")
    stranger = client(base, key + "x", secret)
    refused("an unknown key", ccxt.AuthenticationError, stranger.fetch_balance, "EAPI:Invalid key")
    late = client(base, key, secret)
    late.nonce = lambda: 1
    refused("an old nonce", ccxt.InvalidNonce, late.fetch_balance, "EAPI:Invalid nonce")
    print("all good")


main()
