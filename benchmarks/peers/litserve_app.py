"""LitServe, as its own documentation has it."""

from __future__ import annotations

import os
import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Model(litserve.LitAPI):
    def setup(self, device: str) -> None:
        del device
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request):  # LitServe reads the annotations, and wants none here
        return np.array(request)

    def predict(self, x: Any) -> Any:
        return self.model.predict_proba(x)

    def encode_response(self, output: Any) -> Any:
        return output.tolist()


if __name__ == "__main__":
    server = litserve.LitServer(
        Model(api_path="/invocations"), accelerator="cpu", workers_per_device=int(sys.argv[2]), healthcheck_path="/ping"
    )
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="error")
