-- What operators read. Changing a column of a view is a breaking change.
CREATE TABLE acs_systems (
    -- Whether an access system can be reached, as last read.
    acs_system_id TEXT PRIMARY KEY,
    trouble TEXT,
    checked_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Engine starts in a row that found the job claimed and no progress made.
ALTER TABLE jobs ADD COLUMN unclean_starts INTEGER NOT NULL DEFAULT 0;

CREATE VIEW jobs_overview AS
SELECT j.id, j.job_key, j.workflow, j.state, j.priority,
       (SELECT s.name FROM steps s WHERE s.job_id = j.id AND s.state <> 'closed' ORDER BY s.position LIMIT 1) AS step,
       coalesce(j.identity_json ->> '$.user_identity_key', j.order_json ->> '$.person.user_identity_key') AS user_identity_key,
       coalesce(j.identity_json ->> '$.user_identity_id', j.order_json ->> '$.person.user_identity_id') AS user_identity_id,
       coalesce(j.order_json ->> '$.person.email_address', j.identity_json ->> '$.email_address') AS email_address,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark = 'proven') AS proven,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark <> 'proven') AS left_over,
       j.why, j.accepted_at, j.begun_at, j.finished_at, j.not_before, j.deadline, j.wake_at AS next_look, j.last_error
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
       t.found_at, t.requested_at, t.next_at AS next_try
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
       first_seen_at, last_seen_at, times_seen
FROM intake_rows;
