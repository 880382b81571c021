"""Who may enter Postgres: an address as a URL or in parts, a password from wherever libpq would take it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from taxi_platform.errors import SettingsError, StoreError, StoreUnavailableError
from taxi_platform.resources.postgres import connecting
from taxi_platform.resources.postgres.address import parse_address
from taxi_platform.resources.postgres.connecting import connected
from taxi_platform.resources.postgres.resource import PostgresResource
from taxi_platform_tests.kit.postgres_server import PASSWORD, PASSWORD_IN_URL, PostgresServer

SECRET = "s3cret pw/ü"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)


def asked(resource: PostgresResource, sql: str = "SELECT current_user") -> Any:
    with resource.connect() as connection:
        (value,) = connection.execute(sql).fetchone() or (None,)
    assert connection.closed
    return value


def parts(server: PostgresServer, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "user": "postgres", "database": "postgres", **more}


def test_a_url_leads_in(postgres18: PostgresServer) -> None:
    assert asked(PostgresResource(postgres18.url)) == "postgres"
    assert asked(PostgresResource(dsn=SecretStr(postgres18.url))) == "postgres"


def test_parts_lead_in(postgres18: PostgresServer) -> None:
    resource = PostgresResource(password=PASSWORD, **parts(postgres18), parameters={"application_name": "a b&c=d"})
    assert asked(resource) == "postgres"
    assert asked(resource, "SHOW application_name") == "a b&c=d"


def test_parts_beside_a_url_win(postgres18: PostgresServer) -> None:
    wrong = f"postgresql://postgres:wrong@127.0.0.1:{postgres18.port}/elsewhere?schema=a"
    resource = PostgresResource(wrong, password=PASSWORD, database="postgres", schema_name='b"&')
    assert asked(resource) == "postgres"
    assert resource.address.schema == 'b"&'


def test_a_password_can_come_from_a_variable_when_it_is_needed(
    postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = PostgresResource(password=dg.EnvVar("OUR_PASSWORD"), **parts(postgres18))
    with pytest.raises(SettingsError, match="OUR_PASSWORD is not set"):
        asked(resource)
    monkeypatch.setenv("OUR_PASSWORD", PASSWORD)
    assert asked(resource) == "postgres"
    monkeypatch.setenv("OUR_DSN", postgres18.url)
    assert asked(PostgresResource(dg.EnvVar("OUR_DSN"))) == "postgres"


def test_a_password_can_come_from_where_libpq_looks(
    postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resource = PostgresResource(**parts(postgres18))
    with pytest.raises(StoreError, match="no password supplied"):
        asked(resource)
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        assert asked(resource) == "postgres"
    passwords = tmp_path / "passwords"
    passwords.write_text(f"127.0.0.1:{postgres18.port}:*:postgres:{PASSWORD}\n")
    passwords.chmod(0o600)
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSFILE", str(passwords))
        assert asked(resource) == "postgres"
    services = tmp_path / "services"
    services.write_text(
        f"[taxi]\nhost=127.0.0.1\nport={postgres18.port}\nuser=postgres\ndbname=postgres\npassword={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert asked(PostgresResource("postgresql://?service=taxi&schema=x")) == "postgres"
    assert asked(PostgresResource(parameters={"service": "taxi"})) == "postgres"
    # A variable says less than the service file does.
    from_settings = parse_address("postgresql://", {"PGSERVICE": "taxi", "PGHOST": "nowhere.invalid", "PGUSER": "x"})
    assert from_settings.shown == "postgresql:///?service=taxi"
    with connected(from_settings) as connection:
        assert connection.info.user == "postgres"


def test_nobody_is_shown_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_PASSWORD", SECRET)
    for resource in (
        PostgresResource(host="h", password=SECRET),
        PostgresResource("postgresql://u:s3cret%20pw%2F%C3%BC@h/d"),
        PostgresResource(host="h", password=dg.EnvVar("OUR_PASSWORD")),
    ):
        shown = [resource, resource.address, resource.address.shown, resource.password, resource.dsn]
        for text in [*map(repr, shown), *map(str, shown), str(resource.model_dump()), repr(vars(resource))]:
            assert "s3cret" not in text
    for parameters in ({"password": SECRET}, {"sslpassword": SECRET}):
        with pytest.raises(SettingsError, match="is no parameter") as caught:
            PostgresResource(parameters=parameters)
        assert "s3cret" not in str(caught.value)


def test_a_connection_is_closed_after_an_error_too(postgres18: PostgresServer) -> None:
    with pytest.raises(ZeroDivisionError), PostgresResource(postgres18.url).connect() as connection:
        raise ZeroDivisionError
    assert connection.closed


# What goes wrong, in a sentence


def sentence(uri: str, error: type[StoreError] = StoreError, sql: str = "SELECT 1") -> str:
    with pytest.raises((error, SettingsError)) as caught, connected(parse_address(uri)) as connection:
        connection.execute(sql.encode())
    text = str(caught.value)
    assert "\n" not in text
    assert PASSWORD not in text
    assert PASSWORD_IN_URL not in text
    assert text.endswith((".", "?"))
    assert caught.value.retryable is (error is StoreUnavailableError)
    return text


def at(server: PostgresServer, *, user: str = f"postgres:{PASSWORD_IN_URL}", tail: str = "postgres") -> str:
    return f"postgresql://{user}@127.0.0.1:{server.port}/{tail}"


def test_a_wrong_password_is_a_sentence(postgres18: PostgresServer) -> None:
    text = sentence(at(postgres18, user="postgres:wr0ng%20secret"))
    assert 'password authentication failed for user "postgres"' in text
    assert "Look at user and password" in text
    assert "wr0ng" not in text


def test_a_user_that_is_none_is_a_sentence(postgres18: PostgresServer) -> None:
    assert "Look at user and password" in sentence(at(postgres18, user="nobody:x"))


def test_a_database_that_is_none_is_a_sentence(postgres18: PostgresServer) -> None:
    assert 'database "nowhere" does not exist. Nothing was changed. Create it' in sentence(
        at(postgres18, tail="nowhere")
    )


def test_a_port_where_nobody_listens_can_be_tried_again() -> None:
    text = sentence("postgresql://u:p@127.0.0.1:1/db", StoreUnavailableError)
    assert "postgresql://127.0.0.1:1/db: the server does not answer" in text
    assert "Connection refused" in text


def test_a_host_that_is_none_can_be_tried_again() -> None:
    text = sentence("postgresql://u:p@nowhere.invalid/db", StoreUnavailableError)
    assert "nowhere.invalid" in text


def test_a_host_that_nobody_answers_for_is_given_up_in_time() -> None:
    # 192.0.2.0/24 is nobody's, for examples (RFC 5737): no route, or no answer.
    sentence("postgresql://u:p@192.0.2.1/db?connect_timeout=2", StoreUnavailableError)


def test_a_parameter_that_libpq_does_not_know_is_a_sentence(postgres18: PostgresServer) -> None:
    assert "libpq does not know" in sentence(at(postgres18, tail="postgres?color=red"))
    assert "sslmode" in sentence(at(postgres18, tail="postgres?sslmode=maybe"), StoreUnavailableError)


def test_a_server_without_ssl_is_a_sentence_for_who_wants_it(postgres18: PostgresServer) -> None:
    text = sentence(at(postgres18, tail="postgres?sslmode=require"))
    assert "the encrypted connection cannot be made" in text


def test_an_old_server_is_a_sentence(postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "OLDEST", 99)
    assert "this is Postgres 18, 99 or newer is needed" in sentence(postgres18.url)


def test_what_a_role_may_not_do_is_a_sentence(postgres18: PostgresServer) -> None:
    postgres18.ask("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    try:
        guest = at(postgres18, user="guest:guest")
        assert "permission denied" in sentence(guest, sql="CREATE SCHEMA mine")
        assert "Grant it to this role" in sentence(guest, sql="CREATE TABLE public.t (a int)")
        postgres18.ask("ALTER ROLE guest SET default_transaction_read_only = on")
        assert "nothing can be written there" in sentence(guest, sql="CREATE TEMP TABLE t AS SELECT 1")
    finally:
        postgres18.ask("DROP ROLE guest")


@pytest.fixture
def crowded(postgres18: PostgresServer) -> Iterator[str]:
    postgres18.ask("CREATE ROLE lonely LOGIN PASSWORD 'lonely' CONNECTION LIMIT 1")
    url = at(postgres18, user="lonely:lonely")
    with psycopg.connect(url):
        yield url
    postgres18.ask("DROP ROLE lonely")


def test_too_many_connections_can_be_tried_again(crowded: str) -> None:
    assert "no more connections are free" in sentence(crowded, StoreUnavailableError)
