"""Settings: every one of them, read from the environment once."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.issuer import Issuer
from api.keys import Algorithm, key_of_pem
from api.uploads.content_type import KNOWN
from api.uploads.s3 import S3Bucket
from api.uploads.storage import LocalFolder, Storage
from sql.encryption import EncryptedFields, Keyring, MasterKeys, key_service
from sql.explanations import Phraser, phraser

ORIGIN = re.compile(r"\*|https?://[a-z0-9.\[\]:-]+")
Executor = Literal["breadth_first", "graphql_core"]
DocumentMode = Literal["open", "id_only"]
LogFormat = Literal["json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]
ExplorerAccess = Literal["on", "off", "owners"]


class DemoPerson(BaseModel, frozen=True):
    """Somebody of the demo in one of their tenants, for whom the explorer may have a token."""

    email: str
    name: str
    role: str
    tenant: str
    user_id: UUID
    tenant_id: UUID


class Settings(BaseSettings):
    """What can be set, each as an environment variable: MOTOMIND_ and the name in capitals, or as it says."""

    model_config = SettingsConfigDict(
        env_prefix="MOTOMIND_", extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="The PostgreSQL to serve from, as the role gateway. Unset: an embedded server.",
    )
    owner_database_url: str | None = Field(
        default=None,
        description="The same database as its owner, for migrate, worker, demo, import and token. Unset: DATABASE_URL.",
    )
    data_dir: Path = Field(
        default=Path(".motomind"), description="Where the embedded server and the development key are kept."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="The port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="How many processes serve.")
    worker_jobs: int = Field(
        default=2, ge=1, le=64, description="How many tenants 'motomind worker' computes at the same time."
    )
    pool_min_size: int = Field(default=1, ge=0, description="Database connections kept open by each process.")
    pool_max_size: int = Field(default=10, ge=1, description="The most database connections of each process.")
    pool_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that a request waits for a free connection; then 503."
    )
    statement_timeout_ms: int = Field(default=10_000, ge=1, description="Milliseconds that one statement may take.")
    statement_cache_size: int = Field(
        default=500,
        ge=0,
        description="Prepared statements kept by each connection; 0 behind a PgBouncer in transaction mode that is "
        "older than 1.21 or has max_prepared_statements = 0.",
    )
    request_timeout: float = Field(default=30.0, gt=0, description="Seconds that one request may take in all.")
    max_body_bytes: int = Field(default=1_000_000, ge=1, description="The largest request body in bytes.")
    body_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that a request's body may take to arrive; then 408."
    )
    max_header_bytes: int = Field(
        default=32_768, ge=1, description="The most bytes of a request's headers in all; beyond that 431."
    )
    max_url_bytes: int = Field(default=16_384, ge=1, description="The longest query string of a GET in bytes.")
    max_sockets: int = Field(default=1000, ge=0, description="The most WebSockets of each process; 0 takes none.")
    max_socket_operations: int = Field(
        default=10, ge=1, description="The most operations that run on one WebSocket at once."
    )
    socket_init_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that a WebSocket has to say who it is; then it is closed."
    )
    cors_origins: str = Field(
        default="",
        description="Origins of web apps that may read answers and open WebSockets, separated by commas: "
        "https://app.example; * for all.",
    )
    max_batch_size: int = Field(default=0, ge=0, description="The most operations of a batch; 0 takes no batches.")
    document_mode: DocumentMode = Field(
        default="open",
        description="Which documents people with a token may send: open takes any, id_only none but by a client's "
        "published ids. Clients have a mode of their own.",
    )
    automatic_persisted_queries: bool = Field(
        default=True, description="Whether texts can be registered under their SHA-256 (APQ), in open modes."
    )
    max_document_length: int = Field(default=100_000, ge=1, description="The most characters of a document.")
    max_tokens: int = Field(default=10_000, ge=1, description="The most tokens of a document, comments included.")
    max_depth: int = Field(default=100, ge=1, le=150, description="The most fields within each other.")
    max_root_fields: int = Field(default=50, ge=1, description="The most fields at the root of an operation.")
    max_object_fields: int = Field(
        default=250, ge=1, description="The most fields asked of one object, repeated ones and fragments included."
    )
    max_fields: int = Field(
        default=3000, ge=1, description="The most fields of an operation, each fragment counted wherever it is spread."
    )
    max_aliases: int = Field(default=100, ge=0, description="The most aliases of an operation, counted like fields.")
    max_directives: int = Field(default=100, ge=0, description="The most directives of a document.")
    max_introspection_depth: int = Field(
        default=2, ge=1, description="The most lists of the schema, like fields, within each other in an introspection."
    )
    max_cost: int = Field(
        default=1_000_000,
        ge=1,
        description="The most points that an operation may cost by its estimate: see @cost in the schema.",
    )
    client_budget: int = Field(
        default=100_000,
        ge=0,
        description="The points that a client may spend at once; its answers tell what is left. 0: no budgets.",
    )
    client_restore_rate: float = Field(
        default=1000.0, gt=0, description="The points that a client's budget gets back in a second."
    )
    person_budget: int = Field(
        default=0, ge=0, description="The same for a person with a token that names no client. 0: no budgets."
    )
    person_restore_rate: float = Field(
        default=1000.0, gt=0, description="The points that a person's budget gets back in a second."
    )
    redis_url: str | None = Field(
        default=None,
        description="A Redis to keep budgets in, as redis://host:6379/0. Unset: they are kept in PostgreSQL.",
    )
    cached_documents: int = Field(default=1000, ge=1, description="Parsed documents kept by each process.")
    max_page_size: int = Field(default=200, ge=1, description="The most rows that one page of a connection has.")
    executor: Executor = Field(
        default="breadth_first",
        description="How operations are executed: breadth_first, or graphql_core, to compare with graphql-core's own.",
    )
    drain_seconds: float = Field(
        default=1.0,
        ge=0,
        description="Seconds after SIGTERM in which requests are still taken, while /readyz says no: longer than a "
        "load balancer needs to notice.",
    )
    log_format: LogFormat | None = Field(
        default=None, description="How lines of the log look: json or text. Unset: text on a terminal, else json."
    )
    log_level: LogLevel = Field(
        default="info", description="The log's level: debug, info (with a line for each request), warning or error."
    )
    metrics: bool = Field(
        default=True,
        description="Whether /metrics is there: for who has the token, or with development tokens for this machine.",
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="The bearer token that /metrics asks for."
    )
    tracing: bool = Field(
        default=False,
        description="Whether spans are sent by OpenTelemetry, to where the variables OTEL_* say. Needs the extra "
        "telemetry.",
    )
    trace_statements: bool = Field(default=False, description="Whether SQL statements have spans of their own.")
    trace_documents: bool = Field(
        default=False, description="Whether spans carry the documents' texts, with the values written in them."
    )
    server_timing: bool | None = Field(
        default=None,
        description="Whether responses tell how long each step took, in Server-Timing. Unset: with development tokens.",
    )
    issuers: Annotated[tuple[Issuer, ...], NoDecode] = Field(
        default=(),
        description="The issuers of bearer tokens, a JSON list of objects as below. "
        "Neither this nor jwt_issuer: development tokens by 'motomind token'.",
    )
    jwt_issuer: str | None = Field(
        default=None,
        min_length=1,
        description="An issuer (iss) beside those of issuers, whose one key is set.",
    )
    jwt_audience: str = Field(
        default="motomind",
        description="The audience (aud) that tokens of jwt_issuer, and development tokens, must name.",
    )
    jwt_public_key: str | None = Field(
        default=None, description="The public key of jwt_issuer, as PEM text. Needs jwt_issuer."
    )
    jwt_algorithm: Algorithm = Field(default="RS256", description="The one algorithm that jwt_issuer signs with.")

    explorer: ExplorerAccess | None = Field(
        default=None,
        description="Whether a browser sees the explorer at /graphql: on, off, or owners, where the page serves owners "
        "only; it is no boundary, as the graph answers whatever client. Unset: on with development tokens, off with an "
        "issuer of one's own.",
    )
    explorer_people: Annotated[tuple[DemoPerson, ...], NoDecode] = Field(
        default=(),
        description="Whom the explorer hands tokens to, as JSON; 'motomind serve --demo' sets it to the demo's people. "
        "Ignored with an issuer of one's own, and when listening on anything but loopback.",
    )

    encrypted_fields: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="What is encrypted at rest, a JSON list of paths like "
        '["manual_events.payload.location", "vehicles.extended_attributes.custom_fields.owner"].',
    )
    encrypted_fields_visible_to: Literal["managers", "writers"] = Field(
        default="managers",
        description="Who sees what is encrypted: managers (and owners), or also writers, viewers with WRITE on the "
        "vehicle's group. For others it is null.",
    )
    master_keys: SecretStr | None = Field(
        default=None,
        description="The keys that wrap the tenants' data keys: NAME:BASE64 of 32 bytes, several with commas; the "
        "first is current. 'motomind keys generate' makes one.",
    )
    kms: str | None = Field(
        default=None,
        description="A key service of one's own, as module:attribute, that wraps instead; docs/encryption.md has its "
        "interface. Keys of master_keys then only unwrap.",
    )

    phrasing: str | None = Field(
        default=None,
        description="A provider of one's own, as module:attribute, that puts explanations into other words; "
        "docs/explanations.md has its interface. Unset: the rules' own sentences.",
    )
    phrasing_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that the provider may take for a text; then the rule's sentence stays."
    )

    uploads_dir: Path | None = Field(
        default=None, description="Where uploaded files are kept. Unset: uploads in MOTOMIND_DATA_DIR."
    )
    uploads_url: str | None = Field(
        default=None,
        description="A bucket that keeps uploaded files instead, like s3://bucket/prefix, with AWS_ENDPOINT, "
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; needs the extra s3.",
    )
    max_upload_bytes: int = Field(
        default=20_000_000, ge=1, le=2_147_483_647, description="The largest file that is taken, in bytes."
    )
    upload_types: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("image/jpeg", "image/png", "image/webp", "image/heic", "application/pdf", "text/csv"),
        description="The types of files that are taken, a JSON list; each is told by what is in the file.",
    )
    upload_timeout: float = Field(default=300.0, gt=0, description="Seconds that sending a file may take.")
    url_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What URLs of uploads are signed with, at least 32 characters, the same on all machines. Unset: "
        "made from the development key in MOTOMIND_DATA_DIR.",
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^?#]+)?$",
        description="The gateway's address as clients see it; URLs of uploads begin with it. Unset: with a slash.",
    )

    @field_validator("encrypted_fields", "upload_types", mode="before")
    @classmethod
    def _read_texts(cls, value: Any, info: ValidationInfo) -> Any:
        value = _list_of(value, str, "texts")
        if info.field_name == "encrypted_fields":
            EncryptedFields.of(value)
        elif unknown := sorted(set(value) - KNOWN):
            raise ValueError(f"{unknown[0]} cannot be told by what is in a file. Known: {', '.join(sorted(KNOWN))}")
        return value

    @field_validator("issuers", "explorer_people", mode="before")
    @classmethod
    def _read_objects(cls, value: Any, info: ValidationInfo) -> Any:
        like = ', like [{"issuer": "https://id.example", "audience": "motomind"}]'
        return _list_of(value, dict | BaseModel, f"objects{like if info.field_name == 'issuers' else ''}")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.jwt_issuer is None) != (self.jwt_public_key is None):
            raise ValueError("MOTOMIND_JWT_ISSUER and MOTOMIND_JWT_PUBLIC_KEY go together: set both or neither")
        if self.jwt_public_key is not None:
            key = key_of_pem(self.jwt_public_key)
            if key is None or not key.fits(self.jwt_algorithm):
                raise ValueError(f"MOTOMIND_JWT_PUBLIC_KEY is no public key for {self.jwt_algorithm}, as PEM")
        names = Counter(issuer.issuer for issuer in self.trusted_issuers)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"MOTOMIND_ISSUERS and MOTOMIND_JWT_ISSUER name an issuer twice: {', '.join(twice)}")
        if wrong := [origin for origin in self.allowed_origins if not ORIGIN.fullmatch(origin)]:
            raise ValueError(f"MOTOMIND_CORS_ORIGINS has {wrong[0]!r}, which is no origin like https://app.example")
        if self.redis_url is not None and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("MOTOMIND_REDIS_URL starts with redis://, rediss:// or unix://")
        if self.pool_min_size > self.pool_max_size:
            raise ValueError("MOTOMIND_POOL_MIN_SIZE is larger than MOTOMIND_POOL_MAX_SIZE")
        if self.database_url is not None and not self.database_url.startswith(("postgresql://", "postgres://")):
            raise ValueError("DATABASE_URL starts with postgresql://")
        return self

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.tracing and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError("MOTOMIND_TRACING needs more: pip install 'motomind-gateway[telemetry]'")
        if self.encrypted_fields and self.master_keys is None and self.kms is None:
            raise ValueError(
                "MOTOMIND_ENCRYPTED_FIELDS needs MOTOMIND_MASTER_KEYS (or MOTOMIND_KMS). Set the keys that the gateway "
                "has, or make the first one: export MOTOMIND_MASTER_KEYS=$(motomind keys generate)"
            )
        self.keyring()
        self.phraser()
        if self.uploads_url is not None:
            self.storage()
        return self

    @property
    def trusted_issuers(self) -> tuple[Issuer, ...]:
        """Every issuer that is set, the simple one as well; none where development tokens are taken."""
        if self.jwt_issuer is None:
            return self.issuers
        simple = Issuer(
            issuer=self.jwt_issuer,
            audience=self.jwt_audience,
            algorithms=(self.jwt_algorithm,),
            public_key=self.jwt_public_key,
        )
        return (*self.issuers, simple)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins in ``cors_origins``."""
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())

    @property
    def uploads_folder(self) -> Path:
        """Where uploads are kept, or with a bucket where they are until they are there."""
        return self.uploads_dir or self.data_dir / "uploads"

    def storage(self) -> Storage:
        """What keeps uploads. Raises ValueError."""
        if self.uploads_url is None:
            return LocalFolder(self.uploads_folder)
        if not self.uploads_url.startswith("s3://"):
            raise ValueError("MOTOMIND_UPLOADS_URL is like s3://bucket/prefix")
        try:
            return S3Bucket.of(self.uploads_url)
        except ValueError as error:
            raise ValueError(f"MOTOMIND_UPLOADS_URL {error}") from None

    def keyring(self) -> Keyring | None:
        """A keyring of these settings; None where nothing is, or was, encrypted."""
        masters = self.masters()
        if masters is None:
            return None
        fields = EncryptedFields.of(self.encrypted_fields)
        return Keyring(fields, masters, writers_see=self.encrypted_fields_visible_to == "writers")

    def masters(self) -> MasterKeys | None:
        """What wraps and unwraps data keys. Raises ValueError, which names the setting and no key."""
        if self.master_keys is None and self.kms is None:
            return None
        try:
            service = None if self.kms is None else key_service(self.kms)
        except ValueError as error:
            raise ValueError(f"MOTOMIND_KMS {error}") from None
        try:
            return MasterKeys.of(self.master_keys.get_secret_value() if self.master_keys else "", service)
        except ValueError as error:
            raise ValueError(f"MOTOMIND_MASTER_KEYS {error}") from None

    def phraser(self) -> Phraser | None:
        """What puts explanations into other words; None where the rules' sentences stay. Raises ValueError."""
        if self.phrasing is None:
            return None
        try:
            return phraser(self.phrasing, seconds=self.phrasing_timeout)
        except ValueError as error:
            raise ValueError(f"MOTOMIND_PHRASING {error}") from None

    @property
    def has_production_issuer(self) -> bool:
        """Whether tokens come from an issuer of one's own, so that development tokens are neither made nor taken."""
        return bool(self.trusted_issuers)

    @property
    def explorer_access(self) -> ExplorerAccess:
        """Who sees the explorer."""
        return self.explorer or ("off" if self.has_production_issuer else "on")

    @property
    def has_server_timing(self) -> bool:
        """Whether responses carry Server-Timing."""
        return not self.has_production_issuer if self.server_timing is None else self.server_timing


def _list_of(value: Any, kind: type | UnionType, said: str) -> Any:
    """A list of one kind, given as such or as JSON; an empty text is an empty list. Raises ValueError."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON: {error}") from None
    if not isinstance(value, list | tuple) or not all(isinstance(one, kind) for one in value):
        raise ValueError(f"is a JSON list of {said}")
    return value


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
