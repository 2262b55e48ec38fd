-- What people have to know at once, told to a hook once when it begins and once when it ends.

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('job_overdue', 'job_held', 'batch_held', 'revocation_refused', 'access_after_cut', 'key_refused', 'seam_silent', 'disk_low')),
    subject TEXT NOT NULL,          -- what it is about: a job's key, a batch's number, a target's; empty: everything
    job_key TEXT,
    says TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    ended_at TEXT,
    begin_told_at TEXT,
    end_told_at TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT,               -- when the hook is called next; none: all is told, or it was given up
    last_error TEXT
) STRICT;
CREATE UNIQUE INDEX incidents_open ON incidents (kind, subject) WHERE ended_at IS NULL;
CREATE INDEX incidents_next ON incidents (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX incidents_ended ON incidents (ended_at) WHERE ended_at IS NOT NULL;

-- What is looked for again and again is found without reading past the others.
CREATE INDEX jobs_late ON jobs (job_key) WHERE warned >= 100 AND finished_at IS NULL;
CREATE INDEX jobs_held_alone ON jobs (job_key) WHERE state = 'held' AND batch_holds = 0;
CREATE INDEX targets_refused ON targets (job_id) WHERE mark = 'parked' AND cause IN ('refused', 'forbidden');

-- A door opened, or something back, after it was shut: it happens, and is over.
CREATE TRIGGER alarms_are_incidents AFTER INSERT ON history WHEN new.what = 'alarm' BEGIN
    INSERT INTO incidents (kind, subject, job_key, says, begun_at, ended_at, next_try_at)
    SELECT 'access_after_cut', j.job_key, j.job_key, new.detail, new.at, new.at, new.at FROM jobs j WHERE j.id = new.job_id;
END;
