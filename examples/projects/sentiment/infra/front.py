"""The way in: POST /mood, for callers with a token of the stack's issuer, else for callers who sign with IAM."""

import pulumi
from serving import live, root

from fogbank.components import Cors, HttpApi, Jwt, Throttle

config = pulumi.Config("fogbank")
# pulumi config set fogbank:issuer https://...   and, for pages: pulumi config set --path 'fogbank:origins[0]' https://shop.example
issuer, origins = config.get("issuer"), config.get_object("origins") or []

api = HttpApi(
    "front",
    endpoint=live,
    path="/mood",
    handler=root / "handlers" / "front.py",
    authorization=Jwt(issuer=issuer, audience=["mood"]) if issuer else None,
    cors=Cors(origins=origins) if origins else None,
    throttle=Throttle(rate=20, burst=20),
)
