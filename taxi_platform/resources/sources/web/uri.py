"""`tlc`, `tlc://?base=http://mirror.example/trip-data`: a publisher as people write it in a setting."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from taxi_platform.errors import SettingsError
from taxi_platform.resources.sources.web.patience import Patience
from taxi_platform.resources.sources.web.publishers import PUBLISHERS, Publisher
from taxi_platform.resources.sources.web.source import KnownToExist, SeenBefore, WebSource, nobody_knows

_URI = re.compile(r"[a-z]+(?::(?://)?(?:\?(?P<query>.*))?)?")


def is_web_uri(setting: str) -> bool:
    """Whether `setting` names one of the publishers, rightly written or not."""
    return setting.partition(":")[0] in PUBLISHERS


def parse_web_uri(
    uri: str,
    *,
    known_to_exist: KnownToExist = nobody_knows,
    seen_before: SeenBefore = nobody_knows,
    patience: Patience | None = None,
) -> WebSource:
    """The source that `uri` (`tlc`, or `tlc://?base=http://mirror.example/trip-data`) names.

    No message repeats what was written: it may hold a password.

    Raises:
        SettingsError: Something about it is unknown, or its base is no address of a folder.
    """
    publisher = PUBLISHERS[uri.partition(":")[0]]
    known = f"Write {publisher.name}, or {publisher.name}://?base=https://host/folder where a mirror has its files."
    match = _URI.fullmatch(uri)
    parameters = parse_qsl(match["query"] or "", keep_blank_values=True) if match else [("", "")]
    if [name for name, _ in parameters] not in ([], ["base"]):
        raise SettingsError(f"The source {publisher.name} has one parameter, base, and no more. {known}")
    base = _checked(parameters[0][1], publisher, known) if parameters else ""
    return WebSource(publisher, base, known_to_exist, seen_before, patience or Patience())


def _checked(base: str, publisher: Publisher, known: str) -> str:
    flaw = ""
    try:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            flaw = "is no http or https address"
        elif "@" in parts.netloc:
            flaw = "holds a user or a password, which nothing here would keep secret"
        elif parts.query or parts.fragment or re.search(r"\s", base):
            flaw = "has more than a host and a folder"
    except ValueError:  # a port that is no number, brackets that do not match
        flaw = "is no http or https address"
    if flaw:
        raise SettingsError(f"The base of the source {publisher.name} {flaw}. {known}")
    return base.rstrip("/")
