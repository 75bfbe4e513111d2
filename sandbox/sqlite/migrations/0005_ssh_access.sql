-- Who may reach sandboxes by SSH. It goes with the sandbox's row.

CREATE TABLE ssh_access (
    id         TEXT    NOT NULL PRIMARY KEY,
    sandbox    TEXT    NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
    hash       BLOB    NOT NULL UNIQUE, -- of the token
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ssh_access_by_sandbox ON ssh_access (sandbox);
CREATE INDEX ssh_access_by_expiry ON ssh_access (expires_at);
