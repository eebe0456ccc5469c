"""Reading the plain format's files: what a CSV may look like, and the line each row stands on."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training import engine as engines
from training.dataset import DataError, prepare
from training.reading import RawFile, find, read

Row = tuple[int, str | None, str | None]  # line, id, title


def raw(where: Path, text: str | bytes, required: Sequence[str] = ("id",)) -> RawFile:
    """What is read from a products file of exactly this text."""
    path = where / "products.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(engines.connect(), path, where, ("id", "title"), required)


def rows(file: RawFile) -> list[Row]:
    """Its rows in the file's order."""
    found = file.table.order_by("line").to_pyarrow().to_pylist()
    return [(row["line"], row["id"], row["title"]) for row in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("id,title\n1,Milk\n", [(2, "1", "Milk")], id="plain"),
        pytest.param("id,title\n1,Milk", [(2, "1", "Milk")], id="no line break at the end"),
        pytest.param("\ufeffid,title\n1,Milk\n", [(2, "1", "Milk")], id="byte order mark"),
        pytest.param('\ufeff"id","title"\r\n"1","Milk"\r\n', [(2, "1", "Milk")], id="mark before a quote"),
        pytest.param("id,title\r\n1,Milk\r\n2,Rye\r\n", [(2, "1", "Milk"), (3, "2", "Rye")], id="windows line ends"),
        pytest.param('id,title\n1,"a\nb\nc"\n2,d\n', [(2, "1", "a\nb\nc"), (5, "2", "d")], id="line breaks in quotes"),
        pytest.param('id,title\r\n1,"a\r\nb"\r\n2,d\r\n', [(2, "1", "a\r\nb"), (4, "2", "d")], id="windows breaks"),
        pytest.param('id,title\n1,"12"" plate, white"\n', [(2, "1", '12" plate, white')], id="quotes in quotes"),
        pytest.param("id,title\n\n1,Milk\n\n\n2,Rye\n", [(3, "1", "Milk"), (6, "2", "Rye")], id="empty lines"),
        pytest.param("id,title\n,\n2,Rye\n", [(3, "2", "Rye")], id="a row of nothing"),
        pytest.param("title,id\nMilk,1\n", [(2, "1", "Milk")], id="columns in another order"),
        pytest.param("id\n007\n", [(2, "007", None)], id="zeros in front, and no title"),
        pytest.param("id,title\n 1 ,  \n", [(2, "1", None)], id="only spaces are nothing"),
        pytest.param("id,title\n1,NULL\n2,nan\n", [(2, "1", "NULL"), (3, "2", "nan")], id="words stay words"),
        pytest.param("id,title\n1,Käse 🧀\n", [(2, "1", "Käse 🧀")], id="any script"),
    ],
)
def test_a_csv_is_read_as_its_writer_meant_it(tmp_path: Path, text: str, expected: list[Row]) -> None:
    """Whatever program wrote it: the same values, and each row's line as an editor shows it."""
    assert rows(raw(tmp_path, text)) == expected


def test_rows_of_another_width_are_kept_apart_with_their_line(tmp_path: Path) -> None:
    """A comma too many shifts every value after it, so the row is no row; lines after it still count true."""
    file = raw(tmp_path, 'id,title\n1,"a\nb"\n2,Milk, white\n3\n4,Rye\n')
    assert rows(file) == [(2, "1", "a\nb"), (6, "4", "Rye")]
    assert file.broken == [(4, "2,Milk, white"), (5, "3")]


def test_columns_nobody_asked_for_are_named(tmp_path: Path) -> None:
    """They are not read, and not passed over in silence; a shop's own column called line is one of them."""
    file = raw(tmp_path, "id,weight,line,title\n1,5,99,Milk\n")
    assert file.ignored == ["line", "weight"]
    assert rows(file) == [(2, "1", "Milk")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "products.csv is empty; export it again", id="empty"),
        pytest.param("\n\n", "products.csv is empty; export it again", id="blank"),
        pytest.param("id,title\n", "products.csv has no rows; export it again", id="header alone"),
        pytest.param("title\nMilk\n", "products.csv has no column id (it has: title); add it", id="no id"),
        pytest.param("ID,title\n1,Milk\n", "no column id (it has: ID, title); add it", id="capitals"),
        pytest.param("id,title,id\n1,Milk,1\n", "names the column 'id' twice; remove one", id="twice"),
        pytest.param("id,title\n1,a\n".encode("utf-16"), "is not UTF-8 text; save it as CSV in UTF-8", id="utf-16"),
        pytest.param(b"id,title\n1,a\n2,\xe4\n", "line 3 is not UTF-8; save the file as UTF-8", id="latin"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_remedy(tmp_path: Path, text: str | bytes, says: str) -> None:
    """The sentence names the file, what is wrong, and what to do."""
    with pytest.raises(DataError) as caught:
        raw(tmp_path, text)
    assert says in str(caught.value)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_refused(tmp_path: Path, separator: str) -> None:
    """A file without commas is one column wide: refused as a whole, not read as nonsense."""
    with pytest.raises(DataError, match=r"^products\.csv"):
        raw(tmp_path, separator.join(("id", "title")) + "\n" + separator.join(("1", "Milk")) + "\n")


def test_only_the_file_that_was_meant_is_found(tmp_path: Path) -> None:
    """`events.csv`, and neither its backup nor another stem."""
    for name in ("events.csv", "events.csv.bak", "events-old.csv", "products.csv"):
        (tmp_path / name).touch()
    assert find(tmp_path, "events").name == "events.csv"
    with pytest.raises(DataError, match=r"has no orders\.csv or orders\.parquet; write one of the two"):
        find(tmp_path, "orders")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"event_id;type\n1;search\n", "separates its columns with ';'"),
        (b"event_id\ttype\n1\tsearch\n", "separates its columns with"),
        (b'event_id,"ty\npe"\n1,search\n', "does not name columns"),
        (b"event_id,endcap_line\n1,2\n", "'endcap_line'"),
        (b"event_id,type\n1,2,3\n4\n", "as many values as its header"),
        (b"event_id,type\n", "has no rows"),
    ],
)
def test_files_that_are_nearly_csv_get_the_right_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    """Each says what it is, not what it would be if it were something else."""
    (tmp_path / "events.csv").write_bytes(content)
    (tmp_path / "products.csv").write_text("id,title,price\n1,Milk,2.5\n")
    with pytest.raises(DataError, match=re.escape(words)):
        prepare(tmp_path, tmp_path / "out")


