"""Every setting of every part stands in the table of docs/settings.md, with its default."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

import backend.settings
import edge.settings
import edge.storefront.settings
import training.settings

TABLE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
PARTS: dict[str, type[BaseSettings]] = {
    "edge": edge.settings.Settings,
    "training": training.settings.Settings,
    "backend": backend.settings.Settings,
    "storefront": edge.storefront.settings.Settings,
}
UNPREFIXED = {"redis_url": "REDIS_URL"}


def rows() -> dict[str, tuple[str, str, set[str]]]:
    """Environment name -> (default, description, the parts that read it)."""
    found = {}
    for line in TABLE.splitlines():
        if match := re.match(r"\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", line):
            name, default, parts, about = match.groups()
            found[name] = (default.strip("`"), about, set(parts.split(", ")))
    return found


def name_of(field: str) -> str:
    """The environment variable behind a field."""
    return UNPREFIXED.get(field, f"ENDCAP_{field.upper()}")


@pytest.mark.parametrize("part", PARTS)
def test_every_setting_is_in_the_table(part: str) -> None:
    """With its default and the part that reads it."""
    table = rows()
    for field, info in PARTS[part].model_fields.items():
        name = name_of(field)
        assert name in table, f"docs/settings.md lacks {name}"
        default, _, parts = table[name]
        assert part in parts, f"docs/settings.md does not say that {part} reads {name}"
        shown = "unset" if info.default is None else str(info.default)
        assert default == shown, f"docs/settings.md gives {default} as the default of {name}, it is {shown}"


@pytest.mark.parametrize("part", PARTS)
def test_every_setting_says_what_it_is_for(part: str) -> None:
    """In --help, too."""
    for field, info in PARTS[part].model_fields.items():
        assert info.description, f"{part}: {field} has no description"


def test_the_table_names_nothing_that_is_gone() -> None:
    """Every row belongs to a setting of the parts it names."""
    for name, (_, _, parts) in rows().items():
        for part in parts:
            assert name in {name_of(field) for field in PARTS[part].model_fields}, f"{name} is no setting of {part}"


@pytest.mark.parametrize("part", PARTS)
def test_the_environment_is_read(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names in the table."""
    monkeypatch.setenv("ENDCAP_SHOP", "other")
    monkeypatch.setenv("ENDCAP_DATA_DIR", "elsewhere")
    settings = PARTS[part]()
    assert getattr(settings, "shop") == "other"  # noqa: B009 -- the classes share the field, not a type
    assert getattr(settings, "data_dir") == Path("elsewhere")  # noqa: B009 -- likewise


def test_the_store_and_the_port_also_have_their_usual_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """REDIS_URL and PORT, as hosts set them."""
    monkeypatch.setenv("REDIS_URL", "redis://example/1")
    monkeypatch.setenv("PORT", "1234")
    assert edge.settings.Settings().redis_url == "redis://example/1"
    assert edge.settings.Settings().port == 1234
