"""Hours, bytes and money as people read them."""

UNKNOWN = "?"


def hours(value: float | None) -> str:
    """Hours with three digits that count; a question mark where they are not known."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def wall(value: float | None) -> str:
    """Hours of wall time, as minutes or days where these read better."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{value * 60:.1f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:,.1f} days"


def size(value: float | None) -> str:
    """Bytes in powers of ten."""
    if value is None:
        return UNKNOWN
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            return f"{value / factor:,.1f} {unit}"
    return f"{value / 1e3:,.1f} kB"


def price(value: float) -> str:
    """An amount of money, with cents where it is small; nothing for less than a cent."""
    return "" if value < 0.005 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
