"""What pages and API are asked, a module a noun: from store, files and snapshots to frozen dataclasses. No HTTP, no HTML."""
