"""s3fs (fsspec over aiobotocore): files, appends, parts, globs, moves."""

import json
import sys

import s3fs

url, bucket = sys.argv[1:]
fs = s3fs.S3FileSystem(endpoint_url=url, default_block_size=5 * 2**20, version_aware=False)
body = bytes(range(256)) * 45_000  # 11.5 MB: three parts
with fs.open(f"{bucket}/deep/er/big.bin", "wb") as file:
    file.write(body)
with fs.open(f"{bucket}/deep/er/big.bin", "rb") as file:
    file.seek(6 * 2**20)
    middle = file.read(1000) == body[6 * 2**20 :][:1000]
fs.pipe({f"{bucket}/many/{name}": name.encode() for name in ("a b", "ü", "c+d", "e%20f")})
with fs.open(f"{bucket}/many/a b", "ab") as file:
    file.write(b" and more")
fs.mv(f"{bucket}/many/ü", f"{bucket}/moved/ü")
fs.touch(f"{bucket}/empty")
listed = sorted(name.removeprefix(f"{bucket}/") for name in fs.find(bucket))
json.dump(
    {
        "whole": fs.cat(f"{bucket}/deep/er/big.bin") == body,
        "middle": middle,
        "appended": fs.cat(f"{bucket}/many/a b").decode(),
        "listed": listed,
        "glob": sorted(name.rpartition("/")[2] for name in fs.glob(f"{bucket}/many/*")),
        "size": fs.info(f"{bucket}/deep/er/big.bin")["size"],
        "empty": fs.info(f"{bucket}/empty")["size"],
        "walked": sum(len(files) for _, _, files in fs.walk(bucket)),
        "left": fs.rm(f"{bucket}/many", recursive=True) or fs.exists(f"{bucket}/many/c+d"),
    },
    sys.stdout,
)
