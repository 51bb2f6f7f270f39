"""Scripts as SageMaker's toolkits run them, and answers with their meaning, on every carrier."""

from __future__ import annotations

import io
import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fogbank.contracts.manifest import Column, Schema
from tests.contracts.container.conftest import Serve
from tests.contracts.container.served import invoke
from tests.packages import script, signed

MODEL = "def model_fn(model_dir):\n    return 2.0\n"
KIND = (
    MODEL
    + "def input_fn(body, content_type):\n    return [type(body).__name__, len(body)]\ndef predict_fn(d, m):\n    return d\n"
)
RESPONSES = """
import json

class Response:  # as Flask's and sagemaker_containers' are
    def __init__(self, data, mimetype, status_code=200, headers=None):
        self.data, self.mimetype, self.status_code, self.headers = data, mimetype, status_code, headers or {}
    def get_data(self):
        return self.data.encode()

def model_fn(model_dir): return 2.0

def transform_fn(model, body, content_type, accept):
    if body.startswith("bad"):
        return Response('{"why": "bad"}', "application/json", 422, {"X-Why": "bad", "Content-Length": "99"})
    return Response(body.upper(), "text/plain")

def execution_parameters_fn():
    return json.dumps({"MaxConcurrentTransforms": 3})
"""


def test_a_body_is_text_where_the_toolkit_gives_text(serve: Serve, tmp_path: Path) -> None:
    server = serve(script(tmp_path, KIND))

    for content_type, kind in (
        ("text/csv", "str"),
        ("application/json", "str"),
        ("text/csv; charset=utf-8", "bytes"),
        ("application/x-npy", "bytes"),
        ("image/png", "bytes"),
    ):
        answer = invoke(server, "ß".encode(), content_type, "application/json")
        assert json.loads(answer.body) == [kind, 1 if kind == "str" else 2], content_type
    refused = invoke(server, b"\xff", "text/csv")
    assert (refused.status, b"not utf-8" in refused.body) == (400, True)


def test_the_hooks_run_once_each_around_the_loading_of_the_model(serve: Serve, tmp_path: Path) -> None:
    code = (
        "CALLS = []\ndef pre_model_fn(model_dir):\n    CALLS.append('pre')\n"
        "def model_fn(model_dir):\n    CALLS.append('model')\n    return 2.0\n"
        "def model_warmup_fn(model_dir, model, context):\n    CALLS.append(f'warm {model} {context.model_dir == model_dir}')\n"
        "def predict_fn(data, model):\n    return CALLS\n"
    )
    server = serve(script(tmp_path, code))

    for _ in range(2):
        assert json.loads(invoke(server, b"1,2\n", accept="application/json").body) == ["pre", "model", "warm 2.0 True"]


def test_response_objects_keep_their_status_and_headers_and_parameters_may_be_text(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(script(tmp_path, RESPONSES))

    good, bad = invoke(server, b"good"), invoke(server, b"bad")
    assert (good.status, good.body, good.content_type) == (200, b"GOOD", "text/plain")
    assert (bad.status, bad.body, bad.headers["x-why"]) == (422, b'{"why": "bad"}', "bad")
    parameters = server.send("GET", "/execution-parameters")
    assert (parameters.status, json.loads(parameters.body)) == (200, {"MaxConcurrentTransforms": 3})


def test_the_context_has_the_toolkits_names(serve: Serve, tmp_path: Path) -> None:
    code = MODEL + (
        "def transform_fn(model, body, content_type, accept, context):\n"
        "    processor = context.request_processor[0]\n"
        "    seen = processor.get_request_properties()['content-type'], processor.get_request_property('Accept')\n"
        "    processor.add_response_property('X-Seen', context.system_properties['model_dir'][-5:])\n"
        "    context.set_response_status(code=202, phrase='later', idx=0)\n"
        "    context.set_response_content_type(idx=0, value='text/x-seen')\n"
        "    return repr((*seen, context.get_response_status(0), context.get_response_headers(idx=0)['x-seen']))\n"
    )

    answer = invoke(serve(script(tmp_path, code)), b"1,2\n")
    assert (answer.status, answer.content_type, answer.headers["x-seen"]) == (202, "text/x-seen", "model")
    assert answer.body == b"('text/csv', 'text/csv', (202, 'later'), 'model')"


@pytest.mark.parametrize(
    ("returned", "csv", "document"),
    [
        ("[np.array([1.0, 2.0]), np.array([3.0, 4.0])]", b"1.0,2.0\n3.0,4.0\n", [[1, 2], [3, 4]]),
        ("sp.csr_matrix([[1.0, 0.0], [0.0, 2.0]])", b"1.0,0.0\n0.0,2.0\n", [[1, 0], [0, 2]]),
        ("{1: 'a', np.int64(2): np.float32(0.5)}", None, {"1": "a", "2": 0.5}),
        ("[2**70]", b"1180591620717411303424\n", [2**70]),
        ("[np.array([[0.1, 0.9]]), np.array([[0.8, 0.2]])]", None, [[[0.1, 0.9]], [[0.8, 0.2]]]),
        ("[None, 'a, b', True]", b'""\n"a, b"\nTrue\n', [None, "a, b", True]),
        ("np.array(['2026-01-31'], dtype='datetime64[D]')", b"2026-01-31\n", ["2026-01-31"]),
    ],
)
def test_answers_of_every_shape(
    serve: Serve, tmp_path: Path, returned: str, csv: bytes | None, document: object
) -> None:
    code = f"import numpy as np, scipy.sparse as sp\n{MODEL}def predict_fn(d, m):\n    return {returned}\n"
    server = serve(script(tmp_path, code))

    answer = invoke(server, b"1,2\n")
    if csv is None:
        assert (answer.status, b"cannot be written as text/csv: " in answer.body) == (406, True)
    else:
        assert (answer.status, answer.body) == (200, csv)
    assert json.loads(invoke(server, b"1,2\n", accept="application/json").body) == document


def test_frames_and_series_are_rows(serve: Serve, tmp_path: Path) -> None:
    code = (
        "import pandas as pd\n" + MODEL + "def predict_fn(d, m):\n"
        "    frame = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\n    return frame if d[0][0] == 1 else frame['a'] * 1.5\n"
    )
    server = serve(script(tmp_path, code))

    for body, csv, document in ((b"1,2\n", b"1,x\n2,y\n", [[1, "x"], [2, "y"]]), (b"2,2\n", b"1.5\n3.0\n", [1.5, 3.0])):
        assert invoke(server, body).body == csv
        assert json.loads(invoke(server, body, accept="application/json").body) == document
    lines = invoke(server, b"1,2\n", accept="application/jsonlines").body
    assert lines == b'[1,"x"]\n[2,"y"]\n'


X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0]])
KINDS = ["cat", "cat", "dog", "dog"]
CLASSES = Schema(columns=(Column(name="kind", dtype="string"),), classes=("cat", "dog"))


