"""The venue's own client against a simulated Binance spot.

Usage: binance_sdk.py BASE_URL KEY SECRET. Needs binance-sdk-spot. Every line that is printed was
checked; the last one is "all good".
"""

import asyncio
import sys

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import BadRequestError, ClientError, UnauthorizedError
from binance_sdk_spot.spot import Spot


def connect(base, key, secret):
    return Spot(config_rest_api=ConfigurationRestAPI(
        api_key=key, api_secret=secret, base_path=base, retries=0, timeout=5000,
    )).rest_api


def refused(what, call, code):
    try:
        answer = call()
    except (BadRequestError, UnauthorizedError, ClientError) as raised:
        assert str(code) in f"{raised} {getattr(raised, '__dict__', '')}", f"{what}: {raised!r}"
        print(f"refused: {what}: {type(raised).__name__}")
        return
    raise AssertionError(f"{what} was taken: {answer}")


def orders(api, base, key, secret):
    info = api.exchange_info(symbol="BTCUSDT").data()
    assert info.symbols[0].base_asset == "BTC", info
    klines = api.klines(symbol="BTCUSDT", interval="5m", limit=10).data()
    assert len(klines) == 10, klines
    last = float(api.ticker_price(symbol="BTCUSDT").data().actual_instance.price)
    print(f"markets, candles and ticker: last price {last}")

    order = api.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01).data()
    assert order.status == "FILLED" and order.fills[0].commission_asset == "BTC", order
    trades = api.my_trades(symbol="BTCUSDT", order_id=order.order_id).data()
    assert trades[0].qty == "0.01000000", trades
    order = api.new_order(symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC",
                          quantity=0.01, price=round(last * 0.9, 2)).data()
    assert order.status == "NEW", order
    found = api.get_order(symbol="BTCUSDT", order_id=order.order_id).data()
    assert found.client_order_id == order.client_order_id, found
    gone = api.delete_order(symbol="BTCUSDT", order_id=order.order_id).data()
    assert gone.status == "CANCELED", gone
    pair = api.order_list_oco(
        symbol="BTCUSDT", side="SELL", quantity=0.01, above_type="LIMIT_MAKER",
        above_price=round(last * 1.1, 2), below_type="STOP_LOSS",
        below_stop_price=round(last * 0.95, 2),
    ).data()
    assert len(pair.order_reports) == 2, pair
    assert len(api.get_open_orders(symbol="BTCUSDT").data()) == 2
    gone = api.delete_order_list(symbol="BTCUSDT", order_list_id=pair.order_list_id).data()
    assert gone.list_order_status == "ALL_DONE", gone
    account = api.get_account(omit_zero_balances=True).data()
    held = {balance.asset: float(balance.free) for balance in account.balances}
    assert held["BTC"] > 1 and held["USDT"] < 10000, held
    print("market and limit orders, a pair, fills and balances")

    refused("a price off the step", lambda: api.new_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01,
        price=round(last * 0.9, 2) + 0.001), -1013)
    refused("too little money", lambda: api.new_order(
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity=1000), -2010)
    refused("a wrong signature", connect(base, key, secret + "x").get_account, -1022)
    return last


async def events(api, base, key, secret):
    url = base.replace("http://", "ws://") + "/ws-api/v3"
    spot = Spot(config_ws_api=ConfigurationWebSocketAPI(
        api_key=key, api_secret=secret, stream_url=url, timeout=5000,
    ))
    connection = await spot.websocket_api.create_connection()
    try:
        heard = asyncio.Queue()
        answer = await connection.user_data_stream_subscribe_signature()
        answer.stream.on("message", heard.put_nowait)
        await asyncio.to_thread(
            api.new_order, symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01)
        while True:
            event = await asyncio.wait_for(heard.get(), 10)
            text = str(event)
            if "TRADE" in text and "FILLED" in text:
                print("the events of an account")
                return
    finally:
        await connection.close_connection(close_session=True)


def main():
    base, key, secret = sys.argv[1:4]
    api = connect(base, key, secret)
    orders(api, base, key, secret)
    asyncio.run(events(api, base, key, secret))
    print("all good")


main()
