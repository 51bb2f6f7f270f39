"""S3's objects: bodies in files by their digest, everything else about them in one SQLite file; buckets themselves are moto's."""
