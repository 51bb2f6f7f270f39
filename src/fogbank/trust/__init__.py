"""Trust: what a package was made of, who signed it, and whether its bytes are still those."""

from fogbank.trust.bom import bill_of_materials
from fogbank.trust.provenance import statement
from fogbank.trust.signing import key_id, private_key, public_key, sign
from fogbank.trust.verify import BOM, SIGNED, UNSIGNED, Verified, seal, verify

__all__ = [
    "BOM",
    "SIGNED",
    "UNSIGNED",
    "Verified",
    "bill_of_materials",
    "key_id",
    "private_key",
    "public_key",
    "seal",
    "sign",
    "statement",
    "verify",
]
