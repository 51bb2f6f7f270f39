"""obstore (object_store, in Rust): parts, ranges, conditions, lists in pages, copies that must not overwrite."""

import json
import sys

from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

url, bucket = sys.argv[1:]
store = S3Store(
    bucket, endpoint=url, region="us-east-1", client_options={"allow_http": True}, virtual_hosted_style_request=False
)
body = bytes(range(256)) * 50_000
store.put("deep/big", body, use_multipart=True, chunk_size=5 * 2**20)
first = store.put("one", b"1", mode="create")
refused = {}
try:
    store.put("one", b"2", mode="create")
except AlreadyExistsError:
    refused["create"] = True
store.put("one", b"2", mode={"e_tag": first["e_tag"]})
try:
    store.put("one", b"3", mode={"e_tag": first["e_tag"]})
except PreconditionError:
    refused["update"] = True
for index in range(1_203):
    store.put(f"many/{index:04}", b"")
json.dump(
    {
        "whole": bytes(store.get("deep/big").bytes()) == body,
        "range": bytes(store.get_range("deep/big", start=6_000_000, length=5)) == body[6_000_000:6_000_005],
        "ranges": [bytes(part).hex() for part in store.get_ranges("deep/big", starts=[0, 1_000_001], lengths=[2, 2])],
        "refused": refused,
        "one": bytes(store.get("one").bytes()).decode(),
        "many": sum(len(batch) for batch in store.list("many/")),
        "prefixes": sorted(store.list_with_delimiter()["common_prefixes"]),
        "deleted": store.delete([f"many/{index:04}" for index in range(1_203)])
        or sum(len(batch) for batch in store.list("many/")),
    },
    sys.stdout,
)
