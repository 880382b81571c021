"""Views that say what ids mean, kept as their tables now are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Literal

from taxi_platform.io_managers.postgres import catalogue
from taxi_platform.io_managers.postgres import table_sql as sql
from taxi_platform.io_managers.postgres.session import Session

if TYPE_CHECKING:
    from taxi_platform.io_managers.lookup_view import LookupView


def show(session: Session, table: str, views: Iterable[LookupView]) -> None:
    """Have the views over `table` show all of its columns, those that are there as soon as both of their tables are.

    A view that is right already is not touched: whoever reads it need not wait. Its grants stay.
    """
    for view in views:
        if table in (view.table, view.lookup):
            _show(session, view)


def _show(session: Session, view: LookupView) -> None:
    big, lookup = catalogue.relation(session, view.table), catalogue.relation(session, view.lookup)
    if big is None or lookup is None:
        return
    there = catalogue.relation(session, view.name)
    shown = [] if there is None else list(there.columns)
    wanted = {*big.columns, *(f"{prefix}_{detail}" for prefix in view.joined for detail in view.details)}
    if wanted == set(shown):
        return
    session.run(sql.create_view(session.schema, view, shown, big.columns))
    session.run(SQL("COMMENT ON VIEW {} IS {}").format(session.name(view.name), Literal(view.comment)))
