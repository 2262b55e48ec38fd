-- Two more kinds of incidents: the database that could not be written, noted afterwards, and a file that is not read to its end. A CHECK
-- cannot be changed in place.

DROP TRIGGER alarms_are_incidents;
CREATE TABLE incidents_new (
    -- No number comes twice, since hooks know incidents by it. Below zero: what was told while it could not be written.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('job_overdue', 'job_held', 'batch_held', 'batch_unread', 'revocation_refused', 'access_after_cut',
        'key_refused', 'seam_silent', 'disk_low', 'database_fails')),
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
INSERT INTO incidents_new (id, kind, subject, job_key, says, begun_at, ended_at, begin_told_at, end_told_at, tries, next_try_at, last_error)
SELECT id, kind, subject, job_key, says, begun_at, ended_at, begin_told_at, end_told_at, tries, next_try_at, last_error FROM incidents;
DROP TABLE incidents;
ALTER TABLE incidents_new RENAME TO incidents;
CREATE UNIQUE INDEX incidents_open ON incidents (kind, subject) WHERE ended_at IS NULL;
CREATE INDEX incidents_next ON incidents (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX incidents_ended ON incidents (ended_at) WHERE ended_at IS NOT NULL;

-- A door opened, or something back, after it was shut: it happens, and is over.
CREATE TRIGGER alarms_are_incidents AFTER INSERT ON history WHEN new.what = 'alarm' BEGIN
    INSERT INTO incidents (kind, subject, job_key, says, begun_at, ended_at, next_try_at)
    SELECT 'access_after_cut', j.job_key, j.job_key, new.detail, new.at, new.at, new.at FROM jobs j WHERE j.id = new.job_id;
END;
