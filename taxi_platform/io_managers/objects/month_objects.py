"""Months as immutable files and a manifest: the one mechanism for raw, cleaned and lake."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from taxi_platform.errors import AccountingError, DamagedStoreError, RequestError, StoreUnavailableError
from taxi_platform.io_managers.objects.folder import sync_file
from taxi_platform.io_managers.objects.manifest import Manifest, Version, folder_of, manifest_key
from taxi_platform.io_managers.objects.store import ObjectStore
from taxi_platform.io_managers.stored import (
    Outcome,
    Stored,
    named,
    partition_date,
    refuse_older,
    table_name,
    utc_now,
)
from taxi_platform.trips.month_file import (
    SOURCE,
    TRIPS,
    DraftFile,
    MonthDraft,
    MonthFile,
    Partition,
    StoredFile,
    sha256_of,
)

_SWAP_TRIES = 50

_Decision = tuple[Manifest, Outcome]


def never() -> bool:
    """No."""
    return False


class _SweptError(Exception):
    """Files were doomed meanwhile, maybe some that were just put down: they must be looked at again."""


class MonthObjects:
    """Months of tables (or tables without partitions), each replaced whole, none ever half there.

    A version's files are created under names of their own and never touched again. The manifest that names the
    current version is swapped last, and only if nobody else swapped it meanwhile: a reader has the old month or the
    new one, and holds on to it.
    """

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def spool(self) -> AbstractContextManager[Path]:
        """A folder in which to write a draft; gone when the context ends."""
        return self.store.spool()

    def current(self, table: str, partition: Partition) -> MonthFile | None:
        """The current version of a month, None where there is none."""
        manifest, _ = self.manifest(table, partition)
        version = manifest.get(manifest.current)
        return None if version is None else self._month_file(manifest, version)

    def versions(self, table: str, partition: Partition) -> list[MonthFile]:
        """All versions that are kept, the current one last."""
        manifest, _ = self.manifest(table, partition)
        return [self._month_file(manifest, version) for version in manifest.versions]

    def partitions(self, table: str) -> Iterator[str]:
        """The months of which there is a folder, sorted; what else lies there is none of ours."""
        for name in self.store.names(table_name(table)):
            before, is_month, partition = name.partition("source_month=")
            with contextlib.suppress(RequestError):
                if is_month and not before and partition_date(partition):
                    yield partition

    def kept(self, table: str, partition: Partition, version: str) -> MonthFile | None:
        """A version of a month, None where it is not known (any more)."""
        return next((one for one in self.versions(table, partition) if one.version == version), None)

    def is_whole(self, month: MonthFile) -> bool:
        """Whether every file of `month` is there, with the size it was published with."""
        if month.is_pruned:
            return False
        folder = folder_of(month.table, month.partition)
        return all(self.store.size(f"{folder}/{f.name}") == f.size_bytes for f in month.files.values())

    def confirm(
        self,
        table: str,
        partition: Partition,
        version: str,
        as_of: str,
        facts: Mapping[str, Any] | None = None,
        *,
        may_be_pruned: Callable[[], bool] = never,
    ) -> Stored | None:
        """Have `version` be the current one without writing it, if it is kept and whole.

        Args:
            facts: What is said of it now (another ETag, say); None where that has not changed.
            may_be_pruned: Whether it is enough to know it, where its files were pruned: asked only then.

        Returns:
            None where it is not: then it must be published.

        Raises:
            SupersededError: A newer version is there.
        """
        mine = (version, as_of)
        return self._swap(table, partition, mine, lambda there: self._keep(there, mine, facts, may_be_pruned))

    def _keep(
        self,
        manifest: Manifest,
        mine: tuple[str, str],
        facts: Mapping[str, Any] | None,
        may_be_pruned: Callable[[], bool] = never,
    ) -> _Decision | None:
        version, as_of = mine
        kept = manifest.get(version)
        if kept is None:
            return None
        stands = may_be_pruned() if kept.pruned_at else self.is_whole(self._month_file(manifest, kept))
        if not stands:
            return None
        outcome: Outcome = "unchanged" if manifest.current == version else "restored"
        if facts is not None and as_of >= kept.as_of:
            kept = replace(kept, facts=dict(facts))
        return manifest.with_current(replace(kept, as_of=max(kept.as_of, as_of))), outcome

    def publish(self, table: str, draft: MonthDraft, run_id: str, *, force: bool = False) -> Stored:
        """Make `draft` the current version of its month. All or nothing: a failure leaves the old month.

        Raises:
            StoreFullError: No room. Nothing was published.
            SupersededError: A newer version is there. It stays.
        """
        if not force and (stored := self.confirm(table, draft.partition, draft.version, draft.as_of, draft.facts)):
            return stored
        mine = (draft.version, draft.as_of)
        at_first, _ = self.manifest(table, draft.partition)
        self._refuse_superseded(at_first, mine)
        files: dict[str, StoredFile] = {}

        def decide(manifest: Manifest) -> _Decision:
            kept = manifest.get(draft.version)
            if (
                not force
                and kept != at_first.get(draft.version)
                and (decision := self._keep(manifest, mine, draft.facts))
            ):
                return decision  # another run was as far as this one a moment ago
            if manifest.sweeps != seen.sweeps:
                raise _SweptError
            outcome: Outcome = "created" if manifest.current is None else "replaced"
            if manifest.current == draft.version and not force:
                outcome = "repaired"
            as_of = draft.as_of if kept is None else max(kept.as_of, draft.as_of)
            new = Version(draft.version, as_of, utc_now(), run_id, draft.rows, files, dict(draft.facts))
            return manifest.with_current(new), outcome

        seen = at_first
        while True:
            files |= {role: self._create(table, draft, file, seen.forbidden) for role, file in draft.files.items()}
            try:
                stored = self._swap(table, draft.partition, mine, decide)
            except _SweptError:
                seen, _ = self.manifest(table, draft.partition)
                continue
            assert stored is not None
            return stored

    def copy(self, table: str, month: MonthFile, run_id: str, *, force: bool = False) -> Stored:
        """Make a version that another store holds the current one here, byte for byte.

        Raises:
            DamagedStoreError: What was read is not what was published there. Nothing was published here.
        """
        if not force and (stored := self.confirm(table, month.partition, month.version, month.as_of)):
            return stored
        with ExitStack() as stack:
            files = {}
            for role, file in month.files.items():
                path = stack.enter_context(month.path(role))
                _check_bytes(path, file, month)
                files[role] = DraftFile(path, file.name.split(".", 1)[1], file.rows)
            draft = MonthDraft(month.partition, month.version, month.as_of, month.rows, files, month.facts)
            return self.publish(table, draft, run_id, force=force)

    def _create(self, table: str, draft: MonthDraft, file: DraftFile, forbidden: frozenset[str]) -> StoredFile:
        _check_count(table, draft, file)
        digest, size = sha256_of(file.path), file.path.stat().st_size
        sync_file(file.path)
        folder = folder_of(table, draft.partition)
        # A version written twice may differ in bytes (another writer's version in the footer): then it gets a second
        # name. What lies under the first one may be in a reader's hands, or damaged: it is not touched. Only where the
        # second one is damaged as well does anybody need a third.
        for tail in ("", f"-{digest[:12]}", f"-{digest[:12]}-{uuid4().hex[:12]}"):
            name = f"{draft.version}{tail}.{file.ending}"
            if name in forbidden:
                continue
            key = f"{folder}/{name}"
            if self.store.create(key, file.path, _about(table, draft, file, digest)) or self._holds(key, digest, size):
                return StoredFile(name, size, digest, file.rows)
        raise DamagedStoreError(f"{self.store.location}/{folder}/{name}: something else lies there. Remove it.")

    def _holds(self, key: str, digest: str, size: int) -> bool:
        if self.store.size(key) != size:
            return False
        with self.store.fetch(key) as path, contextlib.suppress(FileNotFoundError):  # it was pruned a moment ago
            return sha256_of(path) == digest
        return False

    def _refuse_superseded(self, manifest: Manifest, mine: tuple[str, str]) -> None:
        there = manifest.get(manifest.current)
        # What nobody can read any more stands in nobody's way, unless nobody needs to.
        if there is not None and (there.pruned_at or self.is_whole(self._month_file(manifest, there))):
            refuse_older(manifest.table, manifest.partition, mine, (there.version, there.as_of))

    def _swap(
        self, table: str, partition: Partition, mine: tuple[str, str], decide: Callable[[Manifest], _Decision | None]
    ) -> Stored | None:
        for _ in range(_SWAP_TRIES):
            manifest, found = self.manifest(table, partition)
            self._refuse_superseded(manifest, mine)
            decision = decide(manifest)
            if decision is None:
                return None
            new, outcome = decision
            if new == manifest or self.store.swap(manifest_key(table, partition), new.to_bytes(), found):
                before, now = manifest.get(manifest.current), new.versions[-1]
                folder = f"{self.store.location}/{folder_of(table, partition)}"
                main = now.files.get(TRIPS) or now.files.get(SOURCE)
                return Stored(
                    table=table,
                    partition=partition,
                    version=now.version,
                    rows=now.rows,
                    outcome=outcome,
                    rows_before=None if before is None else before.rows,
                    location=folder,
                    facts={"size_bytes": sum(file.size_bytes for file in now.files.values()), **now.facts},
                    version_before=manifest.current,
                    uri="" if main is None else f"{folder}/{main.name}",
                )
        raise StoreUnavailableError(
            f"{named(table, partition)}: others kept replacing it, {_SWAP_TRIES} times in a row. Nothing was changed."
        )

    def manifest(self, table: str, partition: Partition) -> tuple[Manifest, bytes | None]:
        """What is written of a month, and the bytes it is written in, which a swap must name; None where there is none.

        Raises:
            DamagedStoreError: It was written by a later version of this platform.
        """
        key = manifest_key(table, partition)
        found = self.store.read(key)
        manifest = None if found is None else Manifest.from_bytes(found, f"{self.store.location}/{key}")
        if manifest is None or (manifest.table, manifest.partition) != (table, partition):  # copied by hand
            manifest = Manifest(table, partition)
        return manifest, found

    def _month_file(self, manifest: Manifest, version: Version) -> MonthFile:
        folder = folder_of(manifest.table, manifest.partition)
        return MonthFile(
            table=manifest.table,
            partition=manifest.partition,
            version=version.version,
            as_of=version.as_of,
            rows=version.rows,
            files=version.files,
            facts=version.facts,
            location=f"{self.store.location}/{folder}",
            fetch=lambda file: self.store.fetch(f"{folder}/{file.name}", file.sha256),
            is_pruned=bool(version.pruned_at),
        )


def _about(table: str, draft: MonthDraft, file: DraftFile, digest: str) -> Mapping[str, str]:
    """What an object says of itself to somebody who finds it in a bucket."""
    month = {} if draft.partition is None else {"month": draft.partition}
    return {"table": table, **month, "version": draft.version, "rows": str(file.rows), "sha256": digest}


def _check_bytes(path: Path, file: StoredFile, month: MonthFile) -> None:
    if sha256_of(path) != file.sha256:
        raise DamagedStoreError(
            f"{month.location}/{file.name}: its bytes are not those that were published. Nothing was copied. "
            "Load the month again with --force: it is written anew."
        )


def _check_count(table: str, draft: MonthDraft, file: DraftFile) -> None:
    if file.ending.rpartition(".")[2] != "parquet":
        return  # the source, byte for byte: whoever reads it counts it
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_metadata(file.path).num_rows
    except pa.ArrowException as error:
        raise DamagedStoreError(
            f"{named(table, draft.partition)}: the {file.ending} that was written cannot be read. "
            "Nothing was published."
        ) from error
    if rows != file.rows:
        raise AccountingError(
            f"{named(table, draft.partition)}: {file.rows:,} rows were sent, the {file.ending} that was written holds "
            f"{rows:,}. Nothing was published; the old month stands."
        )
