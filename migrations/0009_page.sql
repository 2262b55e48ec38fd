-- What the page asks of a big file, so that each question finds its rows by an index.

CREATE INDEX jobs_deadline ON jobs (deadline) WHERE deadline IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (finished_at, workflow, state) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_held ON jobs (id) WHERE state = 'held' AND batch_holds = 0;
-- A name by its beginning, and by the beginning of its last word.
CREATE INDEX jobs_name ON jobs (lower(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name')))
    WHERE coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name') IS NOT NULL;
CREATE INDEX jobs_last_name ON jobs (lower(replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
    rtrim(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'),
        replace(coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name'), ' ', '')), '')))
    WHERE coalesce(identity_json ->> '$.full_name', order_json ->> '$.full_name') IS NOT NULL;
CREATE INDEX history_alarms ON history (id) WHERE what IN ('alarm', 'reappeared');
CREATE INDEX events_object ON events (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX intake_file ON intake_rows (file, fate);
CREATE INDEX intake_fate ON intake_rows (fate) WHERE fate <> 'accepted';
