"""Image: a package, its wheels and the server as an OCI image, without any container engine; and its way to a registry and back."""

from fogbank.image.artifact import Artifact, artifact_of, read_artifact
from fogbank.image.base import Base, make_base, open_base
from fogbank.image.build import Build, BuiltImage, build_image, image_key
from fogbank.image.containerfile import write_containerfile
from fogbank.image.credentials import Logins, ecr_login, logins_for
from fogbank.image.layers import LayerStore
from fogbank.image.layout import Layout
from fogbank.image.reference import Reference, parse_reference
from fogbank.image.referrers import Attachment, attach
from fogbank.image.registry import Registry
from fogbank.image.transfer import Blob, Progress, own_tag, pull, push, push_blob, receive
from fogbank.image.wheels import choose_wheels

__all__ = [
    "Artifact",
    "Attachment",
    "Base",
    "Blob",
    "Build",
    "BuiltImage",
    "LayerStore",
    "Layout",
    "Logins",
    "Progress",
    "Reference",
    "Registry",
    "artifact_of",
    "attach",
    "build_image",
    "choose_wheels",
    "ecr_login",
    "image_key",
    "logins_for",
    "make_base",
    "open_base",
    "own_tag",
    "parse_reference",
    "pull",
    "push",
    "push_blob",
    "read_artifact",
    "receive",
    "write_containerfile",
]
