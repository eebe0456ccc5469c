"""`python -m backend import ...`: a shop's past into the event log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from backend.cli import bar, console
from backend.imports import run
from backend.imports.intake import Report, Tell
from backend.imports.run import Declared
from backend.settings import Settings
from edge.core.events import PURPOSES, Purpose

app = typer.Typer(no_args_is_help=True, help="Bring a shop's past into the event log. Started again, it goes on.")

_Consent = Annotated[
    str, typer.Option(help=f"what all shoppers in it agreed to: {', '.join(PURPOSES)}, with commas between them")
]
_Restricted = Annotated[
    list[str] | None, typer.Option(help="a category whose purchases are not kept, by path or name; may be repeated")
]
_Catalogue = Annotated[bool, typer.Option(help="let the products become the shop's catalogue")]
_Files = Annotated[list[Path] | None, typer.Argument(help="files to import; none with --run")]
_Run = Annotated[bool, typer.Option("--run", help="ask the platform itself, with the token in the settings")]
_Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="with --run: orders from this day on")]


def register(root: typer.Typer) -> None:
    """Add these commands to `python -m backend`."""
    root.add_typer(app, name="import")


@app.command("plain")
def plain_command(
    source: Annotated[Path, typer.Argument(help="directory with events and products in the plain format")],
    consent: _Consent = "",
    restricted: _Restricted = None,
    catalogue: _Catalogue = True,
) -> None:
    """Import a directory in the plain format (docs/data-format.md); rows that name their consent keep it."""
    declared = Declared(_purposes(consent), tuple(restricted or ()), catalogue)
    _do(lambda tell: run.import_plain(Settings(), source, declared, tell))


_Read = Callable[[Settings, list[Path], Declared, Tell], Report]
_Ask = Callable[[Settings, datetime | None, Declared, Tell], Report]


def _platform(name: str, what: str, read: _Read, ask: _Ask) -> None:
    """Add the command of a platform, whose files are read or whose API is asked."""

    @app.command(name, help=what)
    def command(
        files: _Files = None,
        run_: _Run = False,
        since: _Since = None,
        consent: _Consent = "",
        restricted: _Restricted = None,
        catalogue: _Catalogue = True,
    ) -> None:
        declared = _declared(consent, restricted, catalogue)
        if run_ == bool(files):
            raise typer.BadParameter("name files, or give --run")
        if files:
            _do(lambda tell: read(Settings(), files, declared, tell))
        else:
            _do(lambda tell: ask(Settings(), _utc(since), declared, tell))


_platform(
    "shopify",
    "Import JSONL files of Shopify bulk operations, or run the operations (--run).",
    run.import_shopify,
    run.run_shopify,
)
_platform(
    "bigcommerce",
    "Import JSON files of BigCommerce's orders and products, or ask the store's API (--run).",
    run.import_bigcommerce,
    run.run_bigcommerce,
)


def _declared(consent: str, restricted: list[str] | None, catalogue: bool) -> Declared:
    purposes = _purposes(consent)
    if "analytics" not in purposes:
        raise typer.BadParameter(
            "without --consent analytics nothing of it may be kept; declare what the shoppers agreed to"
        )
    return Declared(purposes, tuple(restricted or ()), catalogue)


def _purposes(text: str) -> tuple[Purpose, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in PURPOSES:
            raise typer.BadParameter(f"{word!r} is no purpose; purposes are {', '.join(PURPOSES)}")
    return tuple(purpose for purpose in PURPOSES if purpose in words)


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _do(job: Callable[[Tell], Report]) -> None:
    with _telling() as tell:
        report = job(tell)
    console.print(escape(str(report)), soft_wrap=True)


@contextmanager
def _telling() -> Iterator[Tell]:
    """A bar for each thing that is being done."""
    with bar() as progress:
        tasks: dict[str, int] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for task in tasks.values():
                    progress.stop_task(task)  # type: ignore[arg-type]  # because rich hides its numbers behind a type
                tasks[what] = progress.add_task(what, total=total or None)
            progress.update(tasks[what], completed=done, total=total or None)  # type: ignore[arg-type]  # because likewise

        yield tell
