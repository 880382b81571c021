"""A bucket of S3, or of what speaks like it, through Amazon's own client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from taxi_platform.errors import SettingsError
from taxi_platform.io_managers.objects.bucket_api import (
    CONNECT_S,
    IN_ONE_BYTES,
    NO_ANSWER,
    READ_S,
    Head,
    TakenError,
    Trouble,
)

_TRIES = 3
_RESUMES = 5
_CHUNK_BYTES = 1 << 20
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or AWS_PROFILE."
_ACCESS = (
    "Look at the policy: it needs s3:GetObject, s3:PutObject, s3:AbortMultipartUpload and s3:ListBucket there; "
    "to prune also s3:DeleteObject, s3:ListBucketMultipartUploads and s3:ListMultipartUploadParts."
)
_UNKNOWN = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId")
_ELSEWHERE = ("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307")


class S3Api:
    """Creation is a write with `If-None-Match: *`, a swap one with `If-Match` and the ETag that was read.

    What is large goes up in parts; only the request that puts them together makes an object of them, and that one
    carries the condition. Every write carries a SHA-256 (a part its own), which S3 verifies.
    """

    def __init__(self, bucket: str, variables: Mapping[str, str]) -> None:
        """
        Args:
            variables: Amazon's usual variables (`AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`,
                ...). What is not in them is looked for where Amazon's client always looks.

        Raises:
            SettingsError: botocore is missing, or the settings are none that it knows.
        """
        self._bucket = bucket
        try:
            self._s3 = _client(variables)
        except ImportError:
            raise SettingsError("S3 needs botocore, which is not installed: pip install 'taxi-platform[s3]'.") from None

    def head(self, name: str) -> Head | None:
        with self._absent():
            found = self._s3.head_object(Bucket=self._bucket, Key=name)
            return Head(found["ContentLength"], found["ETag"], found["Metadata"])
        return None

    def read(self, name: str, tag: str | None = None) -> bytes | None:
        condition = {} if tag is None else {"IfMatch": tag}
        with self._absent(), _taken():
            data: bytes = self._s3.get_object(Bucket=self._bucket, Key=name, **condition)["Body"].read()
            return data
        return None

    def create(self, name: str, path: Path, about: Mapping[str, str]) -> None:
        with path.open("rb") as file:
            if path.stat().st_size > IN_ONE_BYTES:
                return self._create_in_parts(name, file, about)
            with _taken():
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=file,
                    Metadata=dict(about),
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                )
        return None

    def _create_in_parts(self, name: str, file: BinaryIO, about: Mapping[str, str]) -> None:
        where = {"Bucket": self._bucket, "Key": name}
        begun = self._s3.create_multipart_upload(**where, Metadata=dict(about), ChecksumAlgorithm="SHA256")
        where["UploadId"] = begun["UploadId"]
        try:
            parts: list[dict[str, Any]] = []
            while data := file.read(IN_ONE_BYTES):
                number = len(parts) + 1
                sent = self._s3.upload_part(**where, PartNumber=number, Body=data, ChecksumAlgorithm="SHA256")
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
                if "ChecksumSHA256" in sent:
                    parts[-1]["ChecksumSHA256"] = sent["ChecksumSHA256"]
            with _taken():
                self._s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            with contextlib.suppress(Exception):  # what was sent costs money as long as it lies there
                self._s3.abort_multipart_upload(**where)
            raise

    def write(self, name: str, data: bytes, tag: str | None, about: Mapping[str, str]) -> None:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        with _taken("NoSuchKey"):
            self._s3.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=data,
                Metadata=dict(about),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
                **condition,
            )

    def download(self, name: str, path: Path) -> bool:
        """Write an object into a local file; a line that breaks is taken up where it broke."""
        with path.open("wb") as file, self._absent():
            found = self._s3.get_object(Bucket=self._bucket, Key=name)
            for left in reversed(range(_RESUMES)):
                try:
                    file.writelines(found["Body"].iter_chunks(_CHUNK_BYTES))
                except _broken_lines():
                    if left == 0:
                        raise
                else:
                    return True
                rest = {"Range": f"bytes={file.tell()}-", "IfMatch": found["ETag"]}
                found = self._s3.get_object(Bucket=self._bucket, Key=name, **rest)
        return False

    def names(self, folder: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=folder, Delimiter="/"):
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(folder)
            for below in page.get("CommonPrefixes", ()):
                yield below["Prefix"].removeprefix(folder).rstrip("/")

    def found(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"], found["Size"], found["LastModified"].timestamp()

    def delete(self, name: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=name)

    def sweep(self, prefix: str, before: float, *, dry_run: bool) -> Iterator[tuple[str, int, float]]:
        """The parts of uploads that were begun and not finished: they cost as long as they lie there."""
        pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        for begun in [begun for page in pages for begun in page.get("Uploads", ())]:
            where = {"Bucket": self._bucket, "Key": begun["Key"], "UploadId": begun["UploadId"]}
            started = begun["Initiated"].timestamp()
            with self._absent("NoSuchUpload"):  # it was finished after all
                if started >= before:
                    continue
                pages_of_parts = self._s3.get_paginator("list_parts").paginate(**where)
                size = sum(part["Size"] for page in pages_of_parts for part in page.get("Parts", ()))
                if not dry_run:
                    self._s3.abort_multipart_upload(**where)
                yield begun["Key"], size, started

    @contextlib.contextmanager
    def _absent(self, *codes: str) -> Iterator[None]:
        """Pass over that there is no such object (`codes` mean the same here); but not that there is no such bucket."""
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            if _code(error) not in ("NoSuchKey", "404", *codes):
                raise

    def trouble(self, error: Exception) -> Trouble | None:  # noqa: PLR0911 (a list of cases)
        from botocore import exceptions as boto

        if isinstance(error, boto.ClientError):
            return self._refused(error)
        if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
            return Trouble("no credentials for S3 were found", todo=_CREDENTIALS)
        if isinstance(error, boto.ProfileNotFound | boto.CredentialRetrievalError | boto.SSOError):
            return Trouble("the credentials for S3 that are set cannot be had", todo=_CREDENTIALS)
        if isinstance(error, boto.FlexibleChecksumError):
            return Trouble("what arrived has another checksum than what was sent", retryable=True, todo=NO_ANSWER)
        if isinstance(error, (boto.HTTPClientError, boto.ConnectionError, *_broken_lines())):
            return Trouble("S3 does not answer", retryable=True, todo=NO_ANSWER)
        if isinstance(error, boto.BotoCoreError):
            return Trouble(f"S3's client refuses ({type(error).__name__})", todo="Look at the AWS_ settings.")
        return None

    def _refused(self, error: Any) -> Trouble:
        code, status = _code(error), int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _UNKNOWN:
            return Trouble(f"S3 does not know these credentials ({code})", todo=_CREDENTIALS)
        if code == "NoSuchBucket":
            return Trouble(f"there is no bucket called {self._bucket} (404)", todo="Make it, or name another one.")
        if code in _ELSEWHERE:
            return Trouble(
                f"the bucket {self._bucket} is in another region ({code})", todo="Set AWS_REGION to its own."
            )
        if status == 403 or code == "AccessDenied":
            return Trouble(f"S3 does not allow that in the bucket {self._bucket} (403)", todo=_ACCESS)
        if code == "BadDigest":
            return Trouble("what arrived has another checksum than what was sent", retryable=True, todo=NO_ANSWER)
        # A multipart upload that S3 has forgotten (NoSuchUpload) begins anew; 409 is a race with another writer.
        retryable = status in (404, 408, 409, 412, 429) or status >= 500 or code in ("SlowDown", "RequestTimeout")
        return Trouble(f"S3 answered {status} {code}", retryable=retryable, todo=NO_ANSWER if retryable else "")


def _client(variables: Mapping[str, str]) -> Any:
    import botocore.session
    from botocore.config import Config

    endpoint = variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL") or None
    session = botocore.session.Session(profile=variables.get("AWS_PROFILE") or None)
    if variables.get("AWS_ACCESS_KEY_ID"):
        session.set_credentials(
            variables["AWS_ACCESS_KEY_ID"],
            variables.get("AWS_SECRET_ACCESS_KEY", ""),
            variables.get("AWS_SESSION_TOKEN") or None,
        )
    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION") or None
    region = region or session.get_config_variable("region") or "us-east-1"
    return session.create_client("s3", region_name=region, endpoint_url=endpoint, config=config)


@contextlib.contextmanager
def _taken(*codes: str) -> Iterator[None]:
    """S3's word for an ETag that is another one, as ours; `codes` mean the same here.

    Raises:
        TakenError: It is.
    """
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if _code(error) in ("PreconditionFailed", "412", *codes):
            raise TakenError from error
        raise


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _broken_lines() -> tuple[type[Exception], ...]:
    from botocore import exceptions as boto

    return (boto.IncompleteReadError, boto.ReadTimeoutError, boto.ResponseStreamingError, ConnectionError)
