"""A bucket's settings of which moto takes any word: its versioning and its encryption are held against S3's, and kept by moto.

In: calls; out: moto's answers, or S3's refusals. Source: the S3 API reference, "PutBucketVersioning" and "PutBucketEncryption".
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.objects.bucket import ENABLED, SUSPENDED
from fogbank.cloud.objects.call import Call
from fogbank.cloud.objects.errors import S3Error
from fogbank.cloud.objects.facts import ALGORITHMS
from fogbank.cloud.objects.shelf import Shelf
from fogbank.cloud.objects.xml import MalformedError, parse, text

Ask = Callable[[Request], Answer]


def put_versioning(shelf: Shelf, call: Call, ask: Ask) -> Answer:
    """PutBucketVersioning."""
    status = text(_document(shelf, call, "VersioningConfiguration"), "Status")
    if not status:
        raise S3Error("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    if status not in {ENABLED, SUSPENDED}:
        raise S3Error("MalformedXML")
    return ask(call.request)


def put_encryption(shelf: Shelf, call: Call, ask: Ask) -> Answer:
    """PutBucketEncryption."""
    root = _document(shelf, call, "ServerSideEncryptionConfiguration")
    defaults = [text(each, "SSEAlgorithm") for each in root.iterfind("Rule/ApplyServerSideEncryptionByDefault")]
    if any(algorithm not in ALGORITHMS for algorithm in defaults):
        raise S3Error("MalformedXML")
    return ask(call.request)


def _document(shelf: Shelf, call: Call, root: str) -> ET.Element:
    shelf.bucket(call.bucket)
    try:
        return parse(call.request.body, root)
    except MalformedError as error:
        raise S3Error("MalformedXML") from error
