"""What users put in front of functions: Lambda's function URLs and API Gateway's HTTP APIs, each on a loopback port of its own."""
