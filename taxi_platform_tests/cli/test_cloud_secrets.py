"""Keys, tokens and connection strings of clouds are nowhere: not in what is printed, logged, kept or recorded.

Dagster cannot read annotations that are strings: no `from __future__ import annotations` here.
"""

import base64
import contextlib
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from taxi_platform.assets import stages
from taxi_platform.definitions import build_definitions
from taxi_platform.errors import SettingsError, TaxiError
from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager
from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.resources.amazon import S3Credentials
from taxi_platform.resources.azure import AzureCredentials
from taxi_platform.resources.credentials import Credentials
from taxi_platform.resources.google import GoogleCredentials
from taxi_platform.settings import Settings
from taxi_platform_tests.cli.test_secrets import kept
from taxi_platform_tests.conftest import Project
from taxi_platform_tests.io_managers.kits import KITS
from taxi_platform_tests.kit.gcs_emulator import TOKEN, GcsEmulator, service_account

NOWHERE = "http://127.0.0.1:1"
WORD = "pl4nted"
KEY = base64.b64encode(f"{WORD} account key".encode()).decode()

CLOUDS: dict[str, tuple[str, dict[str, str]]] = {
    "the key of a service account": (
        "gs://cab-months/x",
        {"GOOGLE_CREDENTIALS": service_account(NOWHERE), "GOOGLE_CLOUD_PROJECT": "cabs"},
    ),
    "a key of a service account that is cut": (
        "gs://cab-months/x",
        {"GOOGLE_CREDENTIALS": service_account(NOWHERE)[:-9]},
    ),
    "a key of a service account without its key": (
        "gs://cab-months/x",
        {"GOOGLE_CREDENTIALS": json.dumps({"type": "service_account", "private_key": f"-----BEGIN {WORD}-----"})},
    ),
    "the secret key of S3": (
        "s3://cab-months/x",
        {
            "AWS_ACCESS_KEY_ID": "AKIAXYZ",
            "AWS_SECRET_ACCESS_KEY": f"{WORD}/secret+key",
            "AWS_SESSION_TOKEN": f"{WORD}-session-token",
            "AWS_ENDPOINT_URL": NOWHERE,
        },
    ),
    "the key of an account of Azure": (
        "az://cab-months/x",
        {
            "AZURE_STORAGE_ACCOUNT_NAME": "cabs",
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": f"{NOWHERE}/cabs",
        },
    ),
    "a SAS token": (
        "az://cab-months/x",
        {
            "AZURE_STORAGE_ACCOUNT_NAME": "cabs",
            "AZURE_STORAGE_SAS_TOKEN": f"sv=2024-01-01&sig={WORD}%2Fsig",
            "AZURE_STORAGE_ENDPOINT": f"{NOWHERE}/cabs",
        },
    ),
    "a connection string": (
        "az://cab-months/x",
        {
            "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=cabs;"
            f"AccountKey={KEY};BlobEndpoint={NOWHERE}/cabs;"
        },
    ),
    "a connection string that is none": (
        "az://cab-months/x",
        {"AZURE_STORAGE_CONNECTION_STRING": f"AccountKey;{WORD}"},
    ),
}


def secrets_in(variables: dict[str, str]) -> list[str]:
    """What must not be found of them: whole values, and lines of what is in them."""
    key = variables.get("GOOGLE_CREDENTIALS", "")
    lines = [line for line in re.split(r"\\n|\"", key) if len(line) > 40 and "://" not in line]
    return [WORD, KEY, WORD.encode().hex(), *lines[1:]]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "RETRIES", dg.RetryPolicy(max_retries=1, delay=0.01))
    monkeypatch.setitem(open_store.__kwdefaults__, "patience_s", 0.1)


