"""What makes the model: here before the first deployment, and in a training job ever after."""
