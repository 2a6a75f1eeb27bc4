"""Turns temperature readings into a small report."""
