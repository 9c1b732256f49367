"""What became of a policy on a target: rule by rule, and what a packet costs. Made only when somebody asks for it."""
