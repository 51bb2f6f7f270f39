"""What the handler of a Hugging Face folder says of a text that is too long: a network's positions may begin behind the padding's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.project.scaffolding import adoption


@dataclass
class Model:
    """A network of transformers', as far as it is asked: its configuration, and the padding's place among its positions."""

    positions: int
    padding: int | None

    @property
    def config(self) -> Any:
        return SimpleNamespace(max_position_embeddings=self.positions)

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        yield "", self
        yield "roberta.embeddings.position_embeddings", SimpleNamespace(padding_idx=self.padding)


@dataclass
class Pipeline:
    """A pipeline whose tokenizer makes a token of a letter, and whose network fails at more than `takes`."""

    model: Model
    takes: int
    tokenizer: Any = field(init=False)

    def __post_init__(self) -> None:
        self.tokenizer = Tokenizer()

    def __call__(self, texts: list[str]) -> list[dict[str, Any]]:
        if max(map(len, texts)) > self.takes:
            raise IndexError("index out of range in self")
        return [{"label": "good", "score": 1.0} for _ in texts]


class Tokenizer:
    """A tokenizer that does not say how much its network takes: transformers then gives a huge number."""

    model_max_length = int(1e30)

    def __call__(self, texts: list[str]) -> dict[str, list[str]]:
        return {"input_ids": texts}


def classifier(pipeline: Pipeline) -> Any:
    """The class as it stands in the handler, which imports transformers."""
    template = Path(adoption.__file__).parent / "templates" / "adopted" / "handlers" / "text_classification.py.j2"
    (node,) = [node for node in ast.parse(template.read_text()).body if isinstance(node, ast.ClassDef)]
    names: dict[str, Any] = {"Any": Any}
    exec(compile(ast.Module([node], []), "inference.py", "exec"), names)  # noqa: S102 - our own template
    made = object.__new__(names["Classifier"])
    made._pipeline = pipeline
    return made


@pytest.mark.parametrize(("padding", "most"), [(1, 512), (None, 514)])
def test_a_text_of_one_token_too_many_is_the_callers_fault(padding: int | None, most: int) -> None:
    classify = classifier(Pipeline(Model(positions=514, padding=padding), takes=most))

    assert classify(["a" * most]) == [{"label": "good", "score": 1.0}]
    with pytest.raises(ValueError, match=f"{most + 1} tokens, and {most} are the most"):
        classify(["a" * (most + 1)])
