"""The ledger: double entry in minor units, posted in batches by one database function, closed in chained blocks.

domain.py names accounts, instructions and outcomes; ledger.sql and balanced.sql hold tables and constraints, post.sql
the posting function; handlers.py posts; chain.py and blocks.py close blocks; audit.py proves it.
"""
