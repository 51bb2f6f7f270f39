"""`python -m model.train`: words and pairs of words, weighed, and a line between the glad and the others."""

from __future__ import annotations

import json

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from handlers.inference import predict_fn
from model.data import texts
from model.leave import folder, leave

GATE = 0.9


def main() -> None:
    """Leave the model, its score on texts that it has not seen, and what `leave` leaves."""
    said, labels = texts()
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10))
    score = float(cross_val_score(pipeline, said, labels, cv=4).mean())
    joblib.dump(pipeline.fit(said, labels), folder() / "model.joblib")
    (folder() / "metrics.json").write_text(json.dumps({"metrics": {"accuracy": score}, "gates": {"accuracy": GATE}}))
    answers = predict_fn(said, pipeline)
    leave({"text": said}, {"mood": [row[0] for row in answers], "probability": [row[1] for row in answers]})


if __name__ == "__main__":
    main()
