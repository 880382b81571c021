"""The buckets that keep the promises: the same handles over an emulator of each cloud."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from taxi_platform.io_managers.objects.manifest import MANIFEST
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.opening import open_store
from taxi_platform.resources.google import storage_client
from taxi_platform.trips.month_file import TRIPS
from taxi_platform_tests.io_managers.kits import FolderKit
from taxi_platform_tests.io_managers.months import TABLE
from taxi_platform_tests.kit import azurite, google_cloud
from taxi_platform_tests.kit.gcs_emulator import GcsEmulator
from taxi_platform_tests.kit.s3_emulator import S3Emulator

if TYPE_CHECKING:
    from taxi_platform.io_managers.month_io import MonthIOManager

BUCKET = "cab-months"
PATIENCE_S = 5.0


class BucketKit(FolderKit):
    """Months as objects of a bucket: what differs from files is how people look at them, and damage them.

    The server is started by the process that asks for it first; it and its children then find it in their environment.
    """

    damages: ClassVar[Mapping[str, Callable[[Any, str], object]]] = {
        "the manifest is deleted": lambda kit, month: kit.delete(kit.key(month, MANIFEST)),
        "the manifest is garbage": lambda kit, month: kit.overwrite(kit.key(month, MANIFEST), b'{"format": 1, "ver'),
        "the manifest is empty": lambda kit, month: kit.overwrite(kit.key(month, MANIFEST), b""),
        "the manifest is a list": lambda kit, month: kit.overwrite(kit.key(month, MANIFEST), b"[1, 2]"),
        "the data object is deleted": lambda kit, month: kit.delete(kit.data_key(month)),
        "the data object is cut short": lambda kit, month: kit.overwrite(kit.data_key(month), b"PAR1"),
        "the data object is empty": lambda kit, month: kit.overwrite(kit.data_key(month), b""),
        "the whole store is deleted": lambda kit, _: kit.delete(*kit.objects()),
    }
    scheme: ClassVar[str]

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.prefix = f"{root.name} ü#%/{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
        self.location = f"{self.scheme}://{self.bucket_name()}/{self.prefix}"
        self.variables = self.emulator()
        self.months = MonthObjects(open_store(self.location, self.variables, root, patience_s=PATIENCE_S))

    @classmethod
    def bucket_name(cls) -> str:
        return BUCKET

    @classmethod
    def emulator(cls) -> dict[str, str]:
        """The variables that lead to the server."""
        name = f"KIT_{cls.name.upper()}"
        if name not in os.environ:
            os.environ[name] = json.dumps(cls.start())
        return dict(json.loads(os.environ[name]))

    @classmethod
    @abstractmethod
    def start(cls) -> dict[str, str]:
        """Start the server, until this process ends."""

    @abstractmethod
    def objects(self) -> dict[str, str]:
        """What lies below the prefix, with what tells one content from another."""

    @abstractmethod
    def about(self, key: str) -> dict[str, str]:
        """What an object says of itself, in the cloud's own words for that."""

    @abstractmethod
    def overwrite(self, key: str, data: bytes) -> None:
        """What a person does with an object in the console."""

    @abstractmethod
    def delete(self, *keys: str) -> None:
        """The same, to be rid of some."""

    def key(self, month: str, name: str) -> str:
        return f"{TABLE}/source_month={month}/{name}"

    def data_key(self, month: str) -> str:
        found = self.months.current(TABLE, month)
        assert found is not None
        return self.key(month, found.files[TRIPS].name)

    def trace_of(self, month: str) -> Any:
        return {key: mark for key, mark in self.objects().items() if key.startswith(self.key(month, ""))}

    def leftovers(self) -> list[str]:
        known = {
            self.key(month, name) for month in self.months.partitions(TABLE) for name in (MANIFEST, *self._files(month))
        }
        spooled = [str(path) for path in self.root.rglob("*") if path.is_file()]
        return sorted(spooled + [key for key in self.objects() if key not in known])

    def io_manager(self) -> MonthIOManager:
        from taxi_platform.io_managers.objects.io_manager import MonthObjectsIOManager

        return MonthObjectsIOManager(location=self.location, spools=str(self.root), credentials=self.variables)


class GcsKit(BucketKit):
    """Google Cloud Storage, as our own emulator has it."""

    name = "gcs"
    scheme = "gs"
    unproven: ClassVar[Mapping[str, str]] = {
        "of several who swap a manifest at once one wins": "the emulator has one lock, Google has many machines",
        "credentials and rights are looked at": "the emulator signs in whoever asks",
    }

    @classmethod
    def start(cls) -> dict[str, str]:
        emulator = gcs()
        emulator.buckets.make(BUCKET)
        return {"STORAGE_EMULATOR_HOST": emulator.url}

    @functools.cached_property
    def bucket(self) -> Any:
        return storage_client(self.variables).bucket(self.bucket_name())

    def objects(self) -> dict[str, str]:
        found = self.bucket.list_blobs(prefix=f"{self.prefix}/")
        return {blob.name.removeprefix(f"{self.prefix}/"): str(blob.generation) for blob in found}

    def about(self, key: str) -> dict[str, str]:
        return dict(self.bucket.get_blob(f"{self.prefix}/{key}").metadata)

    def overwrite(self, key: str, data: bytes) -> None:
        self.bucket.blob(f"{self.prefix}/{key}").upload_from_string(data)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.bucket.blob(f"{self.prefix}/{key}").delete()


