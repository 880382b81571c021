"""`python -m taxi_platform_tests.settings_page`: write docs/settings.md from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from taxi_platform.settings import KNOWN_SETTINGS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


class Row(NamedTuple):
    """What the page says of a setting beside what the setting says of itself; tests hold both against the code.

    Attributes:
        default: A value that is as good as none; empty where there is no such value.
    """

    default: str
    example: str


GROUPS: Mapping[str, Mapping[str, Row]] = {
    "What is loaded": {
        "TAXI_SOURCE": Row("sample", "tlc"),
        "TAXI_RULES": Row("passenger_count_zero", "none"),
        "TAXI_UNKNOWN_COLUMNS": Row("keep", "fail"),
        "TAXI_MARTS": Row("off", "on"),
    },
    "Where things lie": {
        "TAXI_HOME": Row(".taxi", "/data/taxi"),
        "TAXI_RAW": Row(".taxi/raw", "gs://my-bucket/raw"),
        "TAXI_CLEANED": Row(".taxi/cleaned", "/data/taxi/cleaned"),
        "TAXI_LAKE": Row(".taxi/lake", "s3://my-bucket/lake"),
        "TAXI_WAREHOUSE": Row(
            "duckdb:///.taxi/warehouse.duckdb", "postgresql://taxi@localhost:5432/taxi?schema=trips&sslmode=prefer"
        ),
        "TAXI_PROFILE": Row("", "google"),
    },
    "What is kept": {
        "TAXI_KEEP_VERSIONS": Row("2", "5"),
        "TAXI_KEEP_RAW": Row("", "0"),
        "TAXI_KEEP_CLEANED": Row("", "0"),
    },
    "What happens by itself": {
        "TAXI_SENSORS": Row("", "on"),
        "TAXI_SINCE": Row("", "2020-01"),
        "TAXI_CRON": Row("0 6 18 * *", "0 5 1 * *"),
        "TAXI_EVERY": Row("6h", "90m"),
        "TAXI_READERS": Row("2", "1"),
        "TAXI_WRITERS": Row("2", "4"),
    },
    "Alerts": {
        "TAXI_ALERTS": Row("", "slack://token_a/token_b/token_c"),
        "TAXI_ALERTS_ON": Row("failed,checks,late,drift,changes,sensors", "failed,late"),
        "TAXI_ALERTS_EVERY": Row("5m", "1h"),
        "TAXI_UI": Row("http://127.0.0.1:3000", "https://dagster.example.org"),
    },
}

ROWS: Mapping[str, Row] = {name: row for rows in GROUPS.values() for name, row in rows.items()}

_HEAD = """# Settings

This page is made by `python -m taxi_platform_tests.settings_page`; tests hold it against the code, try each example,
and try that each default is as good as no setting.

## Where they are read

1. the environment of the process,
2. `.env.{TAXI_PROFILE}`, where a profile is named (`taxi --profile`, in the environment or in `.env`),
3. `.env`,

the first of them that says something wins; an empty value says nothing. The files lie beside `dagster.yaml`, which is
looked for in the current folder and upward; relative paths start there too. (`--source`, typed with a command, counts
for more, and a relative folder starts where it was typed.) `taxi doctor` says what came from which of them.

**Ready to copy**, as `.env` or as a profile (`.env.dev`, then `taxi --profile dev status`):

- [.env.local.example](../.env.local.example): all on this machine, with every setting there is
- [.env.dev.example](../.env.dev.example): to try things out beside what is in earnest, with stores of its own
- [.env.prod.example](../.env.prod.example): in earnest, by itself, with alerts
- [.env.postgres.example](../.env.postgres.example), [.env.google.example](../.env.google.example): those stores

`.env` and its like are never committed.

A name that begins with `TAXI_` and is not on this page is refused, and so is a value that nobody knows; the sentence
names the known ones. `taxi up` and `dagster dev` read the settings when they start: start them again after a change.

"""

_TAIL = """## Credentials

The usual variables of each cloud and of Postgres, in the environment or in the same files. They are written into no
URL, log, error, run configuration or history. What each of them may do and needs: [stores](stores.md).

**Google Cloud**

- `GOOGLE_CREDENTIALS`: the key of a service account, as JSON; secret
- `GOOGLE_APPLICATION_CREDENTIALS`: its file. Without both, what Google's own rules find
  (`gcloud auth application-default login`)
- `GOOGLE_CLOUD_PROJECT`: the project, where a client wants one
- `CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE`, `CLOUDSDK_API_ENDPOINT_OVERRIDES_BIGQUERY`: private endpoints
- `STORAGE_EMULATOR_HOST`, `BIGQUERY_EMULATOR_HOST`: emulators, which are asked without credentials

**S3**

- `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` (secret), `AWS_SESSION_TOKEN` (secret), or `AWS_PROFILE`. Without them,
  what Amazon's own rules find
- `AWS_REGION`, or `AWS_DEFAULT_REGION`
- `AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_S3`: another store that speaks S3

**Azure**

- `AZURE_STORAGE_CONNECTION_STRING` (secret), or `AZURE_STORAGE_ACCOUNT_NAME` and one of
  - `AZURE_STORAGE_ACCOUNT_KEY` (secret)
  - `AZURE_STORAGE_SAS_TOKEN` (secret)
  - `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` (secret)
  - nothing: who is logged in
- `AZURE_STORAGE_ENDPOINT`: a private endpoint

**Postgres**, where `TAXI_WAREHOUSE` does not say it:

- `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGOPTIONS`, `PGCONNECT_TIMEOUT`
- `PGPASSWORD` (secret), or `PGPASSFILE`
- `PGSSLMODE`, `PGSSLROOTCERT`, `PGSSLCERT`, `PGSSLKEY`
- `PGSERVICE`: a service file, which counts for more than these

## Dagster's own

- `DAGSTER_HOME`: where Dagster's `dagster.yaml` and history are, if not in this folder. Not set: `dagster.yaml` here,
  the history in `.taxi/dagster`
- `DAGSTER_POSTGRES_URL`: the Postgres of the history, where `dagster.yaml` asks for it ([how](stores.md#postgres)). Not
  set: SQLite

What else can be set of Dagster stands in [dagster.yaml](../dagster.yaml), with a word on each: runs at once, how a dead
run is found and run again, how long ticks of sensors are remembered.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_tables()) + _TAIL


def _tables() -> Iterator[str]:
    for title, rows in GROUPS.items():
        yield f"## {title}\n\n| setting | what it says | default | example |\n|---|---|---|---|\n"
        for name, row in rows.items():
            meaning = KNOWN_SETTINGS[name]
            if row.default and "TAXI_HOME" not in meaning:  # that one depends on another setting
                meaning = meaning.partition("; default:")[0].replace(" (default)", "")
            default = f"`{row.default}`" if row.default else "not set"
            yield f"| `{name}` | {meaning} | {default} | `{row.example}` |\n"
        yield "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
