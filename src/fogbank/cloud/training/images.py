"""AWS's framework images for training, by their URIs, pure: what an image brings is installed by its version.

In: an image's URI; out: requirement lines, or nothing for an image that is none of them. Source: AWS's "Docker Registry Paths and Example
Code" and the release notes of the deep learning containers.
"""

from __future__ import annotations

import re

IMAGE = re.compile(
    r"(?:.*/)?(?P<name>sagemaker-scikit-learn|sagemaker-xgboost|pytorch-training|tensorflow-training)"
    r":(?P<version>\d+(?:\.\d+)*)(?P<patch>-\d+)?(?:[-a-z0-9.]*)"
)
BROUGHT = {
    "sagemaker-scikit-learn": "scikit-learn=={version}.{patch}",
    "sagemaker-xgboost": "xgboost=={version}.*",
    "pytorch-training": "torch=={version}.*",
    "tensorflow-training": "tensorflow=={version}.*",
}
BESIDE = {
    "sagemaker-scikit-learn": ("pandas", "joblib"),
    "sagemaker-xgboost": ("pandas", "scikit-learn"),
    "pytorch-training": ("numpy", "pandas", "scikit-learn"),
    "tensorflow-training": ("numpy", "pandas", "scikit-learn"),
}
"""What the toolkit of an image stands on, of no version in particular."""


def brought(image: str) -> list[str] | None:
    """The requirement lines of an image; None for one that is no framework's.

    >>> brought("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3")
    ['scikit-learn==1.4.2', 'pandas', 'joblib', 'boto3']
    >>> brought("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5.1-cpu-py311-ubuntu22.04-sagemaker")
    ['torch==2.5.1', 'numpy', 'pandas', 'scikit-learn', 'boto3']
    """
    match = IMAGE.fullmatch(image)
    if match is None:
        return None
    name, version = match["name"], match["version"]
    patch = (match["patch"] or "-0").removeprefix("-")
    line = BROUGHT[name].format(version=version, patch=patch)
    if version.count(".") > 1:
        line = line.removesuffix(".*")
    return [line, *BESIDE[name], "boto3"]
