"""Snapshots, findings, their events and audits, kept. Everything outside says `Store`; nothing outside sees a Session.

store       the face: one method per question; `reading`, `service` and `opened` are parts of it
database    engines, transactions, and database errors as ours
schema      which version of the tables a database has; bring it up to date
tables      the tables; `columns` is what they share, `access_tables` are a part of them
blobs       content by digest: documents, manifests and their chunks, once each
entries     how chunks and manifests list resources
lookup      a row by the beginning of its key
saving      save snapshots: what is new of them, a little at a time
snapshots   load and list snapshots; `documents` are read where somebody looks at them
history     looks and their contents, for walking back
holds       who may be reading a snapshot now
findings    the last known state of each finding, and its events
searched    what findings are searched for by, made from their bodies
query       what may be asked of a list of findings; `search` and `facets` answer, `cursors` say where a list goes on
recent      what happened lately; `homes` says to which pair
ruled       how many findings each rule makes
days        each pair day by day
inventory   what a snapshot holds, without the documents
pulse       whether anything was recorded since
audits      record and read audits
waivers     what people tolerate
outbox      topics and notices: what is to be told, in which order, and what became of it
leases      who works on something now
leadership  which of several copies leads
memory      small facts, by key
summaries   what gauges show of snapshots and audits, kept when these are stored
gauges      the numbers
prune       let go of what is old: `thin` finds repeats, `sweep` content that nothing refers to
"""

from auditor.store.audits import AuditInfo
from auditor.store.days import DayPoint
from auditor.store.errors import ConflictError, NotFoundError
from auditor.store.inventory import Inventory, LightResource
from auditor.store.leases import Lease
from auditor.store.prune import Pruned
from auditor.store.query import Facets, FindingPage, FindingQuery, Order
from auditor.store.recent import Changed, Happened, RecentPage
from auditor.store.snapshots import SnapshotInfo
from auditor.store.store import Store
from auditor.store.summaries import PairSummary

__all__ = [
    "AuditInfo",
    "Changed",
    "ConflictError",
    "DayPoint",
    "Facets",
    "FindingPage",
    "FindingQuery",
    "Happened",
    "Inventory",
    "Lease",
    "LightResource",
    "NotFoundError",
    "Order",
    "PairSummary",
    "Pruned",
    "RecentPage",
    "SnapshotInfo",
    "Store",
]
