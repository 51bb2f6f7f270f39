"""What a month costs: rates, traffic, estimates and advice."""
