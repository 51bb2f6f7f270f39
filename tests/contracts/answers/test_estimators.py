"""docs/estimators.md says of each estimator what is so: all of them are there, and a sample is fitted and proven again."""

from __future__ import annotations

import re

import pytest
from sklearn.utils import all_estimators

from tools.estimators import PAGE, row

SAMPLE = (
    "AdaBoostClassifier", "BernoulliNB", "DBSCAN", "DictVectorizer", "GradientBoostingRegressor", "HistGradientBoostingClassifier",
    "IsolationForest", "KMeans", "KNeighborsClassifier", "LogisticRegression", "OneHotEncoder", "PCA", "QuantileTransformer",
    "RandomForestClassifier", "Ridge", "SVC", "StandardScaler", "TfidfVectorizer", "VotingRegressor",
)  # fmt: skip

CLOSE = re.compile(r"to the last bit|within (?P<by>\S+?)(?=,|$)")


def said() -> dict[str, tuple[str, str]]:
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {name.strip("`"): (served, why[0].strip(" |") if why else "") for name, served, *why in lines}


def test_every_estimator_is_on_the_page_with_its_reason() -> None:
    page = said()

    assert list(page) == [name for name, _ in all_estimators()]
    assert [name for name, (served, why) in page.items() if not why and not served.startswith("a step")] == []


@pytest.mark.parametrize("name", SAMPLE)
def test_what_the_page_says_of_it_is_so(name: str) -> None:
    kind = dict(all_estimators())[name]

    again = row(name, kind)

    served, why = said()[name]
    assert again.served == served
    assert closeness(again.why) == closeness(why)


def closeness(why: str) -> str:
    """The reason without how close its answers were, where that is close: the last bits are the machine's (its libm, its vectors)."""
    return CLOSE.sub(lambda found: "close" if float(found["by"] or 0) < 1e-12 else found[0], why)
