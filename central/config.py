"""The centre's configuration: one TOML file, read once.

Unknown keys are errors; relative paths count from the file's folder; a key that is left out has the default that stands
here. Must never hold a secret: keys and passwords are files it names.
"""

from __future__ import annotations

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from central.errors import ConfigInvalid

REGISTER_QUESTIONS = 5
"""Most exchanges with the register in one job (central/adapters/register.py)."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


def _private(url: str) -> str:
    """Names, numbers and pictures go there, and `issued` comes back: beyond this machine never without TLS."""
    parts = urlsplit(url)
    if parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        return url
    raise ValueError("https:// is needed for an address beyond this machine")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Url = Annotated[str, Field(pattern=r"^https?://[^\s?#@]+$"), AfterValidator(_private)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _from_the_files_folder(cls, value: Any, info: ValidationInfo) -> Any:
        base: Path = (info.context or {}).get("base", Path())
        if isinstance(value, Path):
            return base / value
        if isinstance(value, tuple) and value and isinstance(value[0], Path):
            return tuple(base / path for path in value)
        return value


class BrokerConfig(_Section):
    """How this worker reaches the broker. The certificate's CN is the client id, whatever stands here.

    Attributes:
        protocol: 5, or 3.1.1 for brokers that speak nothing newer.
        group: a shared-subscription group when several workers, each with a certificate of its own, share the load.
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    client_id: Annotated[str, Field(pattern=r"^centre-[0-9]{1,4}$")] = "centre-1"
    ca_file: Path
    certificate_file: Path
    key_file: Path
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 60
    protocol: Literal["5", "3.1.1"] = "5"
    group: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")] | None = None


class KeysConfig(_Section):
    """The centre's own keys. More than one opening key while keys rotate."""

    signing_file: Path
    opening_files: Annotated[tuple[Path, ...], Field(min_length=1, max_length=4)]


class RegisterConfig(_Section):
    """The immigration register, over OSIA interfaces."""

    base_url: Url
    gallery: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "immigration"
    deadline_s: Seconds = 20.0


class AuthorityConfig(_Section):
    """The identity authority, over the OSIA credential management interface."""

    base_url: Url
    credential_profile: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "vneid-level-2-foreigner"
    deadline_s: Seconds = 20.0


class IngestConfig(_Section):
    """How many messages one transaction may hold, and how often the outbound table is looked at."""

    batch: Annotated[int, Field(ge=1, le=200)] = 20
    outbound_poll_s: Seconds = 0.2


class JobsConfig(_Section):
    """Lease, back-off and polling of the job loop.

    Attributes:
        lease_s: a job whose worker is silent for that long is taken by another; above every deadline together.
        alarm_attempts: after that many failures in a row an event stands in the case's history.
    """

    lease_s: Seconds = 120.0
    first_retry_s: Seconds = 2.0
    longest_retry_s: Seconds = 900.0
    poll_s: Seconds = 30.0
    idle_s: Seconds = 0.2
    alarm_attempts: Annotated[int, Field(ge=2, le=1000)] = 8


class CasesConfig(_Section):
    """Capture plan for new cases, and how long a station may work on one."""

    plan: str = "single-10"
    valid_days: Annotated[int, Field(ge=1, le=90)] = 7
    rules_dir: Path | None = None


class CentralConfig(_Section):
    """The whole file. `database_url` is an SQLAlchemy URL; left out, SQLite in the data folder."""

    data_dir: Path
    stations_dir: Path
    database_url: str | None = None
    broker: BrokerConfig
    keys: KeysConfig
    register_: Annotated[RegisterConfig, Field(alias="register")]
    authority: AuthorityConfig
    ingest: IngestConfig = IngestConfig()
    jobs: JobsConfig = JobsConfig()
    cases: CasesConfig = CasesConfig()

    @model_validator(mode="after")
    def _lease_outlasts_the_questions(self) -> Self:
        """Else two workers would take a slow job from each other for ever."""
        longest_s = max(REGISTER_QUESTIONS * self.register_.deadline_s, self.authority.deadline_s)
        if self.jobs.lease_s < longest_s:
            raise ValueError(
                f"jobs.lease_s must be at least {longest_s:g}: {REGISTER_QUESTIONS} times register.deadline_s,"
                " and authority.deadline_s"
            )
        return self

    @property
    def store_url(self) -> str:
        """Where the store lies."""
        return self.database_url or f"sqlite:///{self.store_file}"

    @property
    def store_file(self) -> Path:
        """The database's file where no URL is named."""
        return self.data_dir / "central.sqlite"

    @classmethod
    def load(cls, path: Path) -> Self:
        """The configuration in `path`. Raises ConfigInvalid."""
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigInvalid(file=str(path), field="-", problem=error.strerror or "unreadable") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigInvalid(file=str(path), field="-", problem=f"not TOML: {error}") from None
        try:
            return cls.model_validate(table, context={"base": path.resolve().parent})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "-"
            raise ConfigInvalid(file=str(path), field=field, problem=first["msg"]) from None
