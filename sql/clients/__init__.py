"""Clients and their documents, as the database's owner: what the command line does for whoever runs a gateway."""

from sql.clients.publishing import Listed, Publication, Report, all_documents, documents, publish, report, retire
from sql.clients.registry import Registered, clients, create, revoke, rotate

__all__ = [
    "Listed",
    "Publication",
    "Registered",
    "Report",
    "all_documents",
    "clients",
    "create",
    "documents",
    "publish",
    "report",
    "retire",
    "revoke",
    "rotate",
]
