"""What goes to the cameras: a container image, a model.tar.gz, and a version in the registry that says which belong together."""

from pathlib import Path

import pulumi

from fogbank.components import Image, ModelRegistry, ModelService, load_package, stack_prefix

config = pulumi.Config("fogbank")
package = load_package(Path(__file__).parent.parent / ".fogbank" / "package")
prefix = stack_prefix(package.name)  # on AWS the stack's name is in it: two stacks of one account never collide
lost = config.get_bool("forceDestroy") or False

# A stack that names an image takes it as it is (the local cloud runs the package itself); else `up` builds and pushes one.
image = config.get("image") or Image("image", package=package, repository=config.get("repository")).uri

service = ModelService(package.name, package=package, image=image, model_prefix=prefix, force_destroy=lost)
# With gate=True an `up` waits until somebody has tried the version on a camera, and approved it.
released = ModelRegistry("releases", service=service, group=prefix, gate=False, force_destroy=lost)
