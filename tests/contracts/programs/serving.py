"""The model that the programs are around, in the private network, with three names of instances' counts to come."""

from pathlib import Path

from network import models, subnets
from told import config, name

from fogbank.components import Endpoint, ModelService, Network, load_package

package = load_package(Path(config.require("package")))
service = ModelService(
    name, package=package, image="i", force_destroy=True, network=Network(subnets=subnets, security_groups=[models.id])
)
live = Endpoint("live", service=service, endpoint_name=f"{name}-live")
