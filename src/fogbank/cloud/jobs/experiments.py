"""Jobs as trial components of experiments: what ExperimentConfig asks for.

In: an ExperimentConfig; out: a trial component of the job's name in its trial, or the refusal of a name that is not there.
Source: ExperimentConfig in the API reference; the component's name is `<job>-aws-<kind of job>`, as SageMaker's own are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fogbank.cloud.api.errors import not_found
from fogbank.contracts.transform import Experiment


class Experiments:
    """The experiments of every region; `client` makes a SageMaker client of a region."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def begin(self, region: str, config: Experiment) -> None:
        """Make the experiment and its trial, where they are not there."""
        sagemaker = self._client(region)
        if config.experiment and not self._named(
            sagemaker, "list_experiments", "ExperimentSummaries", "ExperimentName", config.experiment
        ):
            sagemaker.create_experiment(ExperimentName=config.experiment)
        if (
            config.experiment
            and config.trial
            and not self._named(sagemaker, "list_trials", "TrialSummaries", "TrialName", config.trial)
        ):
            sagemaker.create_trial(TrialName=config.trial, ExperimentName=config.experiment)

    def associate(self, region: str, kind: str, job: str, config: Experiment | None) -> None:
        """Make a job a trial component. Raises ResourceNotFound where the experiment, or the trial, is not there."""
        if config is None or not (config.experiment or config.trial or config.run):
            return
        sagemaker = self._client(region)
        self._exists(sagemaker, "list_experiments", "ExperimentSummaries", "ExperimentName", config.experiment)
        self._exists(sagemaker, "list_trials", "TrialSummaries", "TrialName", config.trial)
        component = config.run or f"{job}-aws-{kind}"
        if not self._named(
            sagemaker, "list_trial_components", "TrialComponentSummaries", "TrialComponentName", component
        ):
            sagemaker.create_trial_component(TrialComponentName=component, DisplayName=config.component or component)
        if config.trial:
            sagemaker.associate_trial_component(TrialComponentName=component, TrialName=config.trial)

    def _exists(self, sagemaker: Any, call: str, answer: str, member: str, name: str | None) -> None:
        if name and not self._named(sagemaker, call, answer, member, name):
            raise not_found(f"{member.removesuffix('Name')} '{name}' does not exist.")

    @staticmethod
    def _named(sagemaker: Any, call: str, answer: str, member: str, name: str) -> bool:
        pages = sagemaker.get_paginator(call).paginate()
        return any(item[member] == name for page in pages for item in page[answer])
