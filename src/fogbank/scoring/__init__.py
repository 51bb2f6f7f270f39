"""How a compiled model is computed, and which row a model refuses: what pack proves is what serve runs.

In: the bytes of an ONNX file that pack wrote, with its plan; out: an object with the methods of the model that it stands for.
"""

from fogbank.scoring.compiled import CompiledModel, compiled_model, load_compiled, open_session
from fogbank.scoring.jobs import one_job
from fogbank.scoring.plan import Leaves, MethodPlan, Plan
from fogbank.scoring.refusal import RefusedError, accepted_rows, refusal

__all__ = [
    "CompiledModel",
    "Leaves",
    "MethodPlan",
    "Plan",
    "RefusedError",
    "accepted_rows",
    "compiled_model",
    "load_compiled",
    "one_job",
    "open_session",
    "refusal",
]
