"""Views that say what ids mean, kept as their tables now are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taxi_platform.io_managers.bigquery import table_sql as sql
from taxi_platform.io_managers.bigquery.connecting import CALL_TIMEOUT_S, Session
from taxi_platform.io_managers.bigquery.tables import LABELS

if TYPE_CHECKING:
    from taxi_platform.io_managers.lookup_view import LookupView


def show(session: Session, table: str, views: Iterable[LookupView]) -> None:
    """Have the views over `table` show all of its columns, those that are there as soon as both of their tables are."""
    for view in views:
        if table in (view.table, view.lookup):
            _show(session, view)


def _show(session: Session, view: LookupView) -> None:
    from google.api_core.exceptions import Conflict, PreconditionFailed
    from google.cloud import bigquery

    big, lookup = session.table(view.table), session.table(view.lookup)
    if big is None or lookup is None:
        return
    columns = [column.name for column in big.schema]
    query = sql.select_view(view, session.name(view.table), session.name(view.lookup), columns)
    there = session.table(view.name)
    if there is not None and there.view_query == query:
        return
    made = there or bigquery.Table(session.reference(view.name))
    made.view_query, made.description, made.labels = query, view.comment, LABELS
    try:
        if there is None:
            session.client.create_table(made, retry=session.retry, timeout=CALL_TIMEOUT_S)
        else:
            session.client.update_table(made, ["view_query"], retry=session.retry, timeout=CALL_TIMEOUT_S)
    except (Conflict, PreconditionFailed):
        _show(session, view)  # another load was as far as this one
