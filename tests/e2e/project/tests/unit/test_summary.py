import pytest

from weather.report import summary


def test_figures():
    assert summary([1.0, 3.0]) == {"mean": 2.0, "spread": 1.0, "lowest": 1.0, "highest": 3.0}


def test_nothing_to_summarise():
    with pytest.raises(ValueError, match="no readings"):
        summary([])
