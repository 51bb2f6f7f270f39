"""One job: a fitted model computes in the thread that calls it, so that trees are added up in their order, each time the same."""

from __future__ import annotations

from typing import Any


def one_job(model: Any) -> Any:
    """The same model, with every `n_jobs` of scikit-learn's at one; workers are what uses more cores."""
    if not type(model).__module__.startswith("sklearn.") or not hasattr(model, "get_params"):
        return model
    more = {
        name: 1
        for name, value in model.get_params(deep=True).items()
        if (name == "n_jobs" or name.endswith("__n_jobs")) and value not in {None, 1}
    }
    return model.set_params(**more) if more else model
