"""Models asked for scores as the edge asks them, without what trains and converts them.

In: ONNX bytes. Out: a score per row of features.
"""

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.core.errors import EndcapError


class ExportError(EndcapError):
    """A ranker that cannot be shipped: foreign operators, a version no runtime reads, or scores that differ."""


class Scorer:
    """An ONNX session as the edge runs it: one thread, one matrix in, one score per row out."""

    def __init__(self, ranker: bytes) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # the converter declares a shape that draws a warning at each run
        self._session = ort.InferenceSession(ranker, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw scores [rows] of float32 features [rows, columns]."""
        return np.asarray(self._session.run(None, {self._input: features})[0], np.float32).reshape(-1)
