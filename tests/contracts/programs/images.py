"""Where images lie and who may pull them; a token for a registry of others lies in a secret, which the machines' role may read."""

import json

import pulumi_aws as aws
from told import later, name

repo = aws.ecr.Repository(
    "models",
    name=f"{name}/models",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    force_delete=True,
)
untagged = {
    "tagStatus": "untagged",
    "countType": "sinceImagePushed",
    "countUnit": "days",
    "countNumber": 7 if later else 14,
}
aws.ecr.LifecyclePolicy(
    "models",
    repository=repo.name,
    policy=json.dumps({"rules": [{"rulePriority": 1, "selection": untagged, "action": {"type": "expire"}}]}),
)
pulls = aws.iam.get_policy_document(
    statements=[
        {
            "sid": "Pull",
            "actions": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
            "principals": [
                {"type": "AWS", "identifiers": ["arn:aws:iam::111122223333:root"]},
                {"type": "Service", "identifiers": ["sagemaker.amazonaws.com"]},
            ],
        }
    ]
)
aws.ecr.RepositoryPolicy("models", repository=repo.name, policy=pulls.json)
key = aws.kms.Key("secrets", description="Secrets of the team", deletion_window_in_days=7)
alias = aws.kms.Alias("secrets", name=f"alias/{name}-secrets", target_key_id=key.key_id)
secret = aws.secretsmanager.Secret(
    "token", name=f"{name}/registry", description="A registry of others", kms_key_id=key.arn, recovery_window_in_days=0
)
version = aws.secretsmanager.SecretVersion(
    "token", secret_id=secret.id, secret_string=json.dumps({"user": "robot", "token": "two" if later else "one"})
)
reader = aws.iam.Role(
    "reader",
    name=f"{name}-reader",
    assume_role_policy=aws.iam.get_policy_document(
        statements=[
            {
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": ["sagemaker.amazonaws.com"]}],
            }
        ]
    ).json,
)
reads = aws.iam.get_policy_document_output(
    statements=[
        {"actions": ["secretsmanager:GetSecretValue"], "resources": [secret.arn]},
        {"actions": ["kms:Decrypt"], "resources": [key.arn]},
    ]
)
aws.iam.RolePolicy("reader", role=reader.name, policy=reads.json)
aws.iam.RolePolicyAttachment(
    "reader-logs", role=reader.name, policy_arn=aws.iam.get_policy(name="CloudWatchLogsReadOnlyAccess").arn
)
found = aws.ecr.get_repository_output(name=repo.name)
held = aws.secretsmanager.get_secret_output(arn=secret.arn)
target = aws.kms.get_alias_output(name=alias.name)
outputs = {
    "repository": found.repository_url,
    "secret": held.name,
    "key": target.target_key_arn,
    "own": key.arn,
    "version": version.version_id,
}
