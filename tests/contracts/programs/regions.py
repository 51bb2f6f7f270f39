"""Two regions, each with a provider of its own: other default tags, tags of others that are left alone, and one resource elsewhere by its region."""

import pulumi
import pulumi_aws as aws
from told import config, later, name

told = config.require("cloud")
common = {"skip_credentials_validation": True, "endpoints": [{"s3": told}]}
europe = aws.Provider(
    "europe", region="eu-west-1", default_tags={"tags": {"residency": "eu", "cost": "b" if later else "a"}},
    ignore_tags={"key_prefixes": ["scanner:"]}, **common,
)  # fmt: skip
pacific = aws.Provider(
    "pacific",
    region="us-west-2",
    default_tags={"tags": {"residency": "us"}},
    allowed_account_ids=["123456789012"],
    **common,
)
outputs = {}
for short, provider in {"eu": europe, "us": pacific}.items():
    own = pulumi.ResourceOptions(provider=provider)
    bucket = aws.s3.Bucket(f"data-{short}", bucket=f"{name}-{short}", force_destroy=True, tags={"own": "1"}, opts=own)
    aws.s3.BucketPublicAccessBlock(
        f"data-{short}", bucket=bucket.bucket, block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
        restrict_public_buckets=True, opts=own,
    )  # fmt: skip
    topic = aws.sns.Topic(f"news-{short}", name=f"{name}-news", opts=own)
    aws.ssm.Parameter(f"home-{short}", name=f"/{name}/home", type="String", value=bucket.arn, opts=own)
    where = aws.get_region(opts=pulumi.InvokeOptions(provider=provider)).region
    outputs |= {f"topic-{short}": topic.arn, f"tags-{short}": bucket.tags_all, f"region-{short}": where}
asia = aws.ssm.Parameter("home-asia", name=f"/{name}/home", type="String", value="none yet", region="ap-south-1")
outputs["asia"] = asia.arn
