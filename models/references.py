"""What SIKS-NG calls a submission: when two references are one, whoever typed them."""

import unicodedata


def folded(reference: str) -> str:
    """Return a reference as it is compared: without spaces and capitals, every dash a hyphen.

    `SNG-2`, `sng-2` and `SNG - 2` are one, `SNG2` is another. What was typed is kept as it was typed.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())
    return "".join(map(_folded, plain))


def _folded(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind == "Pd" or sign == "\N{MINUS SIGN}":
        return "-"
    return "" if kind[0] == "Z" or kind in {"Cc", "Cf"} else sign
