"""A stage: the host that a policy is for, in a scratch namespace, with a world around it that sends real packets."""
