"""Many hosts: an inventory, what each of its hosts runs, and the files of all of them."""
