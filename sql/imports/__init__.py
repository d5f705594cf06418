"""Imports: fleet groups and fuel logs from files, all or nothing, and the same file twice adds nothing."""

from sql.imports.fuel_log import import_fuel_log
from sql.imports.groups import import_groups
from sql.imports.report import ImportReport, Progress

__all__ = ["ImportReport", "Progress", "import_fuel_log", "import_groups"]
