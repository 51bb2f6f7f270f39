"""What was seen of somebody's model, as the readers of files and folders tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fogbank.contracts.manifest import ModelKind
from fogbank.contracts.schema import Column, Value


@dataclass(frozen=True, kw_only=True)
class Table:
    """One of a program's inputs: `width` columns of a request's rows from the `first` on, in the framework's `dtype`; `flat` for a vector."""

    name: str
    first: int
    width: int
    dtype: str
    flat: bool = False


@dataclass(frozen=True, kw_only=True)
class Network:
    """What makes the network whose weights a file holds: a class of a module beside it.

    `within` is the key of the checkpoint below which the weights are, `before` what stands before each of their names; both may be empty.
    """

    module: str
    name: str
    within: str = ""
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen. `file` is the name that the model has in a project, `kind` how it is loaded, `what` a few words for a person.

    `needs` are the distributions that it takes, `versions` those that it says it was made with, and `requirements` lines for what
    is known less exactly. `names`, `width` and `classes` are empty where it does not say. `foreign` are modules that it names and no
    known distribution has. `handler` is the template of the handler that loads it, where it takes one; `columns` and
    `output` its own schema; `tables` the inputs of a program that takes such, `batch` the number of rows that it takes at a time, 0 for any;
    `network` is what takes the weights, where the file holds no more, and `lacks`
    why nothing does, and what to do about it.
    """

    file: str
    kind: ModelKind
    what: str
    needs: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    width: int = 0
    classes: tuple[Value, ...] = ()
    runs_code: bool = False
    foreign: tuple[str, ...] = ()
    handler: str = ""
    columns: tuple[Column, ...] = ()
    output: tuple[Column, ...] = ()
    tables: tuple[Table, ...] = ()
    batch: int = 0
    network: Network | None = None
    lacks: tuple[str, str] | None = None
