"""Prints the manifest of queries/: an object of ids and texts, for motomind documents publish."""

from __future__ import annotations

import json
from pathlib import Path

queries = sorted((Path(__file__).parent / "queries").glob("*.graphql"))
print(json.dumps({path.stem: path.read_text(encoding="utf-8") for path in queries}, indent=2))
