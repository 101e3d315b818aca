"""Finds a value in bytes, in whatever form a program may have written it."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from temporalio.client import Client

_BASE64_GROUP = 3


def forms(value: str) -> dict[str, bytes]:
    """Return the forms in which a value may stand in a file, by the name of the form."""
    plain = value.encode()
    found = {"UTF-8": plain, "UTF-16": value.encode("utf-16-le"), "UTF-16 BE": value.encode("utf-16-be")}
    found["hex"] = plain.hex().encode()
    if not value.isascii():
        found["JSON"] = json.dumps(value)[1:-1].encode()
    for offset in range(_BASE64_GROUP):
        # Characters that also hold bits of a neighbour are left out at both ends.
        whole = base64.b64encode(bytes(offset) + plain).rstrip(b"=")
        last = len(whole) - ((offset + len(plain)) % _BASE64_GROUP != 0)
        found[f"base64 at {offset}"] = whole[(0, 2, 3)[offset] : last]
    return found


def found(values: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Return a line for each value that stands in one of the places; letters count in both cases."""
    wanted = [(name, form, sought) for name, value in values.items() for form, sought in forms(value).items()]
    lines = []
    for place, content in places.items():
        folded = content.lower()

        @cache  # many people share a value, and places are large
        def holds(sought: bytes, is_exact: bool, exact: bytes = content, folded: bytes = folded) -> bool:
            return sought in exact if is_exact else sought.lower() in folded

        lines += [
            f"{name} as {form} in {place}"
            for name, form, sought in wanted
            if holds(sought, form.startswith("base64"))
        ]
    return lines


def files(folder: Path, *, but: Iterable[str]) -> dict[str, bytes]:
    """Return the content of every file below a folder, except where the path begins with one of `but`."""
    names = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(tuple(but))}


async def histories(client: Client, cases: Iterable[str]) -> dict[str, bytes]:
    """Return the history of each workflow as JSON, followed by what its payloads hold, by workflow id."""
    told = {}
    for case in cases:
        text = (await client.get_workflow_handle(case).fetch_history()).to_json()
        told[case] = b"\n".join([text.encode(), *_payloads(json.loads(text))])
    return told


def _payloads(node: object) -> Iterator[bytes]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "data" and isinstance(value, str):
                yield base64.b64decode(value)
            else:
                yield from _payloads(value)
    elif isinstance(node, list):
        for value in node:
            yield from _payloads(value)
