"""The model."""

from pathlib import Path

import pulumi

from fogbank.components import Image, ModelService, load_package, stack_prefix

config = pulumi.Config("fogbank")
root = Path(__file__).parent.parent
package = load_package(root / ".fogbank" / "package")
prefix = stack_prefix(package.name)  # on AWS the stack's name is in it: two stacks of one account never collide

# A stack that names an image takes it as it is (the local cloud runs the package itself); else `up` builds and pushes one.
image = config.get("image") or Image("image", package=package, repository=config.get("repository")).uri

service = ModelService(
    package.name,
    package=package,
    image=image,
    model_prefix=prefix,
    force_destroy=config.get_bool("forceDestroy") or False,
)
