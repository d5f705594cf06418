"""The floor: what is left when one hand-written statement builds the whole answer."""
