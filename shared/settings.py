"""Settings, read once from the environment (prefix `CTTA_`). docs/operations.md lists each; a test compares."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything a process of a center is told from outside. Secrets come from files or the environment only."""

    model_config = SettingsConfigDict(env_prefix="CTTA_", extra="ignore", frozen=True)

    center: str = Field("east", description="id of the center this process works for")
    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port separated by commas")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = Field(
        "PLAINTEXT", description="security protocol towards Kafka"
    )
    kafka_username: str = Field("", description="SASL/SCRAM-SHA-512 user: one principal per center and service")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL/SCRAM password")
    kafka_cafile: Path | None = Field(None, description="CA certificates for TLS")
    kafka_certfile: Path | None = Field(None, description="client certificate for mTLS")
    kafka_keyfile: Path | None = Field(None, description="key of the client certificate")
    kafka_idempotent: bool = Field(True, description="idempotent producer; off only for the embedded broker")
    kafka_replicas: int = Field(1, description="replication factor of topics that are made")
    kafka_session_timeout_ms: int = Field(10_000, description="after which silence a member leaves its group")
    metadata_max_age_ms: int = Field(3000, description="how soon a new topic is noticed, in milliseconds")
    postgres: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432"), description="server URL without a database name"
    )
    pool_size: int = Field(10, description="database connections per service")
    home: Path = Field(default_factory=lambda: user_data_path("ctta"), description="state of the embedded alliance")
    trust_dir: Path | None = Field(None, description="pins, directory and keys; default: <home>/trust")
    http_host: str = Field("127.0.0.1", description="address the HTTP server listens on")
    http_port: int = Field(8080, description="port the HTTP server listens on")
    lang: Literal["zh", "en"] = Field("en", description="language where a caller names none")
    otlp_endpoint: str = Field("", description="OTLP/HTTP base URL; empty: spans go to files")
    trace_dir: Path | None = Field(None, description="folder of OTLP JSON files; default: <home>/traces")
    trace_source: str = Field("", description="where `ctta trace` reads: empty for the files, or a Jaeger or Tempo URL")
    trace_ratio: float = Field(1.0, ge=0, le=1, description="share of catalogue traces that are kept")
    log_level: str = Field("INFO", description="lowest level that is logged")
    webhook_private: bool = Field(
        False, description="webhooks may use plain HTTP and private networks; for demonstrations on one machine only"
    )
    waiting_s: float = Field(600.0, description="how long an event waits for a predecessor before it parks, seconds")
    drain_s: float = Field(20.0, description="longest graceful shutdown, seconds; below the pod's grace")

    @property
    def trust(self) -> Path:
        """Folder of pins, directory and keys."""
        return self.trust_dir or self.home / "trust"

    @property
    def traces(self) -> Path:
        """Folder of OTLP JSON files."""
        return self.trace_dir or self.home / "traces"

    def database_url(self, service: str, center: str = "") -> str:
        """URL of a service's own database, `ctta_<center>_<service>`."""
        name = f"ctta_{center or self.center}_{service}".replace("-", "_")
        return f"{self.postgres.get_secret_value().rstrip('/')}/{name}"


@lru_cache(1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
