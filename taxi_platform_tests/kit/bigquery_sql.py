"""BigQuery's SQL as DuckDB's: parsed by sqlglot, with tables where the stand-in has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp

from taxi_platform_tests.kit.bigquery_tables import Place, Refused

_STATEMENTS: Mapping[type[exp.Expression], str] = {
    exp.Select: "SELECT",
    exp.SetOperation: "SELECT",
    exp.Union: "SELECT",
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
    exp.Drop: "DROP_TABLE",
    exp.Create: "CREATE_TABLE",
    exp.Alter: "ALTER_TABLE",
    exp.TruncateTable: "TRUNCATE_TABLE",
    exp.Export: "EXPORT_DATA",
}


class Statement:
    """One statement, and the tables in it."""

    def __init__(self, query: str, project: str, default: Mapping[str, str] | None) -> None:
        try:
            found = [one for one in sqlglot.parse(query, read="bigquery") if one is not None]
        except sqlglot.errors.SqlglotError as error:
            raise Refused(400, "invalidQuery", f"Syntax error: {str(error).splitlines()[0]}") from error
        if not found:
            raise Refused(400, "invalidQuery", "Syntax error: Unexpected end of statement")
        self.kind = _STATEMENTS.get(type(found[0]), "SCRIPT") if len(found) == 1 else "SCRIPT"
        self.tables: list[Place] = []
        named = {cte.alias for cte in found[0].find_all(exp.CTE)}
        for table in list(found[0].find_all(exp.Table)):
            if table.name in named and not table.db:
                continue
            self._move(table, project, default)
        for counted in list(found[0].find_all(exp.CountIf)):  # of no rows BigQuery counts 0, DuckDB NULL
            counted.replace(exp.Coalesce(this=counted.copy(), expressions=[exp.Literal.number(0)]))
        self.sql = found[0].sql("duckdb")

    def _move(self, table: exp.Table, project: str, default: Mapping[str, str] | None) -> None:
        if not table.name:
            return  # a function that gives a table
        dataset = table.db or (default or {}).get("datasetId", "")
        if not dataset:
            raise Refused(400, "invalidQuery", f'Table "{table.name}" must be qualified with a dataset.')
        place = (table.catalog or (default or {}).get("projectId") or project, dataset, table.name)
        self.tables.append(place)
        # In BigQuery a column may be told by the name of its table: it keeps it.
        if not table.alias and table.find_ancestor(exp.Select):
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("db", exp.to_identifier(f"{place[0]}.{place[1]}", quoted=True))
        table.set("catalog", None)
        table.set("this", exp.to_identifier(place[2], quoted=True))


def values_of(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of a query, as Python has them."""
    return {one["name"]: _value(one["parameterType"]["type"], one["parameterValue"].get("value")) for one in parameters}


def _value(kind: str, text: str | None) -> Any:
    if text is None:
        return None
    makers: Mapping[str, Any] = {
        "INT64": int,
        "FLOAT64": float,
        "BOOL": lambda word: word == "true",
        "NUMERIC": Decimal,
        "DATE": dt.date.fromisoformat,
        "DATETIME": dt.datetime.fromisoformat,
        "TIMESTAMP": dt.datetime.fromisoformat,
    }
    return makers.get(kind, str)(text)
