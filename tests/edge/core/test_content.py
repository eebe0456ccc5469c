"""Words and families: what titles say."""

import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from edge.core.content import WIDTH, family, word_rows, words
from edge.core.products import Product

MILK = Product("1", "Whole Milk, 1 gal (store brand)", 2.99, category="Dairy > Milk", brand="Store brand")


def test_words_are_lower_case_and_keep_what_belongs_to_them() -> None:
    """Punctuation goes, apostrophes inside stay, numbers are words."""
    assert words("L'Oréal Make-Up, 1.5 oz (N°5)") == ("l'oréal", "make", "up", "1.5", "oz", "n", "5")
    assert words("---") == ()


@pytest.mark.parametrize(
    "title",
    [
        "Whole Milk, 2 L (store brand)",
        "Whole Milk, 12 x 8 fl oz (store brand)",
        "WHOLE MILK 1.5gal - Store Brand",
        "Whole Milk (store brand, variety 7)",
        "Whole Milk, Family Size (store brand)",
    ],
)
def test_sizes_counts_and_varieties_are_one_family(title: str) -> None:
    """Of the same brand and category."""
    assert family(msgspec.structs.replace(MILK, id="2", title=title, price=9.0)) == family(MILK)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Skim Milk, 1 gal (store brand)"},
        {"title": "Whole Milk Chocolate, 1 gal (store brand)"},
        {"brand": "Alder"},
        {"category": "Dairy > Goat Milk"},
    ],
)
def test_another_name_brand_or_category_is_another_family(changed: dict[str, str]) -> None:
    """Each alone is enough."""
    assert family(msgspec.structs.replace(MILK, **changed)) != family(MILK)


def test_a_title_of_numbers_alone_keeps_them() -> None:
    """Two numbers are two products, not one family of everything without a name."""
    assert family(Product("1", "4711", 1)) != family(Product("2", "501", 1))


def test_rows_are_unit_and_rare_words_weigh_more() -> None:
    """Titles that share only the word all have are less alike than titles that share a rare one."""
    rows = word_rows(["milk whole", "milk skim", "milk whole organic", "milk goat"])
    assert rows.shape == (4, WIDTH)
    assert np.sqrt((rows**2).sum(axis=1)) == pytest.approx(np.ones(4), abs=1e-5)
    alike = rows @ rows.T
    assert alike[0, 2] > alike[0, 1] > 0
    assert alike.max() == pytest.approx(1, abs=1e-5)


def test_a_title_without_words_is_like_nothing() -> None:
    """A zero row, no division by zero; no titles, no rows."""
    rows = word_rows(["milk", "!!!"])
    assert not rows[1].any()
    assert (rows @ rows.T)[0].tolist() == pytest.approx([1, 0])
    assert word_rows([]).shape == (0, WIDTH)


def test_rows_are_the_same_in_every_process() -> None:
    """Whatever seed the interpreter hashes its strings with."""
    code = "from edge.core.content import word_rows; import sys; sys.stdout.write(word_rows(['a b c', 'c d'])."
    code += "tobytes().hex())"
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1
