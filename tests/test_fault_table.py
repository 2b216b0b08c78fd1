"""Every row of the fault table is whole and names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "faults.md"
HEADER = ["fault", "what the box does", "recovery", "lost", "test"]


def rows(text: str) -> list[list[str]]:
    """The cells of the table whose header is HEADER."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()]
    first = lines.index(HEADER) + 2
    table = []
    for line, cells in zip(text.splitlines()[first:], lines[first:], strict=True):
        if not line.startswith("|"):
            break
        table.append(cells)
    return table


def objections(cells: list[str], root: Path = ROOT) -> list[str]:
    """What is wrong with a row."""
    if len(cells) != len(HEADER) or not all(cells):
        return [f"not {len(HEADER)} filled cells: {cells}"]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cells[-1])
    if not named:
        return [f"names no test: {cells[0]}"]
    return [f"no such test: {file}::{test}" for file, test in named if test not in functions_of(root / file)]


def functions_of(file: Path) -> set[str]:
    if not file.exists():
        return set()
    functions = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize("cells", rows(TABLE.read_text()), ids=lambda cells: cells[0][:40])
def test_a_row_is_whole_and_its_tests_exist(cells: list[str]) -> None:
    assert objections(cells) == []


def test_no_fault_stands_there_twice() -> None:
    faults = [cells[0] for cells in rows(TABLE.read_text())]
    assert len(faults) > 5
    assert sorted(set(faults)) == sorted(faults)


@pytest.mark.parametrize(
    "cells",
    [
        ["fault", "does", "1 s", "0", "`tests/test_fault_table.py::test_that_nobody_wrote`"],
        ["fault", "does", "1 s", "0", "`tests/test_nowhere.py::test_no_fault_stands_there_twice`"],
        ["fault", "does", "1 s", "0", "`tests/test_fault_table.py::rows`"],
        ["fault", "does", "1 s", "0", "trust us"],
        ["fault", "", "1 s", "0", "`tests/test_fault_table.py::test_no_fault_stands_there_twice`"],
        ["fault", "does", "1 s", "`tests/test_fault_table.py::test_no_fault_stands_there_twice`"],
    ],
)
def test_a_row_that_promises_what_no_test_shows_is_objected_to(cells: list[str]) -> None:
    assert objections(cells) != []
