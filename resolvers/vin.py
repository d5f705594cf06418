"""Vehicle identification numbers (ISO 3779): 17 characters without I, O and Q; in North America with a check digit."""

from __future__ import annotations

import re

from resolvers.mutation import Change, Mistake

VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
MODULUS = 11
CHECK_DIGIT = 8  # its position
ODD = "VIN_CHECK_DIGIT"


def vin_of(change: Change, value: str) -> str:
    """A VIN as it is kept. Raises the mistake that it cannot be one.

    Warns of a check digit that does not fit: a North American VIN with it was mistyped, a European one needs none.
    """
    vin = plain_vin(value)
    if is_odd(vin):
        change.warn(
            ODD,
            f"The ninth character would be {check_digit(vin)} in a North American VIN. European ones need none.",
            "vin",
        )
    return vin


def plain_vin(value: str) -> str:
    """A VIN in capitals, without blanks or hyphens. Raises the mistake that it cannot be one."""
    vin = re.sub(r"[\s-]", "", value).upper()
    if not VIN.fullmatch(vin):
        raise Mistake("VIN_INVALID", "A VIN has 17 characters: digits, and letters without I, O and Q.", "vin")
    return vin


def is_odd(vin: str) -> bool:
    """Whether the check digit does not fit."""
    return check_digit(vin) != vin[CHECK_DIGIT]


def check_digit(vin: str) -> str:
    """The check digit of a VIN: the weighted sum of its characters modulo 11, 10 being X (49 CFR 565.15)."""
    remainder = sum(VALUES[character] * weight for character, weight in zip(vin, WEIGHTS, strict=True)) % MODULUS
    return "X" if remainder == MODULUS - 1 else str(remainder)
