CREATE TABLE collect_version (version text NOT NULL);

-- A run that waits for results. Its beat stands still when who asked has died.
CREATE TABLE collect_runs (
    id text PRIMARY KEY,
    begun timestamptz NOT NULL DEFAULT now(),
    beat timestamptz NOT NULL DEFAULT now()
);

-- One result for each part of a run, however often it was delivered.
CREATE TABLE collect_results (
    run text NOT NULL REFERENCES collect_runs (id) ON DELETE CASCADE,
    part text NOT NULL,
    worker text NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    body bytea NOT NULL,
    PRIMARY KEY (run, part)
);
CREATE INDEX collect_results_waiting ON collect_results (run) WHERE NOT taken;

-- When the last request that was promised to anybody is due. Lost in a crash of the server, it begins anew.
CREATE UNLOGGED TABLE collect_budgets (
    name text PRIMARY KEY,
    due timestamptz NOT NULL
) WITH (fillfactor = 50);
