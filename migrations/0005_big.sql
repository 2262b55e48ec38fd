-- What keeps a file with a million finished jobs as quick as a new one.

DROP INDEX jobs_open;
DROP INDEX jobs_ready;
DROP INDEX jobs_wake;
DROP INDEX targets_left;
-- Each holds what its readers ask of it, so that they need not fetch the rows.
CREATE INDEX jobs_open ON jobs (state, workflow, id, finished_at) WHERE finished_at IS NULL;
CREATE INDEX jobs_done ON jobs (state, workflow) WHERE state IN ('succeeded', 'failed', 'cancelled');
CREATE INDEX jobs_ready ON jobs (rank, id, state) WHERE state = 'ready';
CREATE INDEX jobs_proven ON jobs (finished_at) WHERE workflow = 'offboard' AND state = 'succeeded' AND recheck_of IS NULL;
CREATE INDEX jobs_wake ON jobs (state, wake_at, not_before) WHERE wake_at IS NOT NULL;
CREATE INDEX jobs_retry ON jobs (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX jobs_begun ON jobs (id) WHERE workflow <> 'onboard' AND finished_at IS NULL AND begun_at IS NOT NULL AND state IN ('ready', 'running', 'waiting');
CREATE INDEX targets_left ON targets (job_id, next_at, mark) WHERE mark <> 'proven';
CREATE INDEX approvals_batch ON approvals (batch_id) WHERE batch_id IS NOT NULL;

CREATE TABLE people (
    -- How the person of each job is or was known; a finished job is found by it, too.
    value TEXT NOT NULL,            -- an e-mail address in small letters
    kind TEXT NOT NULL CHECK (kind IN ('user_identity_id', 'user_identity_key', 'email_address', 'phone_number')),
    job_id INTEGER NOT NULL,
    PRIMARY KEY (value, kind, job_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER people_are_remembered AFTER INSERT ON person_locks
    BEGIN INSERT OR IGNORE INTO people (value, kind, job_id) VALUES (new.value, new.kind, new.job_id); END;
INSERT OR IGNORE INTO people (value, kind, job_id)
SELECT iif(p.key = 'email_address', lower(p.atom), p.atom), p.key, p.id FROM (
    SELECT j.id, o.key, o.atom FROM jobs j, json_each(j.order_json, '$.person') o
    UNION ALL SELECT j.id, i.key, i.atom FROM jobs j, json_each(j.identity_json) i
    UNION ALL SELECT j.id, 'user_identity_id', m.atom FROM jobs j, json_each(j.identity_json, '$.merged_user_identity_ids') m
    UNION ALL SELECT j.id, 'user_identity_key', m.atom FROM jobs j, json_each(j.identity_json, '$.merged_user_identity_keys') m
) p WHERE p.atom IS NOT NULL AND p.key IN ('user_identity_id', 'user_identity_key', 'email_address', 'phone_number')
UNION ALL SELECT value, kind, job_id FROM person_locks;

DROP VIEW timeline;
CREATE VIEW timeline AS
SELECT x.job_key, x.at, x.what, x.step, x.kind, x.object_id, x.detail, x.request_id, x.actor
FROM (
    SELECT j.job_key, h.job_id, h.at, 1 AS part, h.id AS seq, h.what, h.step, t.kind, t.object_id, h.detail, NULL AS request_id, h.actor
    FROM jobs j JOIN history h ON h.job_id = j.id LEFT JOIN targets t ON t.id = h.target_id
    UNION ALL
    SELECT j.job_key, a.job_id, coalesce(a.ended_at, a.begun_at), 0, a.id, a.act || ' ' || coalesce(a.outcome, '(on the wire)'), a.step,
           coalesce(a.kind, t.kind), t.object_id, trim(coalesce('HTTP ' || a.status, '') || ' ' || coalesce(a.detail, '')), a.request_id, 'engine'
    FROM jobs j JOIN attempts a ON a.job_id = j.id LEFT JOIN targets t ON t.id = a.target_id
) x
ORDER BY x.job_id, x.at, x.part, x.seq; -- within a millisecond an answer comes before what it led to