def dumped(model: object) -> bytes:
    out = io.BytesIO()
    joblib.dump(model, out)
    return out.getvalue()


def test_labels_and_probabilities_come_by_name_where_they_are_asked_for(serve: Serve, tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, KINDS)
    server = serve(signed(tmp_path, model=("model.joblib", dumped(model)), output=CLASSES))
    rows, probabilities = b"0,1\n3,2\n", model.predict_proba([[0, 1], [3, 2]]).tolist()

    assert invoke(server, rows, accept="application/json").body == b'["cat","dog"]', "the usual answer is what it was"
    document = json.loads(invoke(server, rows, accept="application/json; answer=labelled").body)
    assert document == {
        "predictions": [
            {"label": label, "probabilities": dict(zip(("cat", "dog"), row, strict=True))}
            for label, row in zip(("cat", "dog"), probabilities, strict=True)
        ]
    }
    lines = invoke(server, rows, accept="application/jsonlines;answer=labelled").body.splitlines()
    assert [json.loads(line) for line in lines] == document["predictions"]
    table = invoke(server, rows, accept="text/csv; answer=labelled")
    assert table.content_type == "text/csv"
    assert table.body.decode().splitlines()[0] == "label,cat,dog"
    assert [line.split(",") for line in table.body.decode().splitlines()[1:]] == [
        [label, *map(repr, row)] for label, row in zip(("cat", "dog"), probabilities, strict=True)
    ]
    assert invoke(server, rows, accept="text/csv; header=present").body == b"kind\ncat\ndog\n"
    for accept in ("application/x-npy; answer=labelled", "application/json; answer=loud"):
        assert invoke(server, rows, accept=accept).status == 406


def test_probabilities_have_their_classes_for_a_header_and_a_regressor_its_column(serve: Serve, tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, KINDS)
    server = serve(
        signed(tmp_path / "a", model=("model.joblib", dumped(model)), output=CLASSES, method="predict_proba")
    )
    ridge = Ridge().fit(X, [1.0, 2.0, 3.0, 4.0])
    price = Schema(columns=(Column(name="price"),))
    other = serve(signed(tmp_path / "b", model=("model.joblib", dumped(ridge)), output=price))

    assert invoke(server, b"0,1\n", accept="text/csv; header=present").body.splitlines()[0] == b"cat,dog"
    labelled = json.loads(invoke(server, b"0,1\n", accept="application/json; answer=labelled").body)
    assert labelled["predictions"][0]["label"] == "cat"
    named = json.loads(invoke(other, b"0,1\n", accept="application/json; answer=labelled").body)
    assert named == {"predictions": [{"price": ridge.predict([[0, 1]])[0]}]}


def test_a_model_of_a_frame_answers_as_it_does_in_memory(serve: Serve, tmp_path: Path) -> None:
    """Fitted on a DataFrame, by names, with strings and gaps: no handler stands between."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": generator.integers(18, 80, 80), "city": generator.choice(["Köln", "Paris"], 80)}
    ).astype({"city": object})
    labels = (frame.age > 45) ^ (frame.city == "Paris")
    frame.loc[generator.random(80) < 0.2, "city"] = np.nan
    city = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    by_name = ColumnTransformer([("n", StandardScaler(), ["age"]), ("c", city, ["city"])])
    model = make_pipeline(by_name, LogisticRegression()).fit(frame, labels)
    columns = (Column(name="age", dtype="integer"), Column(name="city", dtype="string", nullable=True))
    package = signed(
        tmp_path,
        model=("model.joblib", dumped(model)),
        schema=Schema(columns=columns, rows="frame"),
        method="predict_proba",
    )
    server = serve(package)

    for body, kind in (
        (frame.to_csv(index=False).encode(), "text/csv"),
        (frame[["city", "age"]].to_csv(index=False).encode(), "text/csv"),
        (frame.to_json(orient="records").encode(), "application/json"),
        (('{"dataframe_split": ' + frame.to_json(orient="split") + "}").encode(), "application/json"),
        (frame.to_json(orient="records", lines=True).encode(), "application/jsonlines"),
    ):
        answer = invoke(server, body, kind, "application/json")
        np.testing.assert_array_equal(json.loads(answer.body), model.predict_proba(frame), err_msg=kind)
