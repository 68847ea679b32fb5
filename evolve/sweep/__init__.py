"""A sweep is many lineages of one network: the product of seeds and settings, each a run of its own."""
