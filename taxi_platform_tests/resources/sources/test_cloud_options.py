"""What file systems are told of credentials: that they lead in, `cli/test_buckets.py` shows."""

from __future__ import annotations

from typing import Any

import pytest

from taxi_platform.errors import SettingsError
from taxi_platform.resources.sources.cloud_options import cloud_options

AT = {"AZURE_STORAGE_ENDPOINT": "https://blobs.example/account"}


@pytest.mark.parametrize(
    ("scheme", "variables", "told"),
    [
        ("s3", {}, {}),
        ("s3", {"AWS_ACCESS_KEY_ID": "k", "AWS_REGION": "r"}, {"key": "k", "client_kwargs": {"region_name": "r"}}),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "https://all", "AWS_ENDPOINT_URL_S3": "https://s3"},
            {"endpoint_url": "https://s3"},
        ),
        ("gs", {"STORAGE_EMULATOR_HOST": "localhost:1"}, {"token": "anon", "endpoint_url": "http://localhost:1"}),
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}, {"token": "/k.json"}),
        (
            "gcs",
            {"GOOGLE_APPLICATION_CREDENTIALS": "/k.json", "GOOGLE_CREDENTIALS": '{"a": 1}'},
            {"token": {"a": 1}},
        ),
        ("abfs", {"AZURE_STORAGE_ACCOUNT_NAME": "n"}, {"account_name": "n"}),
        ("az", AT, {"account_host": "blobs.example"}),
        (
            "az",
            {**AT, "AZURE_STORAGE_SAS_TOKEN": "t"},
            {"connection_string": "BlobEndpoint=https://blobs.example/account;SharedAccessSignature=t"},
        ),
        ("https", {"AWS_ACCESS_KEY_ID": "k", "GOOGLE_CREDENTIALS": "{}", **AT}, {}),
    ],
)
def test_each_file_system_is_told_what_is_set_in_its_own_words(
    scheme: str, variables: dict[str, str], told: dict[str, Any]
) -> None:
    assert cloud_options(scheme, variables) == told


def test_a_key_that_is_none_is_a_sentence_that_does_not_repeat_it() -> None:
    with pytest.raises(SettingsError, match="is not the JSON of a service account's key") as raised:
        cloud_options("gs", {"GOOGLE_CREDENTIALS": "s3cret"})
    assert "s3cret" not in str(raised.value)
