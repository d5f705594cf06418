"""Vehicle identification numbers with the check digit that North America asks for (49 CFR 565.15)."""

from __future__ import annotations

import random

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ"
YEAR_CODES = "GHJKLMNPRST"
FIRST_YEAR = 2016
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
CHECK_POSITION = 8
CHECK_MODULUS = 11
SERIALS = 1_000_000


def make_vin(fortune: random.Random, maker: str, year: int, serial: int) -> str:
    """A valid number of 17 characters: unique within a tenant by its ``serial``; ``maker`` is the first three."""
    descriptor = "".join(fortune.choices(ALPHABET, k=5))
    plant = ALPHABET[serial // SERIALS % len(ALPHABET)]
    vin = f"{maker}{descriptor}0{YEAR_CODES[year - FIRST_YEAR]}{plant}{serial % SERIALS:06}"
    return vin[:CHECK_POSITION] + check_digit(vin) + vin[CHECK_POSITION + 1 :]


def check_digit(vin: str) -> str:
    """The ninth character that the other sixteen call for: 0 to 9 or X."""
    total = sum(
        (int(character) if character.isdigit() else VALUES[character]) * weight
        for character, weight in zip(vin, WEIGHTS, strict=True)
    )
    remainder = total % CHECK_MODULUS
    return "X" if remainder == CHECK_MODULUS - 1 else str(remainder)
