-- Webhooks that were taken: who sends one again is not obeyed twice.
CREATE TABLE webhooks (
    -- By the id that all tries at one message share; nothing else of a webhook is kept, and this for two days.
    svix_id TEXT PRIMARY KEY,
    taken_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_taken ON webhooks (taken_at);
