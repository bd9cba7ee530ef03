"""The centre's database: the same SQL on SQLite and PostgreSQL.

What stands in it that is readable: the form (the case is worked on from it) and measured facts. Images, templates and
embeddings stand only inside the sealed envelopes kept as evidence.
"""
