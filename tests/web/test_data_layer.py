"""The data layer of the theme script in Node; the cases stand in data_layer.test.mjs."""

from pathlib import Path

from tests.web.conftest import Node


def test_the_data_layer_in_node(node: Node) -> None:
    """Against a server that answers, stalls, breaks off and lies."""
    node.test(Path(__file__).parent / "data_layer.test.mjs")
