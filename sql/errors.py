"""What can go wrong at the database, in the words of the gateway.

DatabaseError                  anything below
├── DatabaseUnavailableError   not reachable, starting, stopping, or the connection broke
├── PoolExhaustedError         every connection stayed busy for longer than a request may wait
├── StatementTimeoutError      a statement ran longer than it may
├── StatementFailedError       a statement that PostgreSQL refused: our mistake
│   └── ViolationError         what was written breaks a constraint or goes beyond a policy
├── ConflictError              two transactions were in each other's way: to be tried again
├── NotAMemberError            the caller does not belong to the tenant
├── UnsafeRoleError            the gateway's role could see or change more than it may
├── SetupError                 the server is not one that MotoMind can run on
├── EncryptionUnavailableError  a value's key cannot be used: no master key for it, or its service is away
├── ClientError                a client or its documents: what is asked for cannot be done
└── ImportFileError            a file that cannot be imported, with the row and column
"""

from __future__ import annotations


class DatabaseError(Exception):
    """The database refused or failed."""


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached right now."""


class PoolExhaustedError(DatabaseError):
    """Every database connection is busy."""


class StatementTimeoutError(DatabaseError):
    """A statement took longer than it may."""


class StatementFailedError(DatabaseError):
    """PostgreSQL refused a statement, which it should not have been sent."""


class ViolationError(StatementFailedError):
    """What was written breaks a constraint, or goes beyond what a policy lets the caller write.

    ``constraint`` is its name, empty for a policy; ``sqlstate`` PostgreSQL's code.
    """

    def __init__(self, message: str, sqlstate: str, constraint: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.constraint = constraint


class ConflictError(DatabaseError):
    """Two transactions were in each other's way."""


class NotAMemberError(DatabaseError):
    """You are no member of this tenant."""


class UnsafeRoleError(DatabaseError):
    """The gateway's database role could see or change more than it may."""


class SetupError(DatabaseError):
    """The database server is not one that MotoMind can run on."""


class EncryptionUnavailableError(DatabaseError):
    """A value cannot be encrypted or decrypted now."""


class ClientError(DatabaseError):
    """What is asked for of a client or its documents cannot be done."""


class ImportFileError(DatabaseError):
    """A file cannot be imported; problems lists why, one line per row and column."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
