"""Jobs in the background: procrastinate's tables in a schema of their own, and the worker that carries jobs out."""

from __future__ import annotations

SCHEMA = "jobs"
"""Where procrastinate's tables are. No role of the gateway may use it."""
