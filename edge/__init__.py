"""Endcap at the edge. Importing `edge.core` pulls in no web framework.

onnxruntime tells its maker how it is used: from the moment that it is imported, over the network, with an id that it
keeps in the home directory. No shop has agreed to that, so it is switched off before anything here can import it; who
wants it sets ORT_DISABLE_TELEMETRY=0.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
