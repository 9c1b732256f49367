"""One rule of a policy, explained: what it says, what it became, and packets that it does and does not decide."""
