"""How a query is cut off without forgetting how much it finds."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_

from models.page import Page

T = TypeVar("T")
TOTAL: Final = "of_total"
"""Column of a query that was cut off: how many rows it would have had."""


def cut(query: Select[Any], limit: int | None) -> Select[Any]:
    """Return the query with at most so many rows, each of which knows how many there would be."""
    counted = query.add_columns(func.count().over().label(TOTAL))
    return counted if limit is None else counted.limit(limit)


def of_cities(case_number: ColumnElement[Any], cities: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a row is about no case, or about one of these cities."""
    return or_(case_number.is_(None), func.substr(case_number, 5, 4).in_(sorted(cities)))


def page(rows: Sequence[RowMapping], read: Callable[[RowMapping], T]) -> Page[T]:
    """Return what was read of the rows of such a query."""
    return Page(map(read, rows), rows[0][TOTAL] if rows else 0)
