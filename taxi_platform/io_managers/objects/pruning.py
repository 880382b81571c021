"""The only place that deletes: versions of a month that nobody needs any more, and what dead processes left behind."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import uuid4

from taxi_platform.errors import RequestError, StoreUnavailableError
from taxi_platform.io_managers.objects.manifest import MANIFEST, Doomed, Manifest, Version, folder_of, manifest_key
from taxi_platform.io_managers.objects.month_objects import MonthObjects
from taxi_platform.io_managers.objects.store import Found
from taxi_platform.io_managers.stored import named
from taxi_platform.trips.month_file import Partition

DAY_S = 24 * 3600.0
"""Nothing younger is ever removed: whoever began to read or write it is done by then."""

_OWN_WORD_S = 3600.0
"""So long who doomed files may delete them. A day later somebody else may take that over."""

_SWAP_TRIES = 50


@dataclass(frozen=True)
class Rule:
    """What of a month may go.

    Attributes:
        keep: So many versions stay, the current one among them. 0: even the files of the current one may go; what is
            known of it stays.
        spared: Gives versions that stay all the same; asked only where there are others than the current one.
        is_needless: Whether the files of the current version are of no use any more; asked only where `keep` is 0.
        older_than_s: So long ago a version must have been replaced, and what nobody names been written.
    """

    keep: int
    spared: Callable[[], frozenset[str]] = frozenset
    is_needless: Callable[[str], bool] = lambda _: False
    older_than_s: float = DAY_S


@dataclass
class Freed:
    """What was removed, or would be. Files that share their bytes free them with the last one that goes."""

    files: int = 0
    size_bytes: int = 0
    _links: dict[str, int] = field(default_factory=dict)

    def add(self, found: Found, links: dict[str, int]) -> None:
        """Count a file that goes; `links` counts, over all stores, how many of those that share its bytes are gone."""
        self.files += 1
        if found.identity:
            links[found.identity] = links.get(found.identity, 0) + 1
        if links.get(found.identity, 1) >= found.links:
            self.size_bytes += found.size_bytes


class Pruning:
    """Removes from the months of one store what nobody needs any more.

    First the manifest says which files are doomed, then they go, then it forgets them. Who puts a month down at the
    same time is told by the swap of the manifest: either his version is named before, and stays, or he puts it down
    once more, under other names. Killed at any point, it leaves files that the next one finds.
    """

    def __init__(
        self,
        months: MonthObjects,
        *,
        dry_run: bool = False,
        links: dict[str, int] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            links: Shared by the prunings of stores that may share bytes.
            now: The clock, in seconds since 1970.
        """
        self.months = months
        self.freed = Freed()
        self._dry_run, self._now = dry_run, now
        self._links = {} if links is None else links
        self._word = uuid4().hex[:12]

    def prune_table(
        self, table: str, rule_of: Callable[[Partition], Rule], months: Sequence[str] | None = None
    ) -> None:
        """Prune the months of a table (None: all of them, and what the table has without months).

        Where no manifest is, somebody else keeps what is his: a folder is ours if there is one in it, a month also if
        there is one in another month of the table.
        """
        listed = self.months.store.found(folder_of(table, None))
        if not any(one.name == MANIFEST for one in listed):
            return
        for folder, group in groupby(listed, key=lambda one: one.key.rpartition("/")[0]):
            objects = list(group)
            partition = None if folder == table else folder.removeprefix(f"{table}/source_month=")
            is_ours = partition is not None or any(one.name == MANIFEST for one in objects)
            if is_ours and (months is None or partition in months) and _is_folder_of(table, partition, folder):
                self._prune(table, partition, objects, rule_of(partition))

    def sweep(self) -> None:
        """Remove what processes that are gone did not finish in this store."""
        for found in self.months.store.sweep(self._now() - DAY_S, dry_run=self._dry_run):
            self.freed.add(found, self._links)

    def _prune(self, table: str, partition: Partition, objects: Sequence[Found], rule: Rule) -> None:
        stems = {one.name.partition(".")[0] for one in objects if one.name != MANIFEST}
        if not stems or (rule.keep and len(stems) == 1 and any(one.name == MANIFEST for one in objects)):
            return  # at most one version, and nothing else: the manifest need not be read
        begun = time.monotonic()
        doomed = self._doom(table, partition, objects, rule)
        there = {one.name: one for one in objects}
        for name in sorted(doomed):
            if not self._dry_run:
                if time.monotonic() - begun > _OWN_WORD_S:
                    return  # this process slept: by now the word may be somebody else's
                self.months.store.delete(f"{folder_of(table, partition)}/{name}")
            if name in there:
                self.freed.add(there[name], self._links)
        if doomed and not self._dry_run:
            self._swap(table, partition, self._forget)

    def _doom(self, table: str, partition: Partition, objects: Sequence[Found], rule: Rule) -> frozenset[str]:
        """Have the manifest forget the versions that go, and say which files do; their names."""

        def decide(manifest: Manifest) -> Manifest:
            kept = replace(manifest, versions=tuple(self._kept(manifest, rule)))
            names = self._strays(kept, objects, rule) | (manifest.named - kept.named)
            late = frozenset(one.name for one in kept.doomed if _seconds(one.at) < self._now() - DAY_S)
            mine = tuple(Doomed(name, _text(self._now()), self._word) for name in sorted(names | late))
            if not mine:
                return manifest
            others = tuple(one for one in kept.doomed if one.name not in late)
            return replace(kept, doomed=others + mine, sweeps=kept.sweeps + 1)

        if self._dry_run:
            there = self.months.manifest(table, partition)
            new = there[0] if _is_unreadable(*there) else decide(there[0])
        else:
            new = self._swap(table, partition, decide)
        return frozenset(one.name for one in new.doomed if one.by == self._word)

    def _kept(self, manifest: Manifest, rule: Rule) -> list[Version]:
        others = [one for one in manifest.versions if one.version != manifest.current]
        newest = {one.version for one in others[max(len(others) - rule.keep + 1, 0) :]}
        stay = newest | {manifest.current} | (rule.spared() if others else frozenset())
        kept = [one for one in manifest.versions if one.version in stay or not self._is_old(_end(manifest, one), rule)]
        return [self._without_files(one) if self._may_go(manifest, one, rule) else one for one in kept]

    def _may_go(self, manifest: Manifest, version: Version, rule: Rule) -> bool:
        return (
            rule.keep == 0
            and version.version == manifest.current
            and not version.pruned_at
            and self._is_old(version.published_at, rule)
            and rule.is_needless(version.version)
        )

    def _without_files(self, version: Version) -> Version:
        return replace(version, pruned_at=_text(self._now()))

    def _strays(self, manifest: Manifest, objects: Sequence[Found], rule: Rule) -> frozenset[str]:
        """Files that no manifest names: of loads that were killed, or were written once more."""
        known = manifest.named | manifest.forbidden | {MANIFEST}
        young = tuple(
            one.version for one in manifest.versions if not one.pruned_at and not self._is_old(one.published_at, rule)
        )
        return frozenset(
            one.name
            for one in objects
            # Next to a version that was written once more a moment ago lies the file that its readers may still hold.
            if one.name not in known and one.modified < self._before(rule) and not one.name.startswith(young)
        )

    def _before(self, rule: Rule) -> float:
        return self._now() - max(rule.older_than_s, DAY_S)

    def _is_old(self, at: str, rule: Rule) -> bool:
        return _seconds(at) < self._before(rule)

    def _forget(self, manifest: Manifest) -> Manifest:
        return replace(manifest, doomed=tuple(one for one in manifest.doomed if one.by != self._word))

    def _swap(self, table: str, partition: Partition, decide: Callable[[Manifest], Manifest]) -> Manifest:
        for _ in range(_SWAP_TRIES):
            manifest, found = self.months.manifest(table, partition)
            new = manifest if _is_unreadable(manifest, found) else decide(manifest)
            if new == manifest or self.months.store.swap(manifest_key(table, partition), new.to_bytes(), found):
                return new
        raise StoreUnavailableError(
            f"{named(table, partition)}: others kept replacing it, {_SWAP_TRIES} times in a row. Prune it later."
        )


def _is_folder_of(table: str, partition: Partition, folder: str) -> bool:
    """Whether that is where the month lies; what else lies beside it is none of ours."""
    with contextlib.suppress(RequestError):
        return folder_of(table, partition) == folder
    return False


def _is_unreadable(manifest: Manifest, found: bytes | None) -> bool:
    """Whether there is a manifest that says nothing: then nobody knows what of the month is needed."""
    return found is not None and not manifest.versions and not manifest.sweeps


def _end(manifest: Manifest, version: Version) -> str:
    """When a version ceased to be the current one; where that is not written, when the next one was published."""
    at = manifest.versions.index(version)
    after = [one.published_at for one in manifest.versions[at + 1 :]]
    return version.replaced_at or max([version.published_at, *after])


def _seconds(at: str) -> float:
    return dt.datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC).timestamp()


def _text(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
