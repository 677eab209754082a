CREATE TABLE parity_auditor_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT parity_auditor_schema_pkc PRIMARY KEY (version_num)
);

CREATE TABLE documents (
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_documents PRIMARY KEY (digest)
);

CREATE TABLE manifests (
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_manifests PRIMARY KEY (digest)
);

CREATE TABLE cache (
	namespace VARCHAR(255) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_cache PRIMARY KEY (namespace, "key")
);

CREATE INDEX ix_cache_created_at ON cache (created_at);

CREATE TABLE snapshots (
	id VARCHAR(255) NOT NULL, 
	environment VARCHAR(255) NOT NULL, 
	taken_at DATETIME NOT NULL, 
	resources INTEGER NOT NULL, 
	gaps INTEGER NOT NULL, 
	facts VARCHAR(64) NOT NULL, sequence BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_snapshots PRIMARY KEY (id), 
	CONSTRAINT fk_snapshots_facts FOREIGN KEY(facts) REFERENCES documents (digest)
);

CREATE INDEX ix_snapshots_environment_taken_at ON snapshots (environment, taken_at);

CREATE TABLE snapshot_manifests (
	snapshot VARCHAR(255) NOT NULL, 
	position INTEGER NOT NULL, 
	manifest VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_snapshot_manifests PRIMARY KEY (snapshot, position), 
	CONSTRAINT fk_snapshot_manifests_snapshot FOREIGN KEY(snapshot) REFERENCES snapshots (id) ON DELETE CASCADE, 
	CONSTRAINT fk_snapshot_manifests_manifest FOREIGN KEY(manifest) REFERENCES manifests (digest)
);

CREATE INDEX ix_snapshot_manifests_manifest ON snapshot_manifests (manifest);

CREATE TABLE audits (
	id VARCHAR(255) NOT NULL, 
	left_environment VARCHAR(255) NOT NULL, 
	right_environment VARCHAR(255) NOT NULL, 
	left_snapshot VARCHAR(255) NOT NULL, 
	right_snapshot VARCHAR(255) NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME NOT NULL, 
	complete BOOLEAN NOT NULL, 
	score DOUBLE, 
	coverage DOUBLE NOT NULL, 
	findings VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, sequence BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_audits PRIMARY KEY (id), 
	CONSTRAINT fk_audits_findings FOREIGN KEY(findings) REFERENCES documents (digest), 
	CONSTRAINT fk_audits_left_snapshot FOREIGN KEY(left_snapshot) REFERENCES snapshots (id), 
	CONSTRAINT fk_audits_right_snapshot FOREIGN KEY(right_snapshot) REFERENCES snapshots (id)
);

CREATE INDEX ix_audits_left_snapshot ON audits (left_snapshot);

CREATE INDEX ix_audits_right_snapshot ON audits (right_snapshot);

CREATE TABLE findings (
	fingerprint VARCHAR(255) NOT NULL, 
	left_environment VARCHAR(255) NOT NULL, 
	right_environment VARCHAR(255) NOT NULL, 
	status VARCHAR(255) NOT NULL, 
	severity VARCHAR(255) NOT NULL, 
	category VARCHAR(255) NOT NULL, 
	first_seen DATETIME NOT NULL, 
	last_seen DATETIME NOT NULL, 
	since DATETIME NOT NULL, 
	opened_at DATETIME, 
	moved TEXT, 
	revision INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, kind VARCHAR(255) DEFAULT '' NOT NULL, identity VARCHAR(255) DEFAULT '' NOT NULL, path VARCHAR(255) DEFAULT '' NOT NULL, rule VARCHAR(255) DEFAULT '' NOT NULL, owner VARCHAR(255), cause VARCHAR(255), rank INTEGER DEFAULT 0 NOT NULL, words TEXT DEFAULT '' NOT NULL, suggested BOOLEAN DEFAULT false NOT NULL, 
	CONSTRAINT pk_findings PRIMARY KEY (fingerprint)
);

CREATE INDEX ix_findings_left_environment_right_environment_status ON findings (left_environment, right_environment, status);

CREATE TABLE events (
	id INTEGER NOT NULL, 
	fingerprint VARCHAR(255) NOT NULL, 
	at DATETIME NOT NULL, 
	audit_id VARCHAR(255), 
	actor VARCHAR(255) NOT NULL, 
	from_status VARCHAR(255), 
	to_status VARCHAR(255) NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id), 
	CONSTRAINT fk_events_fingerprint FOREIGN KEY(fingerprint) REFERENCES findings (fingerprint)
);

CREATE INDEX ix_events_fingerprint ON events (fingerprint);

