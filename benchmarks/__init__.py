"""The benchmark: the gateway beside its rivals, on one machine and one database."""
