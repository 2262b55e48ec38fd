-- The first schema: jobs, what they do, and what was seen of Seam. Tables are ours; the views of the second migration are the contract.

CREATE TABLE engine (
    -- One row: who owns this file.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    instance_id TEXT NOT NULL,      -- the same in the lock file beside this one
    epoch INTEGER NOT NULL,         -- counts engine starts; every write of an engine checks it
    pid INTEGER,
    host TEXT,
    started_at TEXT,
    workspace_id TEXT,              -- pinned at the first start; another one stops everything
    workspace_name TEXT,
    is_sandbox INTEGER CHECK (is_sandbox IN (0, 1)),
    watermark TEXT,                 -- Seam's events are read completely up to here (server time)
    halted TEXT                     -- why nothing is sent at the moment, if so
) STRICT;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    job_key TEXT NOT NULL UNIQUE,   -- the orderer's name for it, for ever
    workflow TEXT NOT NULL CHECK (workflow IN ('offboard', 'onboard')),
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'waiting', 'held', 'succeeded', 'failed', 'cancelled')),
    priority TEXT NOT NULL CHECK (priority IN ('urgent', 'normal', 'low')),
    order_json TEXT NOT NULL CHECK (json_valid(order_json)),
    content_hash TEXT NOT NULL,     -- of the order, to tell a repeated row from a changed one
    input TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    accepted_at TEXT NOT NULL,
    not_before TEXT,
    deadline TEXT,
    begun_at TEXT,                  -- when its first changing request was decided
    identity_json TEXT CHECK (identity_json IS NULL OR json_valid(identity_json)),
    user_identity_id TEXT GENERATED ALWAYS AS (coalesce(identity_json ->> '$.user_identity_id', order_json ->> '$.person.user_identity_id')) VIRTUAL,
    user_identity_key TEXT GENERATED ALWAYS AS (coalesce(identity_json ->> '$.user_identity_key', order_json ->> '$.person.user_identity_key')) VIRTUAL,
    why TEXT NOT NULL DEFAULT '',   -- why it is in this state, in words
    wake_at TEXT,                   -- the next look, at the latest
    waits_for INTEGER REFERENCES jobs (id),
    yield_to INTEGER REFERENCES jobs (id),
    last_error TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    retry_at TEXT,
    finished_at TEXT,
    -- Revocations before grants, then urgency; age is the row id.
    rank INTEGER GENERATED ALWAYS AS ((workflow = 'onboard') * 10 + CASE priority WHEN 'urgent' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END) VIRTUAL,
    CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
    CHECK (state <> 'failed' OR workflow = 'onboard'),
    CHECK (state <> 'held' OR why <> '')
) STRICT;
CREATE INDEX jobs_ready ON jobs (rank, id) WHERE state = 'ready';
CREATE INDEX jobs_wake ON jobs (wake_at) WHERE state IN ('waiting', 'running') AND wake_at IS NOT NULL;
CREATE INDEX jobs_waits_for ON jobs (waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX jobs_yield ON jobs (id) WHERE yield_to IS NOT NULL AND state = 'held';
CREATE INDEX jobs_open ON jobs (state, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_identity ON jobs (user_identity_id) WHERE user_identity_id IS NOT NULL;
CREATE INDEX jobs_identity_key ON jobs (user_identity_key) WHERE user_identity_key IS NOT NULL;

CREATE TABLE steps (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,             -- names are for ever: rows outlive releases
    state TEXT NOT NULL CHECK (state IN ('pending', 'open', 'parked', 'closed')),
    rounds INTEGER NOT NULL DEFAULT 0, -- how often something reappeared
    since TEXT,
    opened_at TEXT,
    closed_at TEXT CHECK ((closed_at IS NOT NULL) = (state = 'closed')),
    PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT,                 -- Seam's id; none while an onboarding has not resolved it
    acs_system_id TEXT,
    acs_user_id TEXT,
    link_json TEXT CHECK (link_json IS NULL OR json_valid(link_json)),
    mark TEXT NOT NULL CHECK (mark IN ('wanted', 'found', 'requested', 'parked', 'proven')),
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
    detail TEXT,
    CHECK ((mark = 'proven') = (proven_at IS NOT NULL)),
    CHECK ((mark = 'proven') = (proof IS NOT NULL)),
    CHECK (mark <> 'parked' OR cause IS NOT NULL)
) STRICT;
CREATE INDEX targets_job ON targets (job_id);
CREATE INDEX targets_object ON targets (object_id, kind);
CREATE INDEX targets_left ON targets (job_id) WHERE mark <> 'proven';

CREATE TABLE looks (
    -- The newest look of each step at each kind; older ones are in the history.
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
    unsupported INTEGER NOT NULL CHECK (unsupported IN (0, 1)),
    count INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    empty_since TEXT,
    request_id TEXT,
    PRIMARY KEY (job_id, step, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    -- One request on the wire (or one listing of several pages). Committed before it is sent.
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    step TEXT NOT NULL,
    act TEXT NOT NULL,
    kind TEXT,
    target_id INTEGER REFERENCES targets (id),
    begun_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT CHECK (outcome IN ('done', 'gone', 'not_applied', 'unknown', 'rejected', 'halt')),
    detail TEXT,
    status INTEGER,
    request_id TEXT,                -- Seam's `seam-request-id`, for its support
    requests INTEGER,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX attempts_job ON attempts (job_id);
CREATE INDEX attempts_open ON attempts (job_id, id) WHERE ended_at IS NULL;

CREATE TABLE history (
    -- Append-only: what was decided, proven, parked, reopened, ordered. Requests are in `attempts`.
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    step TEXT,
    target_id INTEGER REFERENCES targets (id),
    detail TEXT NOT NULL,
    actor TEXT NOT NULL DEFAULT 'engine'
) STRICT;
CREATE INDEX history_job ON history (job_id, id);
CREATE TRIGGER history_is_append_only_update BEFORE UPDATE ON history BEGIN SELECT raise(ABORT, 'history is append-only'); END;
CREATE TRIGGER history_is_append_only_delete BEFORE DELETE ON history BEGIN SELECT raise(ABORT, 'history is append-only'); END;
CREATE TRIGGER final_jobs_stay_final BEFORE UPDATE OF state ON jobs
    WHEN old.state IN ('succeeded', 'cancelled') AND new.state <> old.state
    BEGIN SELECT raise(ABORT, 'a finished job stays finished'); END;

CREATE TABLE events (
    -- Seam's events that were read, each once.
    event_id TEXT PRIMARY KEY,
    event_type TEXT NOT NULL,
    object_id TEXT,
    created_at TEXT NOT NULL,       -- server time
    seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX events_seen ON events (seen_at);

CREATE TABLE person_locks (
    -- How each open job names its person. A job moves only while it holds all of its rows.
    kind TEXT NOT NULL CHECK (kind IN ('user_identity_id', 'user_identity_key', 'email_address', 'phone_number')),
    value TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    PRIMARY KEY (kind, value, job_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_moving_job_a_person ON person_locks (kind, value) WHERE held = 1;
CREATE INDEX person_locks_job ON person_locks (job_id);

CREATE TABLE intake_rows (
    id INTEGER PRIMARY KEY,
    input TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    job_key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    fate TEXT NOT NULL CHECK (fate IN ('accepted', 'duplicate', 'rejected', 'held')),
    problems_json TEXT NOT NULL CHECK (json_valid(problems_json)),
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    times_seen INTEGER NOT NULL DEFAULT 1,
    UNIQUE (job_key, content_hash, input)
) STRICT;
