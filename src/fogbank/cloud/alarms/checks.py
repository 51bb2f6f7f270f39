"""Which alarms CloudWatch takes, pure, and what the local cloud lacks of them.

In: the parameters of PutMetricAlarm or PutCompositeAlarm; out: nothing, or CloudWatch's error. Source: CloudWatch API Reference,
PutMetricAlarm and PutCompositeAlarm; actions: User Guide, "Alarm actions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fogbank.cloud.alarms.evaluation import TESTS
from fogbank.cloud.alarms.rule import Rule, RuleError, read
from fogbank.cloud.observe.cloudwatch import check_period, check_statistic
from fogbank.cloud.observe.expressions import ExpressionError, Scope, one_series, solve
from fogbank.cloud.observe.puts import CloudWatchError, Params
from fogbank.cloud.observe.summary import is_statistic

ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):[a-z0-9-]*:[a-zA-Z0-9-]*:(?P<rest>.+)", re.DOTALL)
REACHED = ("autoscaling", "lambda", "sns")
"""Services that an alarm's actions reach: Application Auto Scaling's policies have ARNs of `autoscaling`."""
LACKING = (
    "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval", "ActionConfiguration",
    "ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod", "ThresholdMetricId",
)  # fmt: skip
"""Members that are refused by name."""
OF_ONE = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
MISSING = ("breaching", "notBreaching", "ignore", "missing")
FEW = ("evaluate", "ignore")
DAY_S, WEEK_S, HOUR_S = 86400, 7 * 86400, 3600
MOST_ACTIONS = 5


def check_metric_alarm(params: Params) -> None:
    """Raises CloudWatchError for an alarm that is none, or that the local cloud does not have."""
    _refuse_lacking(params)
    for name in ("ComparisonOperator", "EvaluationPeriods", "Threshold"):
        if params.get(name) is None:
            raise _invalid(f"The parameter {name} is required.")
    if params["ComparisonOperator"] not in TESTS:
        raise _invalid(
            f"The local cloud does not have anomaly detection yet: ComparisonOperator {params['ComparisonOperator']} is refused."
        )
    _check_option(params, "TreatMissingData", MISSING)
    _check_option(params, "EvaluateLowSampleCountPercentile", FEW)
    periods = params["EvaluationPeriods"]
    if params.get("DatapointsToAlarm", 1) > periods:
        raise _invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    period = _check_queries(params) if params.get("Metrics") else _check_one(params)
    longest = WEEK_S if period >= HOUR_S else DAY_S
    if period * periods > longest:
        raise _invalid(
            f"Metrics cannot be checked across more than {'a day' if longest == DAY_S else 'seven days'} (EvaluationPeriods * Period must be <= {longest})."
        )
    _check_actions(params)


def check_composite_alarm(params: Params) -> Rule:
    """The rule. Raises CloudWatchError."""
    _refuse_lacking(params)
    try:
        rule = read(params["AlarmRule"])
    except RuleError as error:
        raise _invalid(f"Could not save the composite alarm, the alarm rule is invalid: {error}") from error
    _check_actions(params)
    for member in ACTIONS:
        for arn in params.get(member, []):
            if arn.split(":")[2] == "autoscaling":
                raise _invalid(f"A composite alarm can't perform Auto Scaling actions: {arn}")
    return rule


def _check_one(params: Params) -> int:
    """The period of an alarm on one metric."""
    if not params.get("MetricName"):
        raise _invalid("Either Metrics list or MetricName parameter must be specified.")
    for name in ("Namespace", "Period"):
        if params.get(name) is None:
            raise _invalid(f"The parameter {name} is required for an alarm on one metric.")
    given = [name for name in ("Statistic", "ExtendedStatistic") if params.get(name)]
    if len(given) != 1:
        raise CloudWatchError(
            "InvalidParameterCombination", "Exactly one of Statistic and ExtendedStatistic must be specified."
        )
    if given == ["ExtendedStatistic"] and not is_statistic(params["ExtendedStatistic"]):
        raise CloudWatchError(
            "InvalidParameterValue",
            f"The value {params['ExtendedStatistic']} for parameter ExtendedStatistic is not supported.",
        )
    check_statistic(params[given[0]])
    check_period(params["Period"])
    return int(params["Period"])


def _check_queries(params: Params) -> int:
    """The period of an alarm on an expression."""
    if both := [name for name in OF_ONE if params.get(name)]:
        raise CloudWatchError(
            "InvalidParameterCombination", f"Metrics and {both[0]} are mutually exclusive and you have specified both."
        )
    queries = params["Metrics"]
    names = [query["Id"] for query in queries]
    if len(set(names)) < len(names):
        raise _invalid("The Ids of Metrics must be unique.")
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        raise _invalid("Exactly one element of the Metrics list should return data.")
    for query in queries:
        if ("MetricStat" in query) == ("Expression" in query):
            raise _invalid(f"Exactly one of MetricStat and Expression must be specified for {query['Id']}.")
        if query.get("AccountId"):
            raise _invalid("The local cloud does not have metrics of other accounts: Metrics.AccountId is refused.")
    periods = {_check_stat(query["MetricStat"]) for query in queries if "MetricStat" in query}
    if len(periods) != 1:
        raise _invalid("All metrics of an alarm must have the same Period." if periods else "An alarm needs a metric.")
    period = periods.pop()
    if any(query.get("Period", period) != period for query in queries):
        raise _invalid("The Period of an expression must be that of its metrics.")
    _try(queries, period)
    return period


def _check_stat(asked: Mapping[str, Any]) -> int:
    check_statistic(asked["Stat"])
    check_period(asked["Period"])
    return int(asked["Period"])


def _try(queries: list[Mapping[str, Any]], period: int) -> None:
    """Evaluate the expressions once, on one period. Raises CloudWatchError."""
    metrics = [query["Id"] for query in queries if "MetricStat" in query]
    scope = Scope(series={name: {0: 1.0} for name in metrics}, grid=[0], period=period, metrics=metrics)
    expressions = {query["Id"]: query["Expression"] for query in queries if "Expression" in query}
    watched = next(query["Id"] for query in queries if query.get("ReturnData", True))
    try:
        solved = solve(expressions, scope)
        if watched in solved:
            one_series(solved[watched], scope.grid)
    except ExpressionError as error:
        raise _invalid(f"Invalid metrics list: {error}") from error


def _refuse_lacking(params: Params) -> None:
    for name in LACKING:
        if name in params:
            raise _invalid(f"The local cloud does not have {name} of alarms yet; it is refused, not ignored.")


def _check_option(params: Params, name: str, options: tuple[str, ...]) -> None:
    value = params.get(name)
    if value is not None and value not in options:
        shown = f"{', '.join(options[:-1])} and {options[-1]}"
        raise _invalid(f"Option {value} is not supported. Supported options for parameter {name} are {shown}.")


def _check_actions(params: Params) -> None:
    for member in ACTIONS:
        arns = params.get(member, [])
        if len(arns) > MOST_ACTIONS:
            raise _invalid(f"{member} has at most {MOST_ACTIONS} members.")
        for arn in arns:
            match = ARN.fullmatch(arn)
            if match is None:
                raise _invalid(f"Invalid arn syntax: {arn}")
            if match["service"] not in REACHED:
                raise _invalid(
                    f"The local cloud does not have actions of {match['service']} for alarms: {arn} is refused, not ignored."
                )


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("ValidationError", message)
