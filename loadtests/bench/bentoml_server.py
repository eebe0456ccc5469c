"""BentoML, answering what the ranker says of 100 rows that it holds. Runs in an environment of its own.

In: RANKER (an ONNX file), ROWS (a matrix, .npy). Out: `bentoml serve bentoml_server:Ranking`. `POST /predict` answers
`{"scores": [...]}` as BentoML's own documentation has it: the value is returned, the framework checks and writes it.
`POST /ready_made` answers the same past all that, with a response made by hand.

Settings, each the faster of the choices there are: one worker, no batching and so no delay, no access log, no metrics,
no monitoring, no tracing; async endpoints, as BentoML sends plain ones through a thread.
"""

import os

import bentoml
import numpy as np
import onnxruntime as ort
import orjson
from starlette.responses import Response


@bentoml.service(
    workers=1,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    monitoring={"enabled": False},
)
class Ranking:
    """The bare model call."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.session = ort.InferenceSession(os.environ["RANKER"], options, providers=["CPUExecutionProvider"])
        self.rows = np.load(os.environ["ROWS"])
        self.name = self.session.get_inputs()[0].name

    def _scores(self) -> np.ndarray:
        return self.session.run(None, {self.name: self.rows})[0].reshape(-1)

    @bentoml.api
    async def predict(self) -> dict[str, list[float]]:
        """Score the rows."""
        return {"scores": self._scores().tolist()}

    @bentoml.api
    async def ready_made(self) -> dict[str, list[float]]:
        """Score the rows; a response is sent as it is, whatever the signature promises."""
        body = orjson.dumps({"scores": self._scores()}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, media_type="application/json")
