"""What the statements on each subject have in common: the connection of the caller's transaction."""

from __future__ import annotations

import sqlalchemy as sa


class Repository:
    """Statements on one subject. They see and change what the transaction does, and commit nothing themselves."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
