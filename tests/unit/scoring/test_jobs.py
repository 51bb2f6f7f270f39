from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fogbank.scoring import one_job


def test_every_part_of_a_model_computes_where_it_is_called() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3, n_jobs=2)).fit(np.eye(4), [0, 1, 0, 1])

    assert one_job(model)[-1].n_jobs == 1
    assert one_job(StandardScaler()) is not None
    assert one_job(np.sum) is np.sum
