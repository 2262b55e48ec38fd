-- The operator's hand: movers, batches and their approval, cutting first, deadlines that warn, certificates, tombstones.
-- Jobs and targets are built anew because a CHECK cannot be changed in place; the views are made again at the end.

DROP VIEW jobs_overview;
DROP VIEW waiting_on;
DROP VIEW access_left;
DROP VIEW overdue;
DROP VIEW timeline;
DROP VIEW intake_log;

CREATE TABLE batches (
    -- The orders of one reading of one file (or of one command), judged together before any of them has an effect.
    id INTEGER PRIMARY KEY,
    input TEXT NOT NULL,
    file TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('gathering', 'open', 'held', 'rejected')),
    why TEXT NOT NULL DEFAULT '',   -- why it is held or was rejected
    hash TEXT,                      -- SHA-256 of its orders, once it is whole
    jobs INTEGER NOT NULL DEFAULT 0,
    offboards INTEGER NOT NULL DEFAULT 0,
    begun_at TEXT NOT NULL,
    whole_at TEXT,                  -- when its last row was read
    decided_at TEXT,
    decided_by TEXT,
    reason TEXT,
    plan_hash TEXT,                 -- the plan that the approval was given on, if any
    CHECK (state <> 'held' OR why <> ''),
    CHECK (state = 'gathering' OR hash IS NOT NULL)
) STRICT;
CREATE INDEX batches_undecided ON batches (state, input, file) WHERE state IN ('gathering', 'held');

CREATE TABLE approvals (
    -- One leave, for one batch, given once; before the batch came or after.
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,             -- of the batch
    plan_hash TEXT,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    given_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT,
    batch_id INTEGER REFERENCES batches (id),
    CHECK ((used_at IS NULL) = (batch_id IS NULL))
) STRICT;
CREATE INDEX approvals_unused ON approvals (hash) WHERE used_at IS NULL;

CREATE TABLE jobs_new (
    id INTEGER PRIMARY KEY,
    job_key TEXT NOT NULL UNIQUE,   -- the orderer's name for it, for ever
    workflow TEXT NOT NULL CHECK (workflow IN ('offboard', 'onboard', 'update')),
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'waiting', 'held', 'succeeded', 'failed', 'cancelled')),
    priority TEXT NOT NULL CHECK (priority IN ('urgent', 'normal', 'low')),
    order_json TEXT NOT NULL CHECK (json_valid(order_json)),
    content_hash TEXT NOT NULL,     -- of the order, to tell a repeated row from a changed one
    input TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batches (id),
    batch_holds INTEGER NOT NULL DEFAULT 0 CHECK (batch_holds IN (0, 1)), -- held until its batch is decided
    accepted_at TEXT NOT NULL,
    not_before TEXT,
    deadline TEXT,
    warn_at TEXT,                   -- the next share of the time until the deadline that is told
    warned INTEGER NOT NULL DEFAULT 0, -- the last share told, in percent
    begun_at TEXT,                  -- when its first changing request was decided
    cut_first INTEGER CHECK (cut_first IN (0, 1)), -- doors first, the rest after; set when the identity is found
    cut_at TEXT,                    -- when every ACS user was read back suspended, and every session revoked; none while one is not
    mode TEXT CHECK (mode IN ('ordered', 'cascade')), -- the way an offboarding goes, once its identity is found
    identity_json TEXT CHECK (identity_json IS NULL OR json_valid(identity_json)),
    user_identity_id TEXT GENERATED ALWAYS AS (coalesce(identity_json ->> '$.user_identity_id', order_json ->> '$.person.user_identity_id')) VIRTUAL,
    user_identity_key TEXT GENERATED ALWAYS AS (coalesce(identity_json ->> '$.user_identity_key', order_json ->> '$.person.user_identity_key')) VIRTUAL,
    rehire_of INTEGER REFERENCES jobs (id),  -- the offboarding of the same person that came before
    recheck_of INTEGER REFERENCES jobs (id), -- the proven offboarding that this one looks after
    why TEXT NOT NULL DEFAULT '',   -- why it is in this state, in words
    wake_at TEXT,                   -- the next look, at the latest
    waits_for INTEGER REFERENCES jobs (id),
    yield_to INTEGER REFERENCES jobs (id),
    last_error TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    retry_at TEXT,
    unclean_starts INTEGER NOT NULL DEFAULT 0, -- engine starts in a row that found it claimed and no progress made
    finished_at TEXT,
    -- Revocations before grants, then urgency; age is the row id. A mover loses and gains.
    rank INTEGER GENERATED ALWAYS AS (CASE workflow WHEN 'offboard' THEN 0 WHEN 'update' THEN 10 ELSE 20 END
        + CASE priority WHEN 'urgent' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END) VIRTUAL,
    CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
    CHECK (state <> 'failed' OR workflow <> 'offboard'),
    CHECK (state <> 'held' OR why <> '')
) STRICT;
INSERT INTO jobs_new (id, job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, not_before, deadline,
    begun_at, mode, identity_json, why, wake_at, waits_for, yield_to, last_error, tries, retry_at, unclean_starts, finished_at)
