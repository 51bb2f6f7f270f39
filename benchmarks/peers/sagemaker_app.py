"""What SageMaker's scikit-learn image runs for one model: a Flask application behind gunicorn's gevent workers and nginx.

Written anew after aws/sagemaker-containers (`_transformer.py`, `_worker.py`, `_encoders.py`) and the start-up of
aws/sagemaker-scikit-learn-container: the same libraries, flags and steps, and none of its code.
"""

from __future__ import annotations

import io
import json
import os
from typing import Any

import joblib
import numpy as np
from flask import Flask, Response, request

app = Flask(__name__)
model = joblib.load(os.environ["MODEL"])


@app.route("/ping", methods=["GET"])
def ping() -> Response:
    return Response(status=200)


@app.route("/invocations", methods=["POST"])
def invocations() -> Response:
    accept = request.headers.get("Accept", "application/json")
    prediction = model.predict_proba(decode(request.get_data(), request.headers["Content-Type"]))
    return Response(encode(prediction, accept), mimetype=accept)


def decode(body: bytes, content_type: str) -> Any:
    if content_type == "text/csv":
        rows = np.genfromtxt(io.StringIO(body.decode("utf-8")), dtype=np.float32, delimiter=",")
    else:
        rows = np.array(json.loads(body.decode("utf-8")), dtype=np.float32)
    return rows if rows.ndim == 2 else rows.reshape(1, -1)


def encode(prediction: Any, accept: str) -> str:
    if accept == "text/csv":
        out = io.StringIO()
        np.savetxt(out, prediction, delimiter=",", fmt="%s")
        return out.getvalue()
    return json.dumps(prediction.tolist())
