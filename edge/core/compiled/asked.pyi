"""What asked.pyx offers."""

def taken_apart(data: bytes) -> tuple[bytes, bytes, bytes, frozenset[bytes]] | None:
    """What a GET asks, by its first line: four parts.

    All behind that line; the line without persons and products; the product of the page, or nothing; that one, those in
    the cart and those excluded. None where it names nobody, or where anything in it is not plain: spelled with other
    than letters, digits and `-._~,`, named twice, or so long that it might be refused.
    """
