"""What a report says, made of what is there. Pure, but for CloudWatch's figures."""
