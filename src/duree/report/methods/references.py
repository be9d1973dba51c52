"""The references of a methods section, as a list and as BibTeX."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# The year of this version.
YEAR = 2026


@dataclass(frozen=True)
class Reference:
    """A work with the fields of its BibTeX entry."""

    key: str
    kind: str
    fields: dict[str, str]

    @property
    def short(self) -> str:
        """``Gal & Ghahramani 2016``."""
        surnames = [author.partition(",")[0] for author in self._authors]
        names = " & ".join(surnames) if len(surnames) < 3 else f"{surnames[0]} et al."
        return f"{names} {self.fields['year']}"

    @property
    def full(self) -> str:
        """The entry in a list of references."""
        found = self.fields
        where = (
            found.get("journal")
            or found.get("booktitle")
            or found.get("howpublished")
            or found.get("publisher", "")
        )
        number = f"({found['number']})" if "number" in found else ""
        volume = f" {found['volume']}{number}" if "volume" in found else ""
        pages = f", {found['pages'].replace('--', '–')}" if "pages" in found else ""
        authors = "; ".join(self._authors).replace("; others", " et al.")
        title = found["title"] if found["title"].endswith("?") else f"{found['title']}."
        return f"{authors} ({found['year']}). {title} {where}{volume}{pages}."

    @property
    def bibtex(self) -> str:
        """The BibTeX entry."""
        # Double braces preserve capitals in titles (NumPy, RNN).
        shown = self.fields | {"title": f"{{{self.fields['title']}}}"}
        lines = [f"  {name} = {{{value}}}," for name, value in shown.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])

    @property
    def _authors(self) -> list[str]:
        return self.fields["author"].split(" and ")


@cache
def references() -> dict[str, Reference]:
    """All works that a methods section may cite, by key."""
    text = files("duree.report").joinpath("references.toml").read_text(encoding="utf-8")
    return {
        key: Reference(key, str(found.pop("kind")), found)
        for key, found in tomllib.loads(text).items()
    }


def software_bibtex(version: str) -> str:
    """The BibTeX entry of Durée itself."""
    return "\n".join(
        [
            "@software{duree,",
            "  author = {{The Durée developers}},",
            "  title = {{Durée: Long-memory sequence models for the social sciences and "
            "humanities}},",
            f"  version = {{{version}}},",
            f"  year = {{{YEAR}}},",
            "}",
        ]
    )
