"""Image: a package, its wheels and the server as an OCI image, without any container engine; and its way to a registry and back."""

from fogbank.image.base import Base, make_base, open_base
from fogbank.image.build import Build, BuiltImage, build_image, image_key
from fogbank.image.containerfile import write_containerfile
from fogbank.image.credentials import Logins, ecr_login, logins_for
from fogbank.image.layers import LayerStore
from fogbank.image.layout import Layout
from fogbank.image.reference import Reference, parse_reference
from fogbank.image.registry import Registry
from fogbank.image.transfer import pull, push
from fogbank.image.wheels import choose_wheels

__all__ = [
    "Base",
    "Build",
    "BuiltImage",
    "LayerStore",
    "Layout",
    "Logins",
    "Reference",
    "Registry",
    "build_image",
    "choose_wheels",
    "ecr_login",
    "image_key",
    "logins_for",
    "make_base",
    "open_base",
    "parse_reference",
    "pull",
    "push",
    "write_containerfile",
]
