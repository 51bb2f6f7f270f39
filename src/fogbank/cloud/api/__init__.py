"""The control plane: calls checked by botocore's models, kinds of resources, what of a shape is supported."""
