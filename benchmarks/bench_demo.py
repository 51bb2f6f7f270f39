"""Seconds that the whole demo takes in a fresh project, once everything is installed. Aim: under 60 s."""

from __future__ import annotations

from measure import fogbank, project, tell, timed


def main() -> None:
    """Measure and print."""
    seconds = []
    for _ in range(3):
        with project() as root:
            seconds.append(timed(fogbank, root, "demo"))
    tell("the whole demo, in a fresh project", seconds, 60.0)


if __name__ == "__main__":
    main()
