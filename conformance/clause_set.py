"""The set of clauses as one digest: whether two runs were judged by the same statements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from conformance.clauses import CLAUSES, Clause


def clause_set_digest(clauses: Iterable[Clause] = CLAUSES.values()) -> str:
    """SHA-256 of the names, levels and statements of clauses, in whatever order they come.

    It is that of a JSON array without spaces, in ASCII: [[name, level, statement], ...] by name.
    """
    rows = sorted([one.name, one.level, one.statement] for one in clauses)
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
