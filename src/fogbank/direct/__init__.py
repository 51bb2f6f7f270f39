"""A package scored without a server and without S3, by the server's own code: the same bytes as over the wire."""
