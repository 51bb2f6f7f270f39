"""The server inside the container: SageMaker's contract on one side, the user's four functions on the other."""
