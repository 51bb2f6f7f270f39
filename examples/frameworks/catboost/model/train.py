"""`python -m model.train`: CatBoost on a table with words and gaps, in its own format; no handler is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier

from model.leave import folder, leave


def main() -> None:
    """Train and leave the model."""
    drawn = np.random.default_rng(0)
    table = pd.DataFrame(
        {"age": drawn.uniform(18, 90, 200).round(1), "city": drawn.choice(["Rome", "Oslo", "Lima"], 200)}
    )
    table.loc[::9, "age"] = np.nan
    bought = np.where((table.age.fillna(50) > 50) ^ (table.city == "Oslo"), "yes", "no")
    model = CatBoostClassifier(iterations=20, cat_features=["city"], verbose=False, allow_writing_files=False)
    model.fit(table, bought)
    model.save_model(str(folder() / "model.cbm"))
    ages = [None if np.isnan(age) else age for age in table.age]
    leave({"age": ages, "city": table.city.tolist()}, {"bought": model.predict(table).tolist()})


if __name__ == "__main__":
    main()
