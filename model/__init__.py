"""What we ship: data, features, training and evaluation of one model."""
