"""The model and the endpoint that answers."""

from pathlib import Path

import pulumi

from fogbank.components import DataCapture, Endpoint, ModelService, load_package

config = pulumi.Config("fogbank")
package = load_package(Path(__file__).parent.parent / ".fogbank" / "package")

service = ModelService(
    package.name,
    package=package,
    image=config.require("image"),
    force_destroy=config.get_bool("forceDestroy") or False,
)
live = Endpoint("live", service=service, endpoint_name=f"{package.name}-live", capture=DataCapture(sampling=100))
