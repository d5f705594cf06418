"""The only door to PostgreSQL: sessions under row-level security, named statements, migrations."""
