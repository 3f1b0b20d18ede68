"""Training, evaluation and export of the Tiny Recursive Model that trm_node runs."""