SELECT id, job_key, workflow, state, priority, order_json, content_hash, input, file, line, accepted_at, not_before, deadline,
    begun_at, mode, identity_json, why, wake_at, waits_for, yield_to, last_error, tries, retry_at, unclean_starts, finished_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;
CREATE INDEX jobs_ready ON jobs (rank, id) WHERE state = 'ready';
CREATE INDEX jobs_wake ON jobs (wake_at) WHERE state IN ('waiting', 'running') AND wake_at IS NOT NULL;
CREATE INDEX jobs_warn ON jobs (warn_at) WHERE warn_at IS NOT NULL;
CREATE INDEX jobs_waits_for ON jobs (waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX jobs_yield ON jobs (id) WHERE yield_to IS NOT NULL AND state = 'held';
CREATE INDEX jobs_open ON jobs (state, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_accepted ON jobs (accepted_at);
CREATE INDEX jobs_rehire ON jobs (rehire_of) WHERE rehire_of IS NOT NULL;
CREATE INDEX jobs_recheck ON jobs (recheck_of) WHERE recheck_of IS NOT NULL;
CREATE INDEX jobs_recheck_open ON jobs (id) WHERE recheck_of IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_identity ON jobs (user_identity_id) WHERE user_identity_id IS NOT NULL;
CREATE INDEX jobs_identity_key ON jobs (user_identity_key) WHERE user_identity_key IS NOT NULL;
CREATE TRIGGER final_jobs_stay_final BEFORE UPDATE OF state ON jobs
    WHEN old.state IN ('succeeded', 'cancelled') AND new.state <> old.state
    BEGIN SELECT raise(ABORT, 'a finished job stays finished'); END;

CREATE TABLE targets_new (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT,                 -- Seam's id; none while an onboarding has not resolved it
    acs_system_id TEXT,
    acs_user_id TEXT,
    link_json TEXT CHECK (link_json IS NULL OR json_valid(link_json)),
    mark TEXT NOT NULL CHECK (mark IN ('wanted', 'found', 'requested', 'parked', 'skipped', 'proven')),
    cause TEXT,                     -- why it is parked
    proof TEXT,                     -- what proved it
    next_act TEXT,
    next_at TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    refusals INTEGER NOT NULL DEFAULT 0,
    reissues INTEGER NOT NULL DEFAULT 0,
    requested_at TEXT,
    accepted_at TEXT,               -- 200 means accepted, never gone
    seen_at TEXT,
    absent_at TEXT,
    found_at TEXT NOT NULL,
    proven_at TEXT,
    cut_at TEXT,                    -- read back suspended, or revoked, ahead of its deletion
    cut_note TEXT,                  -- why it was not
    detail TEXT,
    CHECK ((mark = 'proven') = (proven_at IS NOT NULL)),
    CHECK ((mark = 'proven') = (proof IS NOT NULL)),
    CHECK (mark <> 'parked' OR cause IS NOT NULL),
    CHECK (mark <> 'skipped' OR detail IS NOT NULL)
) STRICT;
INSERT INTO targets_new (id, job_id, step, kind, object_id, acs_system_id, acs_user_id, link_json, mark, cause, proof, next_act, next_at,
    tries, refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, detail)
SELECT id, job_id, step, kind, object_id, acs_system_id, acs_user_id, link_json, mark, cause, proof, next_act, next_at,
    tries, refusals, reissues, requested_at, accepted_at, seen_at, absent_at, found_at, proven_at, detail
FROM targets;
DROP TABLE targets;
ALTER TABLE targets_new RENAME TO targets;
CREATE INDEX targets_job ON targets (job_id);
CREATE INDEX targets_object ON targets (object_id, kind);
CREATE INDEX targets_left ON targets (job_id) WHERE mark <> 'proven';

-- A file that is broken, empty or suddenly short stands among the rows that were read.
ALTER TABLE intake_rows ADD COLUMN about TEXT NOT NULL DEFAULT 'row' CHECK (about IN ('row', 'file'));
CREATE INDEX intake_files ON intake_rows (last_seen_at) WHERE about = 'file';

CREATE TABLE tombstones (
    -- How the person of a proven offboarding was known: a newcomer by one of these is a re-hire.
    kind TEXT NOT NULL CHECK (kind IN ('user_identity_id', 'user_identity_key', 'email_address', 'phone_number')),
    value TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (kind, value, job_id)
) STRICT, WITHOUT ROWID;
INSERT INTO tombstones (kind, value, job_id)
SELECT 'user_identity_id', user_identity_id, id FROM jobs WHERE workflow = 'offboard' AND state = 'succeeded' AND user_identity_id IS NOT NULL
UNION ALL
SELECT 'user_identity_key', user_identity_key, id FROM jobs WHERE workflow = 'offboard' AND state = 'succeeded' AND user_identity_key IS NOT NULL;

CREATE TABLE aftercare (
    -- When a proven offboarding is looked at again.
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    next_at TEXT,
    looks INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX aftercare_next ON aftercare (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE certificates (
    -- What is attested: one for each offboarding that ended proven, or was ended after its person was found; each bound to the one before.
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    issued_at TEXT NOT NULL,
    body_json TEXT NOT NULL CHECK (json_valid(body_json)), -- canonical JSON
    previous_sha256 TEXT NOT NULL,  -- of the certificate before this one; empty for the first
    sha256 TEXT NOT NULL            -- of previous_sha256, a line feed, and body_json
) STRICT;
CREATE TRIGGER certificates_are_for_ever_update BEFORE UPDATE ON certificates BEGIN SELECT raise(ABORT, 'certificates are append-only'); END;
CREATE TRIGGER certificates_are_for_ever_delete BEFORE DELETE ON certificates BEGIN SELECT raise(ABORT, 'certificates are append-only'); END;

CREATE VIEW jobs_overview AS
SELECT j.id, j.job_key, j.workflow, j.state, j.priority,
       (SELECT s.name FROM steps s WHERE s.job_id = j.id AND s.state <> 'closed' ORDER BY s.position LIMIT 1) AS step,
       coalesce(j.identity_json ->> '$.user_identity_key', j.order_json ->> '$.person.user_identity_key') AS user_identity_key,
       coalesce(j.identity_json ->> '$.user_identity_id', j.order_json ->> '$.person.user_identity_id') AS user_identity_id,
       coalesce(j.order_json ->> '$.person.email_address', j.identity_json ->> '$.email_address') AS email_address,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark = 'proven') AS proven,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark <> 'proven') AS left_over,
       j.why, j.accepted_at, j.begun_at, j.finished_at, j.not_before, j.deadline, j.wake_at AS next_look, j.last_error,
       j.cut_at, (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.cut_note IS NOT NULL) AS not_cut, j.batch_id
FROM jobs j;

CREATE VIEW waiting_on AS
SELECT j.job_key, j.workflow, j.state,
       CASE WHEN e.halted IS NOT NULL AND j.state IN ('ready', 'waiting') THEN 'everything is paused: ' || e.halted ELSE j.why END AS why,
       coalesce((SELECT max(h.at) FROM history h WHERE h.job_id = j.id), j.accepted_at) AS since,
       j.wake_at AS next_look, j.last_error,
       (SELECT w.job_key FROM jobs w WHERE w.id = j.waits_for) AS waits_for_job
FROM jobs j LEFT JOIN engine e ON e.id = 1 WHERE j.finished_at IS NULL;

CREATE VIEW access_left AS
SELECT j.job_key, j.state AS job_state, t.step, t.kind, t.object_id, t.mark, t.cause, t.detail,
       t.found_at, t.requested_at, t.next_at AS next_try, t.cut_at
FROM targets t JOIN jobs j ON j.id = t.job_id
WHERE t.mark <> 'proven' AND j.workflow = 'offboard';

CREATE VIEW overdue AS
SELECT j.job_key, j.workflow, j.state, j.why, j.deadline, j.accepted_at,
       CAST((julianday('now') - julianday(j.deadline)) * 86400 AS INTEGER) AS late_s
FROM jobs j
WHERE j.deadline IS NOT NULL AND j.finished_at IS NULL AND j.deadline < strftime('%Y-%m-%dT%H:%M:%fZ', 'now');

CREATE VIEW timeline AS
SELECT j.job_key, x.at, x.what, x.step, x.kind, x.object_id, x.detail, x.request_id, x.actor
FROM jobs j JOIN (
    SELECT h.job_id, h.at, 1 AS part, h.id AS seq, h.what, h.step, t.kind, t.object_id, h.detail, NULL AS request_id, h.actor
    FROM history h LEFT JOIN targets t ON t.id = h.target_id
    UNION ALL
    SELECT a.job_id, coalesce(a.ended_at, a.begun_at), 0, a.id, a.act || ' ' || coalesce(a.outcome, '(on the wire)'), a.step,
           coalesce(a.kind, t.kind), t.object_id, trim(coalesce('HTTP ' || a.status, '') || ' ' || coalesce(a.detail, '')), a.request_id, 'engine'
    FROM attempts a LEFT JOIN targets t ON t.id = a.target_id
) x ON x.job_id = j.id
ORDER BY j.id, x.at, x.part, x.seq; -- within a millisecond an answer comes before what it led to

CREATE VIEW intake_log AS
SELECT input, file, line, job_key, fate,
       (SELECT group_concat(trim((p.value ->> '$.field') || ': ' || (p.value ->> '$.message') || '; ' || (p.value ->> '$.remedy'), ': '), ' | ')
        FROM json_each(problems_json) p) AS problems,
       first_seen_at, last_seen_at, times_seen, about
FROM intake_rows;

CREATE VIEW alarms AS
-- What reappeared, or was used, after it was shut; and files that nobody should rely on.
SELECT j.job_key, h.at, h.what, h.detail, t.kind, t.object_id
FROM history h JOIN jobs j ON j.id = h.job_id LEFT JOIN targets t ON t.id = h.target_id
WHERE h.what IN ('alarm', 'reappeared')
UNION ALL
SELECT NULL, i.last_seen_at, 'file', i.file || ': ' || i.problems, NULL, NULL FROM intake_log i WHERE i.about = 'file';

CREATE VIEW batches_overview AS
-- An open batch is done once every job of it has ended.
SELECT b.id, iif(b.state = 'open' AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.batch_id = b.id AND j.finished_at IS NULL), 'done', b.state) AS state, b.why, b.input, b.file, b.jobs, b.offboards, b.hash, b.begun_at, b.decided_at, b.decided_by, b.reason,
       (SELECT count(*) FROM jobs j WHERE j.batch_id = b.id AND j.state = 'succeeded') AS succeeded,
       (SELECT count(*) FROM jobs j WHERE j.batch_id = b.id AND j.finished_at IS NULL) AS unfinished
FROM batches b;
