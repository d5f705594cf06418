"""The graph: one module per entity with its type, its fields and its loaders."""
