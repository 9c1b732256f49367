"""What is well-formed and still probably not what was meant: lints, one a file, joined in ``registry``."""
