"""From a shop's history to a checked model bundle: data in, candidates, examples, ranker, evaluation, export."""

import edge as _edge  # noqa: F401 -- so that onnxruntime, which parts of this package import first, keeps still
