"""Writes the README's table from results: `python -m tests.chaos.table results.jsonl README.md`."""

import json
import sys
from collections import Counter
from pathlib import Path

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"


def table_of(lines: list[str]) -> str:
    """Return the table of results, the last of each seed."""
    results = {told["seed"]: told for told in map(json.loads, lines)}
    rows = [
        "| Seed | Ledger | Faults | Cases | Lost | Repeated | Other wrong | Breaches | Told anew | Seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for seed, told in sorted(results.items()):
        counted = Counter(told["faults"]).items()
        faults = "; ".join(name if times == 1 else f"{name} (x{times})" for name, times in counted)
        others = told["findings"] - told["lost"] - told["repeated"]
        cells = (seed, told["database"], faults, told["cases"], told["lost"], told["repeated"], others)
        rows.append(
            f"| {' | '.join(map(str, (*cells, told['breaches'], told['retold'], told['seconds'])))} |"
        )
    return "\n".join(rows)


def put(page: str, table: str) -> str:
    """Return the page with the table between its marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the page has no {BEGIN} ... {END}")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


if __name__ == "__main__":
    results, page = map(Path, sys.argv[1:3])
    page.write_text(put(page.read_text(), table_of(results.read_text().splitlines())))
