"""The key of a Google service account is nowhere but where it was set."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from taxi_platform.definitions import build_definitions
from taxi_platform.io_managers.bigquery.io_manager import BigQueryMonthIOManager
from taxi_platform.resources.google import GoogleCredentials
from taxi_platform.settings import Settings
from taxi_platform_tests.cli.test_secrets import kept, no_patience  # noqa: F401 (a fixture)
from taxi_platform_tests.conftest import Project


class _Refusing(BaseHTTPRequestHandler):
    """Google's sign-in, to which no key is one."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def sign_in() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def key(sign_in: str) -> dict[str, str]:
    """The key of an account that nobody has."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "cab-project",
        "private_key_id": "planted-key-id",
        "private_key": private.decode(),
        "client_email": "planted@cab-project.iam.gserviceaccount.com",
        "client_id": "1234567890",
        "token_uri": sign_in,
    }


def secrets_of(key: dict[str, str]) -> list[str]:
    lines = key["private_key"].splitlines()[1:-1]
    return [*(line for line in lines if len(line) > 40), key["private_key_id"]]


def assert_untold(key: dict[str, str], text: str) -> None:
    assert [secret for secret in secrets_of(key) if secret in text] == []


@pytest.mark.parametrize("how", ["the key", "its file"])
def test_a_key_that_google_refuses_is_one_sentence_and_told_nobody(
    project: Project, key: dict[str, str], tmp_path: Path, how: str
) -> None:
    if how == "the key":
        project.settings["GOOGLE_CREDENTIALS"] = json.dumps(key)
    else:
        (tmp_path / "key.json").write_text(json.dumps(key))
        project.settings["GOOGLE_APPLICATION_CREDENTIALS"] = str(tmp_path / "key.json")
    project.settings.update({"TAXI_WAREHOUSE": "bigquery://cab-project/trips", "TAXI_SOURCE": "sample://?rows=100"})
    loaded = project.taxi("load", "green", "2024-01")
    assert loaded.exit_code != 0
    assert "Google does not let these credentials in" in loaded.out + loaded.err
    asked = project.taxi("query", "SELECT 1")
    assert "Google does not let these credentials in" in asked.sentence
    for answer in (loaded, asked):
        assert_untold(key, answer.out + answer.err)
        assert "Traceback" not in answer.out + answer.err
    places = list(kept(project))
    assert len(places) > 50
    for secret in secrets_of(key):
        assert [place for place, data in places if secret.encode() in data] == []


@pytest.mark.parametrize("value", ["{", "[]", '"x"', '{"type": "service_account"}', "not json: pa55word"])
def test_what_is_no_key_is_one_sentence_that_does_not_repeat_it(project: Project, value: str) -> None:
    project.settings.update({"GOOGLE_CREDENTIALS": value, "TAXI_WAREHOUSE": "bigquery://cab-project/trips"})
    sentence = project.taxi("query", "SELECT 1").sentence
    assert "GOOGLE_CREDENTIALS is not the JSON of a service account's key" in sentence
    assert "pa55word" not in sentence


def test_no_repr_and_no_config_shows_the_key(project: Project, key: dict[str, str]) -> None:
    text = json.dumps(key)
    credentials = GoogleCredentials(service_account_json=text)
    manager = BigQueryMonthIOManager(project="cab-project", dataset="trips", credentials=credentials)
    settings = Settings.read(
        {"GOOGLE_CREDENTIALS": text, "TAXI_WAREHOUSE": "bigquery://cab-project/trips"}, project.folder
    )
    definitions = build_definitions(settings)
    shown = [credentials, manager, manager.warehouse, settings, definitions, *(definitions.resources or {}).values()]
    for one in shown:
        assert_untold(key, f"{one!r} {one}")
    assert_untold(key, repr(vars(manager.warehouse)))
    assert_untold(key, str(dg.Definitions(resources={"m": manager}).get_repository_def().get_top_level_resources()))
