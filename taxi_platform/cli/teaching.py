"""Help that teaches: what a command does, its words, examples to copy, and what its exit code means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click


class Command(click.Command):
    """A command with examples.

    Attributes:
        words: What can be written, or is shown, and what it means; under a title.
        examples: Lines as they are typed.
        exit_codes: What each exit code means.
    """

    def __init__(
        self,
        *args: Any,
        words: tuple[str, Mapping[str, str]] = ("", MappingProxyType({})),
        examples: Sequence[str] = (),
        exit_codes: Mapping[int, str] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.words, self.examples, self.exit_codes = words, examples, exit_codes

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        teach(formatter, self.words, self.examples, self.exit_codes)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """All commands; its own examples come first: who asks for help here has typed nothing yet."""

    command_class = Command

    def __init__(self, *args: Any, examples: Mapping[str, str], exit_codes: Mapping[int, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples, self.exit_codes = examples, exit_codes

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        teach(formatter, ("Begin with", self.examples), (), {})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        teach(formatter, ("", {}), (), self.exit_codes)
        super().format_epilog(ctx, formatter)


def teach(
    formatter: click.HelpFormatter,
    words: tuple[str, Mapping[str, str]],
    examples: Sequence[str],
    exit_codes: Mapping[int, str],
) -> None:
    """Write what there is of these, each under its title."""
    title, meanings = words
    if meanings:
        with formatter.section(title):
            formatter.write_dl(list(meanings.items()), col_max=45)
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
    if exit_codes:
        with formatter.section("Exit code"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exit_codes.items()])
