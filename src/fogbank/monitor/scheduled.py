"""An analysis of labelled records in one job: the ground truth merge first, then the analysis of what it merged.

Model Monitor runs a job for each; EventBridge Scheduler starts one. In: the environment of both; out: the files of both, in the window's
own folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from fogbank.contracts.monitoring import LABELS, analyzer_settings
from fogbank.contracts.quality import MERGE_FORMAT
from fogbank.monitor.hours import bring, bring_labels, in_s3
from fogbank.monitor.merge import MergeSettings, merge

Work = Callable[[Mapping[str, str]], str]
"""An analysis of an environment; its exit message."""


def merged_first(env: Mapping[str, str], analysis: Work) -> str:
    """Merge, analyze, and give the analysis's exit message. Raises DatasetError; KeyError or ValueError that names a variable."""
    own = analyzer_settings(env)
    with TemporaryDirectory() as folder:
        window = own.labelled(env, Path(folder))
        if in_s3(env):
            bring(env, window)
        if env.get(LABELS):
            bring_labels(env, window)
        merge(MergeSettings(analyzer=window, ground_truth=Path(env["ground_truth_source"]), report=own.output_path))
        return analysis({**env, "dataset_source": folder, "dataset_format": MERGE_FORMAT})
