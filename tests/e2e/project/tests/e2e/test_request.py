from weather.report import request_for


def test_station_is_quoted():
    assert request_for("a b").url == "http://station.example/readings?id=a+b"
