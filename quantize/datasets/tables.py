"""CSV tables whose every cell is checked: what is wrong is named by file, line and column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UserError


@dataclass(frozen=True)
class Row:
    """One line of a table: its number in the file and its cells by column, without spaces around either."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def integer(self, column: str, low: int, high: int) -> int:
        """The cell as a whole number. Raises UserError where it is none or lies outside ``low`` .. ``high``."""
        try:
            number = float(self.cells[column])
        except ValueError:
            number = float("nan")
        if not (low <= number <= high and number == int(number)):
            raise self.error(f"{column} is {self.cells[column]!r}, not a whole number from {low} to {high}")
        return int(number)

    def error(self, problem: str) -> UserError:
        """A UserError that names this line."""
        return UserError(f"{self.path}: line {self.line}: {problem}")


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """The lines of a CSV file under its header; empty ones are left out.

    Raises UserError naming the file where it is missing, is no text, lacks one of ``columns`` or breaks off in a line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if missing := [column for column in columns if column not in header]:
                raise UserError(f"{path}: has no column {missing[0]!r}; is this the right file?")
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                row = Row(path, reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
                if len(cells) < len(header):
                    raise row.error(f"has {len(cells)} cells, the header {len(header)}")
                yield row
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; it belongs to the data set") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a table ({error})") from error
