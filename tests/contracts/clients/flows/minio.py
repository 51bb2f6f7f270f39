"""MinIO's client for Python: objects, parts, composition, tags, presigned addresses and forms, versions."""

import io
import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta

from minio import Minio
from minio.commonconfig import ENABLED, ComposeSource, CopySource, Tags
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.versioningconfig import VersioningConfig

url, bucket = sys.argv[1:]
client = Minio(
    endpoint=url.removeprefix("http://"), access_key="test", secret_key="test", secure=False, region="us-east-1"
)
body = b"x" * (11 * 2**20)
put = client.put_object(
    bucket_name=bucket,
    object_name="big ü",
    data=io.BytesIO(body),
    length=-1,
    part_size=5 * 2**20,
    metadata={"colour": "blue"},
)
tags = Tags.new_object_tags()
tags["a"] = "b c"
client.put_object(bucket_name=bucket, object_name="small", data=io.BytesIO(b"small"), length=5, tags=tags)
stat = client.stat_object(bucket_name=bucket, object_name="big ü")
client.copy_object(bucket_name=bucket, object_name="copied", source=CopySource(bucket_name=bucket, object_name="small"))
client.compose_object(
    bucket_name=bucket,
    object_name="composed",
    sources=[
        ComposeSource(bucket_name=bucket, object_name="big ü"),
        ComposeSource(bucket_name=bucket, object_name="small"),
    ],
)
got = urllib.request.urlopen(
    client.presigned_get_object(bucket_name=bucket, object_name="small", expires=timedelta(minutes=5))
).read()
request = urllib.request.Request(
    client.presigned_put_object(bucket_name=bucket, object_name="by address", expires=timedelta(minutes=5)),
    b"sent",
    method="PUT",
)
urllib.request.urlopen(request).read()
policy = PostPolicy(bucket_name=bucket, expiration=datetime.now(UTC) + timedelta(minutes=5))
policy.add_equals_condition(element="key", value="by form")
policy.add_content_length_range_condition(lower_limit=1, upper_limit=10)
fields = {**client.presigned_post_policy(policy=policy), "key": "by form"}
parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
parts.append('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nposted\r\n--b--\r\n')
form = urllib.request.Request(
    f"{url}/{bucket}", "".join(parts).encode(), {"Content-Type": "multipart/form-data; boundary=b"}
)
urllib.request.urlopen(form).read()
client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(status=ENABLED))
client.put_object(bucket_name=bucket, object_name="small", data=io.BytesIO(b"newer"), length=5)
client.remove_object(bucket_name=bucket, object_name="small")
versions = {
    item.version_id: item for item in client.list_objects(bucket_name=bucket, prefix="small", include_version=True)
}
names = [item.object_name for item in client.list_objects(bucket_name=bucket, recursive=True)]
errors = list(client.remove_objects(bucket_name=bucket, delete_object_list=[DeleteObject(name=name) for name in names]))
json.dump(
    {
        "size": stat.size,
        "colour": stat.metadata["x-amz-meta-colour"],
        "tags": dict(client.get_object_tags(bucket_name=bucket, object_name="small", version_id="null")),
        "got": got.decode(),
        "names": names,
        "versions": len(versions),
        "marker": [item.is_delete_marker for item in versions.values()].count(True),
        "errors": len(errors),
        "after": [item.object_name for item in client.list_objects(bucket_name=bucket, recursive=True)],
    },
    sys.stdout,
)
