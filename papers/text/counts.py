"""How a number of things reads in words."""


def counted(count: int, unit: str) -> str:
    """`1 paper`, `2 papers`, `12,000 papers`; for words whose plural has an `s`."""
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
