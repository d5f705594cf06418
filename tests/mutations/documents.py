"""The documents of mutations that are tried."""

from __future__ import annotations

ERRORS = "userErrors { code message field }"


def mutation(field: str, input_type: str, shown: str) -> str:
    """A mutation of one input, with what of its payload is to be shown beside the mistakes."""
    return f"mutation ($input: {input_type}) {{ {field}(input: $input) {{ {shown} {ERRORS} }} }}"
