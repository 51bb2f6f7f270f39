"""A pickle is read without running any of it: what it names is told, its arrays and attributes are there."""

from __future__ import annotations

import io
import os
import pickle
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from fogbank.pack.inert import Named, Thing, read_pickle, things, values_of
from tests.drawn import at_most

ROWS = np.random.default_rng(0).normal(size=(40, 2))
MODEL = LogisticRegression().fit(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no"))


class Malicious:
    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._target}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_would_run_is_named_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps([1, Malicious(tmp_path / "ran")], protocol=protocol)

    root, names = read_pickle(data)

    assert ("posix", "system") in names
    assert isinstance(root[1], Thing)
    assert not (tmp_path / "ran").exists()
    pickle.loads(data)  # noqa: S301 - to see that these bytes would have run something
    assert (tmp_path / "ran").exists()  # the same bytes, loaded


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)], ids=str)
def test_joblibs_files_are_read_with_their_arrays(compress: Any) -> None:
    file = io.BytesIO()
    joblib.dump(
        {"model": MODEL, "numbers": np.asfortranarray(ROWS), "words": np.array(["a", None], dtype=object)},
        file,
        compress,
    )

    root, names = read_pickle(file.getvalue())

    np.testing.assert_array_equal(root["numbers"], ROWS)
    assert values_of(root["words"]) == ["a", None]
    assert ("sklearn.linear_model._logistic", "LogisticRegression") in names
    attributes = root["model"].attributes
    assert values_of(attributes["classes_"]) == ["no", "yes"]
    assert attributes["n_features_in_"] == 2


@pytest.mark.parametrize("protocol", [3, 4])
def test_numpys_own_arrays_have_their_values(protocol: int) -> None:
    numbers = np.array([3, -1], dtype=np.int32)
    root, _ = read_pickle(
        pickle.dumps([numbers, np.array(["b"], dtype=object), np.array(["c", "de"])], protocol=protocol)
    )
    assert [values_of(node) for node in root] == [[3, -1], ["b"], ["c", "de"]]
    assert values_of(7) is None


def test_the_nearest_things_come_first_and_each_once() -> None:
    root, _ = read_pickle(pickle.dumps([MODEL, {"again": MODEL}]))
    kinds = [thing.kind.name for thing in things(root) if isinstance(thing.kind, Named)]
    assert kinds[0] == "LogisticRegression"
    assert kinds.count("LogisticRegression") == 1


@at_most(30)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_bytes_of_any_kind_end_in_a_value_error_or_a_tree(noise: bytes, cut: int) -> None:
    data = pickle.dumps(MODEL)
    for broken in (noise, data[:cut], data[:cut] + noise + data[cut:]):
        with suppress(ValueError):
            read_pickle(broken)


@pytest.mark.parametrize("begun", [b"x", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", zlib.compress(b"1" * 1000)[:9]])
def test_a_compressed_file_that_breaks_off_is_no_pickle(begun: bytes) -> None:
    with pytest.raises(ValueError, match="no pickle that can be read"):
        read_pickle(begun)


def test_a_small_file_that_holds_any_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        read_pickle(zlib.compress(pickle.dumps(b"1" * 10_000)), largest=1000)