@contextlib.contextmanager
def everything_logged() -> Iterator[list[str]]:
    """What all libraries log, at their most talkative."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, keeper = logging.getLogger(), Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(keeper)
        root.setLevel(level)


OFTEN = ("the key of a service account", "the secret key of S3")


@pytest.mark.parametrize(
    "cloud", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.long) for name in CLOUDS]
)
def test_a_load_that_cannot_reach_its_cloud_tells_nobody_a_secret(project: Project, cloud: str) -> None:
    location, variables = CLOUDS[cloud]
    project.settings.update(variables | {"TAXI_LAKE": location, "TAXI_SOURCE": "sample://?rows=100"})
    secrets = secrets_in(variables)
    with everything_logged() as logged:
        answers = [project.taxi(*words.split()) for words in ("load green 2024-01", "status --json")]
    assert answers[0].exit_code == 1
    assert "Traceback" not in answers[0].err
    assert "nobody foresaw" not in answers[0].err
    printed = [answer.out + answer.err for answer in answers]
    shown = [repr(Settings.read(variables, project.folder)), *printed, *logged]
    assert [text for text in shown for secret in secrets if secret in text] == []
    places = list(kept(project))
    assert [place for place, data in places for secret in secrets if secret.encode() in data] == []
    assert len(places) > 20


def test_a_load_that_goes_well_tells_nobody_a_secret(project: Project) -> None:
    with GcsEmulator() as emulator:
        emulator.buckets.make("cab-months")
        key = service_account(emulator.url)
        project.settings.update(
            {
                "GOOGLE_CREDENTIALS": key,
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": emulator.url,
                "TAXI_LAKE": "gs://cab-months/lake",
                "TAXI_SOURCE": "sample://?rows=100",
            }
        )
        with everything_logged() as logged:
            answer = project.taxi("load", "green", "2024-01")
        assert answer.exit_code == 0, answer
        assert any("/token" in line for line in emulator.faults.requests)
    secrets = [*secrets_in({"GOOGLE_CREDENTIALS": key}), TOKEN]
    assert len(secrets) > 20
    assert [text for text in (answer.out, answer.err, *logged) for secret in secrets if secret in text] == []
    assert [place for place, data in kept(project) for secret in secrets if secret.encode() in data] == []


RESOURCES: list[Credentials] = [
    GoogleCredentials(service_account_json=f"{WORD} key", project="cabs"),
    S3Credentials(secret_access_key=f"{WORD} key", session_token=f"{WORD} token", access_key_id="AKIA"),
    AzureCredentials(f"{WORD} string", f"{WORD} key", f"{WORD} sas", f"{WORD} client", account="cabs"),
]


@pytest.mark.parametrize("credentials", RESOURCES, ids=lambda credentials: type(credentials).__name__)
def test_credentials_as_resources_tell_nobody_what_is_in_them(credentials: Credentials, tmp_path: Path) -> None:
    @dg.asset
    def looks(context: dg.AssetExecutionContext, who: dg.ResourceParam[Credentials]) -> None:
        context.log.info(f"{who} {who!r} {context.resources}")
        context.add_output_metadata({"who": repr(who)})
        assert WORD in "".join(who.variables().values())
        raise TaxiError(f"{who}")

    folder = tmp_path / "home"
    folder.mkdir()
    objects = MonthObjectsIOManager(location="gs://b/x", credentials=credentials)
    defs = dg.Definitions([looks], resources={"who": credentials, "io_manager": objects})
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    project = Project(tmp_path)
    assert [place for place, data in kept(project) if WORD.encode() in data] == []
    assert WORD not in repr(credentials) + str(credentials) + repr(objects) + repr(defs.resources)
    assert any(b"add_output_metadata" in data or b"looks" in data for _, data in kept(project))


def test_a_secret_may_be_the_name_of_a_variable_that_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = S3Credentials(dg.EnvVar("PLANTED"), access_key_id=dg.EnvVar("PLANTED_ID"))
    for value in ("one", "two"):
        monkeypatch.setenv("PLANTED", value)
        monkeypatch.setenv("PLANTED_ID", f"id {value}")
        assert credentials.variables() == {"AWS_SECRET_ACCESS_KEY": value, "AWS_ACCESS_KEY_ID": f"id {value}"}


def test_what_the_settings_know_of_clouds_reaches_their_stores_and_no_repr(project: Project) -> None:
    variables = {"AWS_SECRET_ACCESS_KEY": WORD, "AWS_ACCESS_KEY_ID": "AKIA", "TAXI_LAKE": "s3://b/x"}
    resources = build_definitions(Settings.read(variables, project.folder)).resources or {}
    assert resources["lake_io_manager"].credentials.read()["AWS_SECRET_ACCESS_KEY"] == WORD
    assert WORD not in repr(resources)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"GOOGLE_APPLICATION_CREDENTIALS": "{folder}/none.json"}, r"none\.json is no file of a service account's key"),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "{folder}/text.json"}, r"text\.json is no file of a service account's key"),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "{folder}/list.json"}, r"list\.json is no file of a service account's key"),
        ({"GOOGLE_CREDENTIALS": "{{}}"}, "GOOGLE_CREDENTIALS is not the JSON of a service account's key"),
        ({"GOOGLE_CREDENTIALS": "[1]"}, "GOOGLE_CREDENTIALS is not the JSON of a service account's key"),
        ({"GOOGLE_CREDENTIALS": "/path/to/key.json"}, "GOOGLE_CREDENTIALS is not the JSON of a service account's key"),
    ],
)
def test_google_credentials_that_are_none_are_one_sentence(
    project: Project, variables: dict[str, str], says: str
) -> None:
    (project.folder / "text.json").write_text(f"{WORD} no JSON")
    (project.folder / "list.json").write_text("[]")
    told = {name: value.format(folder=project.folder) for name, value in variables.items()}
    with pytest.raises(SettingsError, match=says) as said:
        MonthObjectsIOManager(location="gs://b/x", credentials=told).months  # noqa: B018
    assert "\n" not in str(said.value)
    assert "gcloud auth application-default login" in str(said.value)
    assert WORD not in str(said.value)


def test_google_credentials_that_nobody_set_are_one_sentence(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project.folder))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # or Google's client asks whether this is a machine of Google's
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    project.settings["TAXI_LAKE"] = "gs://b/x"
    answer = project.taxi("load", "green", "2024-01", "--source", "sample://?rows=100")
    assert "no credentials for Google were found. Set GOOGLE_APPLICATION_CREDENTIALS to" in answer.sentence


@pytest.mark.long
def test_azure_refuses_a_wrong_key_and_takes_a_token(tmp_path: Path) -> None:
    if (reason := KITS["azure"].absent()) is not None:
        pytest.skip(reason)
    import datetime as dt

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    kit = KITS["azure"](tmp_path)
    account = {"account": "cabs", "endpoint": kit.variables["AZURE_STORAGE_ENDPOINT"]}
    wrong = MonthObjectsIOManager(kit.location, credentials=AzureCredentials(account_key=KEY, **account))
    with pytest.raises(TaxiError, match="Azure does not (know these credentials|allow that)"):
        wrong.months.current("t", "2021-01")
    token = generate_container_sas(
        "cabs",
        "cab-months",
        account_key=kit.variables["AZURE_STORAGE_ACCOUNT_KEY"],
        permission=ContainerSasPermissions(read=True, write=True, list=True, create=True),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
    right = MonthObjectsIOManager(kit.location, credentials=AzureCredentials(sas_token=token, **account))
    assert right.months.current("t", "2021-01") is None
    assert right.months.store.swap("t/m", b"1", None)
    assert right.months.store.read("t/m") == b"1"
