"""Logs: one line for each record on standard output, as JSON for machines or as text for people.

A line of a request's carries its id, whoever writes it. Lines have no variables, tokens, keys or texts of documents.
"""

from __future__ import annotations

import datetime
import logging
import re
import sys
from typing import Any

import orjson

from api.observation import request_id
from api.settings import Settings

PLAIN = re.compile(r"[\w.:@/+-]+")


def configure(settings: Settings) -> None:
    """Sends the process's log to standard output; ours from the level that is set, that of libraries from warnings."""
    as_json = settings.log_format == "json" or (settings.log_format is None and not sys.stdout.isatty())
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    handler.addFilter(unless_cut_off)
    root = logging.getLogger()
    root.handlers = [handler]
    level = settings.log_level.upper()
    logging.getLogger("motomind").setLevel(level)
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))


def unless_cut_off(record: logging.LogRecord) -> bool:
    """A filter for what the server says of tasks that end with the process when it is interrupted a second time."""
    return not record.getMessage().rstrip().endswith("asyncio.exceptions.CancelledError")


class JsonFormatter(logging.Formatter):
    """A record as an object: time, level, logger, message, request_id, what the record carries, and an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= fields_of(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class TextFormatter(logging.Formatter):
    """A record as a line for people: time, level, message and what the record carries as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, and where there is an exception its stack trace below."""
        time = datetime.datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = " ".join(f"{name}={_plain(value)}" for name, value in fields_of(record).items())
        line = f"{time} {record.levelname.lower():<7} {record.getMessage()} {fields}".rstrip()
        return line + "\n" + self.formatException(record.exc_info) if record.exc_info else line


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The request's id and what else a record carries by name."""
    fields: dict[str, Any] = getattr(record, "fields", None) or {}
    id_ = request_id()
    return fields if id_ is None else {"request_id": id_, **fields}


def _plain(value: object) -> str:
    """A value without spaces or line ends of its own, so that nobody can write another field, or another line."""
    if isinstance(value, (list, tuple)):
        return ",".join(_plain(one) for one in value)
    text = str(value)
    return text if PLAIN.fullmatch(text) else orjson.dumps(text).decode()
