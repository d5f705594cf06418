"""Content types: what a file is by its first bytes, whatever it is called."""

from __future__ import annotations

import re

HEAD_BYTES = 4096
CSV = "text/csv"
UNKNOWN = "application/octet-stream"
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/heif": "image/heic", "application/csv": CSV}

# The signatures of the formats: ISO/IEC 10918-1, ISO/IEC 15948, RFC 9649, ISO/IEC 23008-12, GIF89a, TIFF 6.0,
# ISO 32000, and the local file header of ZIP.
SIGNATURES = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "image/heic": re.compile(rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/tiff": re.compile(rb"II\*\0|MM\0\*"),
    "application/pdf": re.compile(rb"%PDF-\d"),
    "application/zip": re.compile(rb"PK\x03\x04"),
}
NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
KNOWN = frozenset({*SIGNATURES, CSV})


def named(header: str) -> str:
    """The type that a Content-Type header names, without parameters, under its usual name."""
    name = header.partition(";")[0].strip().lower()
    return ALIASES.get(name, name)


def found(head: bytes, declared: str) -> str | None:
    """The type of a file by its first bytes; for texts, which have no signature, by what it was declared to be.

    Markup is no CSV: a browser might run it.
    """
    for name, signature in SIGNATURES.items():
        if signature.match(head):
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return CSV if declared == CSV and text and not text.startswith(b"<") and not NO_TEXT.search(head) else None
