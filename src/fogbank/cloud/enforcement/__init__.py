"""IAM, where the cloud is asked to enforce it: what roles do is looked up in their policies, in who may assume them, and in resources' own."""
