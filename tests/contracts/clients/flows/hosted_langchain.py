"""langchain-aws's SagemakerEndpoint: invoke, stream, and an inference component.

In: the names of an endpoint that answers JSON, of one that streams, and of one with a component `<name>-c`; out: JSON of what they said.
"""

from __future__ import annotations

import json
import sys

from langchain_aws.llms import SagemakerEndpoint
from langchain_aws.llms.sagemaker_endpoint import LLMContentHandler


class Handler(LLMContentHandler):
    """Prompts as JSON, answers as they come."""

    content_type = accepts = "application/json"

    def transform_input(self, prompt: str, model_kwargs: dict[str, object]) -> bytes:
        """The body of a request."""
        return json.dumps([prompt]).encode()

    def transform_output(self, output: bytes) -> str:
        """The text of an answer, or of a piece of one."""
        read = output.read() if hasattr(output, "read") else output
        return str(read.decode())


plain, hosting = sys.argv[1:]
common = {"region_name": "us-east-1", "content_handler": Handler()}
seen = {
    "invoke": SagemakerEndpoint(endpoint_name=plain, **common).invoke("hello"),
    "stream": "".join(SagemakerEndpoint(endpoint_name=plain, streaming=True, **common).stream("hello")),
    "component": SagemakerEndpoint(endpoint_name=hosting, inference_component_name=f"{hosting}-c", **common).invoke(
        "hello"
    ),
}
print(json.dumps(seen))
