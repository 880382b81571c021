"""The pages that people read, README.md and docs/, cut into the blocks that tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from taxi_platform_tests.conftest import ROOT

LANGUAGES = {"console", "python", "text", "mermaid"}
"""`console` and `python` are run, in the order of the page; `text` needs the outside world, or is no command."""

PAGES: Mapping[str, Path] = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}

_FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        return [line.removeprefix("$ ") for line in self.text.splitlines()]


def text_of(name: str) -> str:
    return PAGES[name].read_text("utf-8")


def all_text() -> str:
    return "\n".join(text_of(name) for name in PAGES)


def blocks(name: str, *languages: str) -> list[Block]:
    """The blocks of a page in these languages, or all of them."""
    found = [Block(language, text) for language, text in _FENCE.findall(text_of(name))]
    return [block for block in found if not languages or block.language in languages]


def prose(name: str) -> str:
    """A page without its blocks."""
    return _FENCE.sub("", text_of(name))


def links(name: str) -> Iterator[tuple[Path, str]]:
    """The files of this repository to which a page links, and the heading that is meant."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (PAGES[name].parent / path if path else PAGES[name]), anchor


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
