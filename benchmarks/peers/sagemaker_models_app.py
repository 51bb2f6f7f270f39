"""What SageMaker's XGBoost image runs for one model: a Flask application behind gunicorn's gevent workers and nginx.

Written anew after aws/sagemaker-xgboost-container's serving (`algorithm_mode/serve.py`): the same libraries and steps, none of its code.
"""

from __future__ import annotations

import json

from flask import Flask, Response, request
from models import answer

app = Flask(__name__)


@app.route("/ping", methods=["GET"])
def ping() -> Response:
    return Response(status=200)


@app.route("/invocations", methods=["POST"])
def invocations() -> Response:
    return Response(json.dumps(answer(json.loads(request.get_data()))), mimetype="application/json")
