"""What a program declares, found without making anything, and judged by rules."""
