"""What is written together with an order's change, as a part of the one statement that changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE


@dataclass(frozen=True, slots=True)
class Along:
    """One more write of the statement. It takes effect for the order that the statement changes, and only if it does.

    Attributes:
        part: makes the write from the changed order, its values as bind parameters; statements are kept by it.
        values: of the bind parameters.
    """

    part: Callable[[CTE], CTE]
    values: Mapping[str, Any]
