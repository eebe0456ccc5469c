"""LitServe, answering what the ranker says of 100 rows that it holds. Runs in an environment of its own.

In: RANKER (an ONNX file), ROWS (a matrix, .npy), PORT. Out: a server whose `POST /predict` answers `{"scores": [...]}`.

Settings, each the faster of the choices there are: one worker, no batching and so no delay, the ZeroMQ queue
(`fast_queue`), no access log, no timeouts to keep, uvloop and httptools. A ready-made JSON response was tried, too: it
is no faster, since it must be pickled on its way from the worker.
"""

import os

import litserve as ls
import numpy as np
import onnxruntime as ort


class Ranking(ls.LitAPI):
    """The bare model call."""

    def setup(self, device: str) -> None:  # noqa: ARG002 -- LitServe's signature
        """Load model and rows once, in the worker."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.session = ort.InferenceSession(os.environ["RANKER"], options, providers=["CPUExecutionProvider"])
        self.rows = np.load(os.environ["ROWS"])
        self.name = self.session.get_inputs()[0].name

    def predict(self, x: object) -> np.ndarray:  # noqa: ARG002 -- LitServe's signature
        """Score the rows."""
        return self.session.run(None, {self.name: self.rows})[0]

    def encode_response(self, output: np.ndarray) -> dict[str, list[float]]:
        """The scores, for LitServe to write as JSON."""
        return {"scores": output.reshape(-1).tolist()}


if __name__ == "__main__":
    server = ls.LitServer(Ranking(), accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True, timeout=False)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        loop="uvloop",
        http="httptools",
        generate_client_file=False,
        pretty_logs=False,
    )
