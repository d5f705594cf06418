"""The graph without its edge: what the edge is measured against."""
