-- Care over years: details of finished jobs are removed, personal data is scrubbed, and the file can give room back.

ALTER TABLE jobs ADD COLUMN pruned_at TEXT;   -- its requests, looks and the engine's history were removed
ALTER TABLE jobs ADD COLUMN scrubbed_at TEXT; -- names, addresses and words about people were blanked
CREATE INDEX jobs_unpruned ON jobs (state, finished_at) WHERE finished_at IS NOT NULL AND pruned_at IS NULL;
CREATE INDEX jobs_unscrubbed ON jobs (finished_at) WHERE finished_at IS NOT NULL AND scrubbed_at IS NULL;
-- Looks of the after-care that found everything gone: nearly all of them.
CREATE INDEX jobs_quiet_looks ON jobs (finished_at) WHERE recheck_of IS NOT NULL AND state = 'succeeded' AND begun_at IS NULL;
CREATE INDEX jobs_yielded ON jobs (yield_to) WHERE yield_to IS NOT NULL;
CREATE INDEX people_job ON people (job_id);
CREATE INDEX tombstones_job ON tombstones (job_id);
CREATE INDEX intake_told ON intake_rows (last_seen_at) WHERE problems_json <> '[]';

-- Still append-only but for these two deeds, each noted in the job's own row before.
DROP TRIGGER history_is_append_only_update;
DROP TRIGGER history_is_append_only_delete;
CREATE TRIGGER history_is_append_only_update BEFORE UPDATE ON history
    WHEN new.id <> old.id OR new.job_id <> old.job_id OR new.at <> old.at OR new.what <> old.what OR new.step IS NOT old.step
        OR new.target_id IS NOT old.target_id OR new.actor <> old.actor OR new.detail <> ''
        OR NOT EXISTS (SELECT 1 FROM jobs WHERE id = old.job_id AND scrubbed_at IS NOT NULL)
    BEGIN SELECT raise(ABORT, 'history is append-only'); END;
CREATE TRIGGER history_is_append_only_delete BEFORE DELETE ON history
    WHEN NOT EXISTS (SELECT 1 FROM jobs WHERE id = old.job_id AND pruned_at IS NOT NULL)
    BEGIN SELECT raise(ABORT, 'history is append-only'); END;

DROP VIEW jobs_overview;
CREATE VIEW jobs_overview AS
SELECT j.id, j.job_key, j.workflow, j.state, j.priority,
       (SELECT s.name FROM steps s WHERE s.job_id = j.id AND s.state <> 'closed' ORDER BY s.position LIMIT 1) AS step,
       coalesce(j.identity_json ->> '$.user_identity_key', j.order_json ->> '$.person.user_identity_key') AS user_identity_key,
       coalesce(j.identity_json ->> '$.user_identity_id', j.order_json ->> '$.person.user_identity_id') AS user_identity_id,
       coalesce(j.order_json ->> '$.person.email_address', j.identity_json ->> '$.email_address') AS email_address,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark = 'proven') AS proven,
       (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark <> 'proven') AS left_over,
       j.why, j.accepted_at, j.begun_at, j.finished_at, j.not_before, j.deadline, j.wake_at AS next_look, j.last_error,
       j.cut_at, (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.cut_note IS NOT NULL) AS not_cut, j.batch_id,
       j.pruned_at, j.scrubbed_at
FROM jobs j;
