"""The only place that names moto's internals."""
