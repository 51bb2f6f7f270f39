"""The model, its version in the registry, and the endpoint that answers."""

from pathlib import Path

import pulumi

from fogbank.components import (
    Alarms,
    Canary,
    DataCapture,
    Endpoint,
    Image,
    ModelRegistry,
    ModelService,
    load_package,
    stack_prefix,
)

config = pulumi.Config("fogbank")
root = Path(__file__).parent.parent
package = load_package(root / ".fogbank" / "package")
prefix = stack_prefix(package.name)  # on AWS the stack's name is in it: two stacks of one account never collide
lost = config.get_bool("forceDestroy") or False

# A stack that names an image takes it as it is (the local cloud runs the package itself); else `up` builds and pushes one.
image = config.get("image") or Image("image", package=package, repository=config.get("repository")).uri

service = ModelService(package.name, package=package, image=image, model_prefix=prefix, force_destroy=lost)
# With gate=True an `up` waits until somebody has approved the version.
registry = ModelRegistry("versions", service=service, group=prefix, gate=False, force_destroy=lost)
# Every change of model, from here or from a retraining, has half of the traffic for five minutes, and goes back where answers fail.
live = Endpoint(
    "live",
    service=service,
    endpoint_name=f"{prefix}-live",
    instance_count=2,
    capture=DataCapture(sampling=100),
    deployment=Canary(percent=50, bake_s=300, alarms=Alarms(errors=0)),
)
