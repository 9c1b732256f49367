"""One file per match or target extension; ``registry`` joins them."""
