"""Texts that are sent in place of values."""

from __future__ import annotations

import pytest

from sql.sent_text import id_array

A, B = "0b0e2f5c-3a52-4c7e-9f0a-0d2f3e4a5b6c", "9d3c1f0e-7b61-4a0d-8e2f-1c2b3a4d5e6f"


def test_ids_are_the_elements_of_an_array():
    """As PostgreSQL writes it, also without any."""
    assert id_array([A, B]) == f"{{{A},{B}}}"
    assert id_array([]) == "{}"


@pytest.mark.parametrize(
    "wrong",
    [
        f"{A},{B}",
        "",
        "NULL",
        "null".ljust(36),
        ",".join(["null"] * 7).ljust(36),
        A[:-1],
        A + " ",
        f'"{A[:-2]}"',
        "ü" * 36,
    ],
)
def test_what_is_not_written_as_an_id_is_none(wrong: str):
    """So no text is two elements, or none, or an element that nobody meant."""
    with pytest.raises(ValueError, match="not a UUID"):
        id_array([B, wrong])
