"""Trust: what a package was made of, who signed it, and whether its bytes are still those."""

from fogbank.trust.bom import bill_of_materials
from fogbank.trust.osv import URL as OSV
from fogbank.trust.osv import Osv, Vulnerability
from fogbank.trust.provenance import statement
from fogbank.trust.signing import key_id, private_key, public_key, sign
from fogbank.trust.verify import BOM, SIGNED, UNSIGNED, Verified, seal, signed_digests, verify

__all__ = [
    "BOM",
    "OSV",
    "SIGNED",
    "UNSIGNED",
    "Osv",
    "Verified",
    "Vulnerability",
    "bill_of_materials",
    "key_id",
    "private_key",
    "public_key",
    "seal",
    "sign",
    "signed_digests",
    "statement",
    "verify",
]
