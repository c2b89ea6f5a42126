"""Formatting of printed numbers."""

import math

import pandas as pd

MISSING = "—"
THIN = "\u202f"  # between thousands; a line does not break there


def number(value: float | None, digits: int = 0, sign: bool = False) -> str:
    """Format with thin spaces between thousands; None and NaN: a dash; what rounds to 0: "<0.1", with `sign` "0.0"."""
    if value is None or value != value:
        return MISSING
    text = f"{value:{'+' if sign else ''},.{digits}f}".replace(",", THIN)
    zero = not text.strip("+-0.")
    if zero and (sign or not value):
        return text.lstrip("+-")
    if zero:
        return f"<{10.0**-digits:.{digits}f}" if value > 0 else f">−{10.0**-digits:.{digits}f}"
    return text.replace("-", "−")


def deviation(value: float | None, digits: int) -> str:
    """Format a standard deviation; if it rounds to 0, show one significant digit; None and NaN: ""."""
    if value is None or value != value:
        return ""
    if value < 1e-9:  # a rounding error
        return f"{0:.{digits}f}"
    return number(value, digits if value >= 10.0**-digits / 2 else math.ceil(-math.log10(value)))


def spread(mean: float, std: float, digits: int) -> str:
    """Return mean ± standard deviation; a mean that rounds to 0 alone, as less than its last digit."""
    around = deviation(std, digits)
    text = number(mean, digits)
    return text if not around or text.startswith("<") else f"{text} ± {around}"


def extent(values: pd.Series, digits: int = 0, between: str = " to ") -> str:
    """Return the smallest and the largest number, or one if they are printed alike; "" for none."""
    if values.isna().all():
        return ""
    return between.join(dict.fromkeys(number(end, digits) for end in (values.min(), values.max())))


def estimate(mean: float, low: float, high: float, sign: bool = False) -> str:
    """Return a fraction in percent with its interval, if it has one: "81.2 [70.1, 90.3]"."""
    mean_, *ends = (number(100 * value, 1, sign) for value in (mean, low, high))
    return mean_ if low != low else f"{mean_} [{', '.join(ends)}]"


def duration(hours: float) -> str:
    """Return a time in hours, or in minutes if it is less than an hour."""
    return f"{number(hours, 1)} hours" if hours >= 1 else f"{number(60 * hours, 1)} minutes"
