-- Links with which somebody may watch a sandbox's desktop. They go with the
-- sandbox's row.

CREATE TABLE desktop_links (
    id         TEXT    NOT NULL PRIMARY KEY,
    sandbox    TEXT    NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
    text       INTEGER NOT NULL CHECK (text IN (0, 1)), -- those who watch get what is copied
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX desktop_links_by_sandbox ON desktop_links (sandbox);
CREATE INDEX desktop_links_by_expiry ON desktop_links (expires_at);
