"""How serving costs grow with the catalogue: generated shops of any size, as bundles, catalogues and shoppers."""
