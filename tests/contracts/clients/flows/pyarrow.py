"""pyarrow's S3 filesystem (the AWS SDK for C++): a partitioned dataset written, read by column and row, copied, deleted."""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs

url, bucket = sys.argv[1:]
s3 = pyarrow.fs.S3FileSystem(endpoint_override=url.removeprefix("http://"), scheme="http", region="us-east-1")
table = pa.table({"year": [2024, 2025] * 5_000, "x": list(range(10_000)), "s": ["ü"] * 10_000})
ds.write_dataset(
    table, f"{bucket}/set", format="parquet", partitioning=["year"], partitioning_flavor="hive", filesystem=s3
)
back = ds.dataset(f"{bucket}/set", format="parquet", partitioning="hive", filesystem=s3)
rows, year = back.count_rows(), back.to_table(columns=["x"], filter=ds.field("year") == 2025)
body = b"0123456789" * 1_500_000
with s3.open_output_stream(f"{bucket}/big") as file:
    for start in range(0, len(body), 1_000_000):
        file.write(body[start : start + 1_000_000])
with s3.open_input_file(f"{bucket}/big") as file:
    file.seek(10_000_005)
    ten = file.read(10).decode()
s3.copy_file(f"{bucket}/big", f"{bucket}/copy of big")
s3.move(f"{bucket}/copy of big", f"{bucket}/moved")
files = s3.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
s3.delete_dir(f"{bucket}/set")
json.dump(
    {
        "rows": rows,
        "sum": pc.sum(year["x"]).as_py(),
        "ten": ten,
        "moved": s3.get_file_info(f"{bucket}/moved").size,
        "names": sorted(file.base_name for file in files if file.type.name == "Directory"),
        "left": sorted(
            file.path.removeprefix(f"{bucket}/")
            for file in s3.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
        ),
    },
    sys.stdout,
)
