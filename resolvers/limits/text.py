"""The text of a document, before it is parsed: parsing takes long, and goes as deep as it is told to."""

from __future__ import annotations

import re

from resolvers.limits.limits import DocumentRefusedError, Limits

# What a value, or a type, may nest within the selections around it.
VALUE_DEPTH = 32
# The tokens of GraphQL, and comments. What is not closed reaches as far as it can: nothing is looked at twice.
TOKEN = re.compile(
    r'(?s)[A-Za-z_][0-9A-Za-z_]*+|"""(?:\\"""|.)*?(?:"""|\Z)|"(?:\\[^\n]|[^"\\\n])*+"?|\.\.\.|[{}()\[\]!$&:=@|]'
    r"|-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|#[^\n\r]*+"
)
OPENING, CLOSING = frozenset("{(["), frozenset("})]")


def check_text(text: str, limits: Limits) -> int:
    """The number of tokens and comments. Raises DocumentRefusedError for a text too long or nested too deeply."""
    if len(text) > limits.length:
        raise DocumentRefusedError("DOCUMENT_TOO_LONG", "Characters of the document", limits.length, len(text))
    most = limits.depth + VALUE_DEPTH
    depth = tokens = 0
    for tokens, match in enumerate(TOKEN.finditer(text), 1):
        token = match[0]
        if token in OPENING:
            depth += 1
            if depth > most:
                raise DocumentRefusedError("QUERY_TOO_DEEP", "Brackets within each other", most, depth)
        elif token in CLOSING:
            depth -= 1
        if tokens > limits.tokens:
            raise DocumentRefusedError("TOO_MANY_TOKENS", "Tokens of the document", limits.tokens, tokens)
    return tokens
