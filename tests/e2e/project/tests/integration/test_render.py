from weather.report import render, summary


def test_table_shows_every_figure():
    text = render(summary([10.0, 20.0]))
    assert "mean" in text and "15.0" in text
    assert "highest" in text and "20.0" in text
