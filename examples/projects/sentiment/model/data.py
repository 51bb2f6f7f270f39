"""What people say of a shop, put together from their words, and whether they are glad. Bring your own texts here."""

from __future__ import annotations

from itertools import product

THINGS = ("the delivery", "this lamp", "the service", "my order", "the colour", "the app", "their support", "the price")
GLAD = (
    "is wonderful",
    "was quick and friendly",
    "works perfectly",
    "is better than I hoped",
    "made me happy",
    "is great",
)
SAD = (
    "is terrible",
    "was slow and rude",
    "broke at once",
    "is worse than I feared",
    "made me angry",
    "is a disappointment",
)
ENDS = ("", ", honestly", ", and I would say so again", ". What more is there to say")


def texts() -> tuple[list[str], list[int]]:
    """Texts, and labels of which 1 means glad."""
    said = [(f"{thing} {mood}{end}", int(mood in GLAD)) for thing, mood, end in product(THINGS, (*GLAD, *SAD), ENDS)]
    return [text for text, _ in said], [label for _, label in said]
