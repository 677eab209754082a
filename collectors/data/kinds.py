"""The kinds of what is sampled of a database.

Everything counted is volatile but what the policies ask about: nothing of it is parity.
"""

from auditor.model import Category, Kind

DATABASE = Kind(
    name="data.database",
    category=Category.SECURITY,
    about="A database whose rows were sampled: from a replica or the primary, how many tables, what was not looked at",
    volatile=("tables", "columns", "skipped"),
)
TABLE = Kind(
    name="data.table",
    category=Category.SECURITY,
    about="A table that was sampled: how, whether it is empty, and the oldest row of a table of events",
    volatile=("rows", "sampled", "how", "unseen_share", "oldest_by", "skipped"),
)
COLUMN = Kind(
    name="data.column",
    category=Category.SECURITY,
    about="A sampled column of text: the shares of personal data and of live sessions, keyed fingerprints of such values",
    volatile=("sampled", "personal.*.values", "live.values", "fingerprints", "fingerprinted"),
)
KINDS = (DATABASE, TABLE, COLUMN)