CREATE TABLE topics (
	id VARCHAR(255) NOT NULL, 
	target TEXT NOT NULL, 
	left_environment VARCHAR(255) NOT NULL, 
	right_environment VARCHAR(255) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	closed_at DATETIME, 
	reference TEXT, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_topics PRIMARY KEY (id)
);

CREATE INDEX ix_topics_left_environment_right_environment_closed_at ON topics (left_environment, right_environment, closed_at);

CREATE TABLE topic_members (
	topic VARCHAR(255) NOT NULL, 
	fingerprint VARCHAR(255) NOT NULL, 
	CONSTRAINT pk_topic_members PRIMARY KEY (topic, fingerprint), 
	CONSTRAINT fk_topic_members_topic FOREIGN KEY(topic) REFERENCES topics (id) ON DELETE CASCADE, 
	CONSTRAINT fk_topic_members_fingerprint FOREIGN KEY(fingerprint) REFERENCES findings (fingerprint)
);

CREATE INDEX ix_topic_members_fingerprint ON topic_members (fingerprint);

CREATE TABLE notices (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(255) NOT NULL, 
	target TEXT NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	topic VARCHAR(255), 
	created_at DATETIME NOT NULL, 
	not_before DATETIME NOT NULL, 
	state VARCHAR(255) NOT NULL, 
	attempts INTEGER NOT NULL, 
	attempted_at DATETIME, 
	ended BOOLEAN NOT NULL, 
	next_at DATETIME, 
	error TEXT, 
	reference TEXT, 
	delivered_at DATETIME, 
	body BLOB NOT NULL, 
	CONSTRAINT fk_notices_topic FOREIGN KEY(topic) REFERENCES topics (id)
);

CREATE UNIQUE INDEX ix_notices_id ON notices (id);

CREATE INDEX ix_notices_topic ON notices (topic);

CREATE INDEX ix_notices_pending ON notices (target, sequence, not_before, state) WHERE state = 'pending';

CREATE INDEX ix_notices_failed ON notices (target, state) WHERE state = 'failed';

CREATE INDEX ix_notices_opening ON notices (topic, not_before) WHERE state = 'pending' AND kind = 'open';

CREATE TABLE waivers (
	id VARCHAR(255) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	revoked_by TEXT, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_waivers PRIMARY KEY (id)
);

CREATE TABLE leases (
	name VARCHAR(255) NOT NULL, 
	holder TEXT NOT NULL, 
	beat BIGINT NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);

CREATE TABLE memory (
	"key" VARCHAR(255) NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_memory PRIMARY KEY ("key")
);

CREATE TABLE snapshot_summaries (
	environment VARCHAR(255) NOT NULL, 
	snapshot VARCHAR(255) NOT NULL, 
	taken_at DATETIME NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_snapshot_summaries PRIMARY KEY (environment), 
	CONSTRAINT fk_snapshot_summaries_snapshot FOREIGN KEY(snapshot) REFERENCES snapshots (id) ON DELETE CASCADE
);

CREATE INDEX ix_snapshot_summaries_snapshot ON snapshot_summaries (snapshot);

CREATE TABLE collector_successes (
	environment VARCHAR(255) NOT NULL, 
	collector VARCHAR(255) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_collector_successes PRIMARY KEY (environment, collector)
);

CREATE TABLE pair_summaries (
	left_environment VARCHAR(255) NOT NULL, 
	right_environment VARCHAR(255) NOT NULL, 
	last_audit DATETIME NOT NULL, 
	last_complete DATETIME, 
	score DOUBLE, 
	coverage DOUBLE NOT NULL, 
	scores TEXT NOT NULL, tallies TEXT DEFAULT '{}' NOT NULL, audit VARCHAR(255), complete BOOLEAN DEFAULT false NOT NULL, gaps INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_pair_summaries PRIMARY KEY (left_environment, right_environment)
);

CREATE INDEX ix_findings_unresolved ON findings (left_environment, right_environment, category, severity, status, opened_at) WHERE status <> 'resolved';

CREATE INDEX ix_events_at ON events (at);

CREATE INDEX ix_events_regressed ON events (at, fingerprint, from_status, to_status) WHERE to_status = 'regressed';

CREATE INDEX ix_audits_sequence ON audits (sequence);

CREATE INDEX ix_snapshots_sequence ON snapshots (sequence);

CREATE INDEX ix_audits_left_environment_right_environment_sequence ON audits (left_environment, right_environment, sequence);

CREATE INDEX ix_snapshots_environment_sequence ON snapshots (environment, sequence);

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are the audit log and are never changed or deleted'); END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are the audit log and are never changed or deleted'); END;

CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'events are the audit log and are never changed or deleted'); END;

CREATE TRIGGER waivers_no_update BEFORE UPDATE ON waivers WHEN OLD.revoked_at IS NOT NULL OR OLD.revoked_by IS NOT NULL OR NEW.revoked_at IS NULL OR NEW.revoked_by IS NULL OR NEW.id <> OLD.id OR NEW.expires_at <> OLD.expires_at OR NEW.body <> OLD.body OR NEW.rowid <> OLD.rowid BEGIN SELECT RAISE(ABORT, 'waivers are part of the audit log and are never changed or deleted, they can only be revoked, and that once'); END;

CREATE TRIGGER waivers_no_delete BEFORE DELETE ON waivers BEGIN SELECT RAISE(ABORT, 'waivers are part of the audit log and are never changed or deleted, they can only be revoked, and that once'); END;

CREATE TRIGGER waivers_no_replace BEFORE INSERT ON waivers WHEN EXISTS (SELECT 1 FROM waivers WHERE id = NEW.id OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'waivers are part of the audit log and are never changed or deleted, they can only be revoked, and that once'); END;

CREATE TABLE deployments (
	environment VARCHAR(255) NOT NULL, 
	component VARCHAR(255) NOT NULL, 
	version VARCHAR(255) NOT NULL, 
	digest VARCHAR(255) NOT NULL, 
	first_seen DATETIME NOT NULL, 
	"after" DATETIME, 
	last_seen DATETIME, 
	deployed_at DATETIME, 
	CONSTRAINT pk_deployments PRIMARY KEY (environment, component, version, digest, first_seen)
);

CREATE TABLE deployment_watches (
	environment VARCHAR(255) NOT NULL, 
	last_seen DATETIME NOT NULL, 
	CONSTRAINT pk_deployment_watches PRIMARY KEY (environment)
);

CREATE INDEX ix_findings_search ON findings (left_environment, right_environment, rank, first_seen, fingerprint, severity, status, category, kind, identity, path, rule, owner, cause, suggested, words) WHERE status <> 'resolved';

CREATE INDEX ix_findings_resolved ON findings (left_environment, right_environment, last_seen, fingerprint) WHERE status = 'resolved';

CREATE INDEX ix_findings_resolved_anywhere ON findings (last_seen, fingerprint) WHERE status = 'resolved';

CREATE TABLE pair_days (
	left_environment VARCHAR(255) NOT NULL, 
	right_environment VARCHAR(255) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	score DOUBLE, 
	coverage DOUBLE NOT NULL, 
	critical INTEGER, 
	high INTEGER, 
	medium INTEGER, 
	low INTEGER, 
	info INTEGER, 
	audits INTEGER NOT NULL, 
	incomplete INTEGER NOT NULL, 
	CONSTRAINT pk_pair_days PRIMARY KEY (left_environment, right_environment, day)
);

CREATE INDEX ix_pair_days_day ON pair_days (day);

CREATE INDEX ix_waivers_revoked ON waivers (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE api_tokens (
	id VARCHAR(255) NOT NULL, 
	name TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	scope VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by TEXT NOT NULL, 
	expires_at DATETIME, 
	used_at DATETIME, 
	revoked_at DATETIME, 
	revoked_by TEXT, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ix_api_tokens_digest ON api_tokens (digest);

CREATE TABLE web_sessions (
	digest VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	scope VARCHAR(255) NOT NULL, 
	via VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	token_id VARCHAR(255), 
	CONSTRAINT pk_web_sessions PRIMARY KEY (digest)
);

CREATE INDEX ix_web_sessions_expires_at ON web_sessions (expires_at);

CREATE INDEX ix_web_sessions_token_id ON web_sessions (token_id);

CREATE TABLE trail (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	via VARCHAR(255) NOT NULL, 
	action VARCHAR(255) NOT NULL, 
	subject TEXT NOT NULL, 
	outcome VARCHAR(255) NOT NULL, 
	address TEXT NOT NULL, 
	detail TEXT NOT NULL
);

CREATE INDEX ix_trail_at ON trail (at);

CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is an audit log and is never changed or deleted'); END;

CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is an audit log and is never changed or deleted'); END;

CREATE TRIGGER trail_no_replace BEFORE INSERT ON trail WHEN EXISTS (SELECT 1 FROM trail WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the trail is an audit log and is never changed or deleted'); END;

CREATE TABLE chunks (
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_chunks PRIMARY KEY (digest)
);

INSERT INTO "parity_auditor_schema" VALUES('0006')
