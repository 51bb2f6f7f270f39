"""The model and the endpoint that answers."""

from pathlib import Path

import pulumi

from fogbank.components import DataCapture, Endpoint, Image, ModelService, load_package

config = pulumi.Config("fogbank")
package = load_package(Path(__file__).parent.parent / ".fogbank" / "package")

# A stack that names an image takes it as it is (the local cloud runs the package itself); else `up` builds and pushes one.
image = config.get("image") or Image("image", package=package, repository=config.get("repository")).uri

service = ModelService(
    package.name,
    package=package,
    image=image,
    force_destroy=config.get_bool("forceDestroy") or False,
)
live = Endpoint("live", service=service, endpoint_name=f"{package.name}-live", capture=DataCapture(sampling=100))
