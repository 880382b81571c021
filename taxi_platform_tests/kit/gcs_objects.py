"""What Google Cloud Storage keeps, and the rules by which it changes it. No network here."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import google_crc32c

Query = Mapping[str, str]


class Refusal(Exception):
    """An answer that is none of success."""

    def __init__(self, code: int, message: str, reason: str = "invalid") -> None:
        super().__init__(message)
        self.code = code
        errors = [{"message": message, "domain": "global", "reason": reason}]
        self.content = {"error": {"code": code, "message": message, "errors": errors}}


@dataclass(frozen=True)
class Object:
    """One generation of an object."""

    name: str
    data: bytes
    generation: int
    meta: Mapping[str, Any]
    at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    @property
    def crc32c(self) -> str:
        return base64.b64encode(google_crc32c.Checksum(self.data).digest()).decode()

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.data, usedforsecurity=False).digest()).decode()

    def resource(self, url: str, bucket: str) -> dict[str, Any]:
        """As the JSON API describes it."""
        link = f"{url}/storage/v1/b/{bucket}/o/{quote(self.name, safe='')}"
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{self.name}/{self.generation}",
            "selfLink": link,
            "mediaLink": f"{url}/download{link.removeprefix(url)}?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "size": str(len(self.data)),
            "storageClass": "STANDARD",
            "crc32c": self.crc32c,
            "md5Hash": self.md5,
            "etag": base64.b64encode(str(self.generation).encode()).decode(),
            "timeCreated": self.at,
            "updated": self.at,
            "contentType": self.meta.get("contentType") or "application/octet-stream",
            **({"metadata": self.meta["metadata"]} if self.meta.get("metadata") else {}),
        }


@dataclass
class Upload:
    """A resumable upload on its way: of its object nothing is seen before its last byte."""

    bucket: str
    name: str
    meta: dict[str, Any]
    query: Query
    data: bytearray = field(default_factory=bytearray)
    done: Object | None = None


class Buckets:
    """Buckets and their objects. Every change looks at its preconditions, and at its checksums, in one step."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.uploads: dict[str, Upload] = {}
        self._buckets: dict[str, dict[str, Object]] = {}
        self._last = int(time.time() * 1e6)

    def make(self, bucket: str) -> None:
        with self.lock:
            self._buckets.setdefault(bucket, {})

    def objects(self, bucket: str) -> dict[str, Object]:
        if bucket not in self._buckets:
            raise Refusal(404, "The specified bucket does not exist.", "notFound")
        return self._buckets[bucket]

    def get(self, bucket: str, name: str, query: Query) -> Object:
        with self.lock:
            found = self.objects(bucket).get(name)
            if found is None or query.get("generation", str(found.generation)) != str(found.generation):
                raise Refusal(404, f"No such object: {bucket}/{name}", "notFound")
            self._require(query, found)
            return found

    def put(self, bucket: str, name: str, data: bytes, meta: Mapping[str, Any], query: Query) -> Object:
        with self.lock:
            objects = self.objects(bucket)
            self._require(query, objects.get(name))
            self._last = max(self._last + 1, int(time.time() * 1e6))
            new = Object(name, data, self._last, meta)
            for kind, right in (("crc32c", new.crc32c), ("md5Hash", new.md5)):
                if meta.get(kind, right) != right:
                    raise Refusal(400, f'Provided {kind} "{meta[kind]}" doesn\'t match calculated {kind} "{right}".')
            objects[name] = new
            return new

    def delete(self, bucket: str, name: str, query: Query) -> None:
        with self.lock:
            self.get(bucket, name, query)
            del self.objects(bucket)[name]

    def listing(self, bucket: str, query: Query) -> dict[str, Any]:
        """A page of names in order; with a delimiter, what lies below each as one prefix."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        most, after = int(query.get("maxResults") or 1000), query.get("pageToken", "")
        items: list[Object] = []
        prefixes: list[str] = []
        last = ""
        with self.lock:
            for found in self._below(bucket, prefix):
                tail = found.name[len(prefix) :]
                shown = prefix + tail.partition(delimiter)[0] + delimiter if delimiter and delimiter in tail else ""
                mark = shown or found.name
                if mark <= after or mark == last:
                    continue
                if len(items) + len(prefixes) == most:
                    return {"items": items, "prefixes": prefixes, "nextPageToken": last}
                last = mark
                if shown:
                    prefixes.append(shown)
                else:
                    items.append(found)
        return {"items": items, "prefixes": prefixes}

    def _below(self, bucket: str, prefix: str) -> Iterator[Object]:
        objects = self.objects(bucket)
        yield from (objects[name] for name in sorted(objects) if name.startswith(prefix))

    @staticmethod
    def _require(query: Query, there: Object | None) -> None:
        generation = 0 if there is None else there.generation
        if int(query.get("ifGenerationMatch", generation)) != generation:
            raise Refusal(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")
        if query.get("ifGenerationNotMatch") == str(generation):
            raise Refusal(304, "", "notModified")
        if there is not None and query.get("ifMetagenerationMatch", "1") != "1":
            raise Refusal(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")