def test_a_stray_space_in_a_header_is_a_name_not_a_traceback(tmp_path: Path) -> None:
    """`type ` is no column of the format: what is missing is named."""
    (tmp_path / "events.csv").write_text("event_id,type \n1,search\n")
    (tmp_path / "products.csv").write_text("id,title,price\n1,Milk,2.5\n")
    with pytest.raises(DataError, match="no column"):
        prepare(tmp_path, tmp_path / "out")


PRODUCTS = "id,title,price\n1,Milk,2.5\n2,Tea,3\n"


def parts(where: Path, **files: Any) -> Path:
    """A directory `events` of Parquet files, each with these columns, and a products file beside it."""
    (where / "events" / "day=2026-05-01").mkdir(parents=True)
    for name, columns in files.items():
        pq.write_table(pa.table(columns), where / "events" / "day=2026-05-01" / f"{name}.parquet")
    (where / "products.csv").write_text(PRODUCTS)
    return where


def visit(id_: str, minute: int, **more: Any) -> dict[str, list[Any]]:
    """The columns of a file with one event of two products."""
    at = datetime(2026, 5, 1, 10, minute, tzinfo=UTC)
    both = {"event_id": id_, "type": "add-to-cart", "time": at, "visitor_id": "v", "consent": "analytics"} | more
    return {"product_id": ["1", "2"]} | {name: [value] * 2 for name, value in both.items()}


def test_a_directory_of_parquet_files_is_read_as_one(tmp_path: Path) -> None:
    """In order of time, whatever the files are called; a file without rows is none, as Spark writes them."""
    nothing = {name: pa.array([], pa.string()) for name in visit("x", 0)}
    source = parts(
        tmp_path, a=visit("late", 5), b=visit("early", 1), c=nothing | {"time": pa.array([], pa.timestamp("us"))}
    )
    dataset = prepare(source, tmp_path / "out")
    found = dataset.lines().order_by("line").select("event_id", "line").to_pyarrow().to_pylist()
    assert [(row["event_id"], row["line"]) for row in found] == [("early", 1), ("early", 2), ("late", 3), ("late", 4)]
    assert not list((tmp_path / "out").glob("*.staged.parquet"))


def test_of_an_event_log_each_event_is_read_once(tmp_path: Path) -> None:
    """The copy recorded last; columns that are only the log's are named as not used."""
    first, second = datetime(2026, 5, 3, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    one = visit("a", 1) | {"line": [0, 1]}
    again = visit("a", 1, type="return") | {"line": [0, 1]}
    source = parts(tmp_path, b=one | {"recorded": [first] * 2}, a=again | {"recorded": [second] * 2, "slot": ["x"] * 2})
    dataset = prepare(source, tmp_path / "out")
    assert dataset.lines().type.to_pyarrow().to_pylist() == ["add-to-cart"] * 2
    assert dataset.summary.rejected == {}
    assert "slot" in dataset.summary.ignored_columns["events"]


def test_a_directory_s_files_name_the_data_set(tmp_path: Path) -> None:
    """Another row, another fingerprint."""
    source = parts(tmp_path, a=visit("a", 1))
    first = prepare(source, tmp_path / "out").fingerprint
    assert prepare(source, tmp_path / "out").fingerprint == first
    pq.write_table(pa.table(visit("b", 2)), source / "events" / "more.parquet")
    assert prepare(source, tmp_path / "out").fingerprint != first


def test_a_directory_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Without files, with files of another kind, or beside a file of the same name."""
    source = parts(tmp_path)
    with pytest.raises(DataError, match=r"events/ holds no \.parquet files with rows"):
        prepare(source, tmp_path / "out")
    (source / "events" / "x.parquet").write_text("not Parquet")
    with pytest.raises(DataError, match=r"x\.parquet is not a Parquet file"):
        prepare(source, tmp_path / "out")
    (source / "events.csv").touch()
    with pytest.raises(DataError, match=r"holds both events\.csv and events;"):
        find(source, "events")
