"""Snapshots, findings, their events and audits, kept. Everything outside says `Store`; nothing outside sees a Session.

store       the face: one method per question; `service` and `opened` are parts of it
database    engines, transactions, and database errors as ours
schema      which version of the tables a database has; bring it up to date
tables      the tables
blobs       content by digest: documents and manifests, once each
lookup      a row by the beginning of its key
snapshots   save and load snapshots
findings    the last known state of each finding, and its events
audits      record and read audits
waivers     what people tolerate
outbox      topics and notices: what is to be told, in which order, and what became of it
leases      who works on something now
leadership  which of several copies leads
memory      small facts, by key
summaries   what gauges show of snapshots and audits, kept when these are stored
gauges      the numbers
prune       let go of what is old
"""

from auditor.store.audits import AuditInfo
from auditor.store.errors import ConflictError, NotFoundError
from auditor.store.leases import Lease
from auditor.store.prune import Pruned
from auditor.store.snapshots import SnapshotInfo
from auditor.store.store import Store

__all__ = ["AuditInfo", "ConflictError", "Lease", "NotFoundError", "Pruned", "SnapshotInfo", "Store"]
