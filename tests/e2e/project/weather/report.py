"""Statistics of readings, printed as a table."""

from __future__ import annotations

import numpy as np
import requests
from rich.console import Console
from rich.table import Table


def summary(readings: list[float]) -> dict[str, float]:
    """Mean, spread and extremes of readings in degrees Celsius."""
    if not readings:
        raise ValueError("no readings")
    values = np.asarray(readings, dtype=float)
    return {
        "mean": float(values.mean()),
        "spread": float(values.std()),
        "lowest": float(values.min()),
        "highest": float(values.max()),
    }


def render(figures: dict[str, float], width: int = 40) -> str:
    """The figures as a table of plain text."""
    table = Table(title="Weather")
    table.add_column("figure")
    table.add_column("degrees", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1f}")
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def request_for(station: str) -> requests.PreparedRequest:
    """The request that asks a station for its readings; nothing is sent."""
    return requests.Request("GET", "http://station.example/readings", params={"id": station}).prepare()
