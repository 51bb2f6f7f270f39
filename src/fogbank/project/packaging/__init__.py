"""From a trained model to a package with its image: trained, packed, checked, sealed."""