class RealGcsKit(GcsKit):
    """Google Cloud Storage itself, below a prefix of the tests' own, which is emptied afterwards."""

    name = "gcs-real"
    is_real = True
    unproven: ClassVar[Mapping[str, str]] = {}

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.prefix = f"taxi_platform_tests/{os.environ['KIT_RUN']}/{self.prefix}"
        self.location = f"{self.scheme}://{self.bucket_name()}/{self.prefix}"
        self.months = MonthObjects(open_store(self.location, self.variables, root))

    @classmethod
    def absent(cls) -> str | None:
        return google_cloud.absent()

    @classmethod
    def bucket_name(cls) -> str:
        return os.environ["TAXI_TEST_BUCKET"]

    @classmethod
    def start(cls) -> dict[str, str]:
        os.environ.setdefault("KIT_RUN", uuid4().hex[:12])
        return google_cloud.variables()

    def end(self) -> None:
        self.delete(*self.objects())


class S3Kit(BucketKit):
    """S3, as moto has it."""

    name = "s3"
    is_long = True
    scheme = "s3"
    unproven: ClassVar[Mapping[str, str]] = {
        "of several who swap a manifest at once one wins": "moto looks, then writes; it gets one request at a time",
        "bytes that changed on the way are refused": "moto looks at no checksum; the proxy of the tests does",
        "credentials and rights are looked at": "moto lets anybody in",
        "a bucket in another region is said to be so": "moto has none elsewhere; the answer is played",
    }

    @classmethod
    def start(cls) -> dict[str, str]:
        variables = {
            "AWS_ENDPOINT_URL": s3_server(),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
        s3_client(variables).create_bucket(Bucket=BUCKET)
        return variables

    @functools.cached_property
    def client(self) -> Any:
        return s3_client(self.variables)

    def objects(self) -> dict[str, str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        found = [entry for page in pages for entry in page.get("Contents", ())]
        return {f["Key"].removeprefix(f"{self.prefix}/"): f"{f['ETag']} {f['LastModified']}" for f in found}

    def about(self, key: str) -> dict[str, str]:
        return dict(self.client.head_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}")["Metadata"])

    def overwrite(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}", Body=data)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}")


class AzureKit(BucketKit):
    """Azure's blob storage, as Azurite has it."""

    name = "azure"
    scheme = "az"
    unproven: ClassVar[Mapping[str, str]] = {
        "credentials and rights are looked at": "Azurite knows keys and tokens, but no roles",
    }
    is_long = True

    @classmethod
    def absent(cls) -> str | None:
        return azurite.absent()

    @classmethod
    def start(cls) -> dict[str, str]:
        variables = dict(azurite.azurite())
        azure_container(variables).create_container()
        return variables

    @functools.cached_property
    def container(self) -> Any:
        return azure_container(self.variables)

    def objects(self) -> dict[str, str]:
        found = self.container.list_blobs(name_starts_with=f"{self.prefix}/")
        return {blob.name.removeprefix(f"{self.prefix}/"): blob.etag for blob in found}

    def about(self, key: str) -> dict[str, str]:
        return dict(self.container.get_blob_client(f"{self.prefix}/{key}").get_blob_properties().metadata)

    def overwrite(self, key: str, data: bytes) -> None:
        self.container.upload_blob(f"{self.prefix}/{key}", data, overwrite=True)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.container.delete_blob(f"{self.prefix}/{key}")


def azure_container(variables: Mapping[str, str]) -> Any:
    from azure.storage.blob import ContainerClient

    who = {"account_name": azurite.ACCOUNT, "account_key": azurite.KEY}
    return ContainerClient(variables["AZURE_STORAGE_ENDPOINT"], BUCKET, credential=who)


def s3_client(variables: Mapping[str, str]) -> Any:
    import botocore.session

    return botocore.session.Session().create_client(
        "s3",
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


@functools.cache
def s3_server() -> str:
    """The address of moto in a thread of this process."""
    emulator = S3Emulator().start()
    atexit.register(emulator.stop)
    return emulator.url


@functools.cache
def gcs() -> GcsEmulator:
    """The emulator of this process."""
    emulator = GcsEmulator().start()
    atexit.register(emulator.stop)
    return emulator


BUCKET_KITS = (GcsKit, S3Kit, AzureKit, RealGcsKit)
