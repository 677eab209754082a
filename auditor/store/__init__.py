"""Snapshots, findings, their events and audits, kept. Everything outside says `Store`; nothing outside sees a Session.

database    engines, transactions, and database errors as ours
schema      which version of the tables a database has; bring it up to date
tables      the tables
blobs       content by digest: documents and manifests, once each
snapshots   save and load snapshots
findings    the last known state of each finding, and its events
audits      record and read audits
prune       let go of what is old
"""

from auditor.store.audits import AuditInfo
from auditor.store.errors import ConflictError, NotFoundError
from auditor.store.prune import Pruned
from auditor.store.snapshots import SnapshotInfo
from auditor.store.store import Store

__all__ = ["AuditInfo", "ConflictError", "NotFoundError", "Pruned", "SnapshotInfo", "Store"]
