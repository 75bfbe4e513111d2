-- Sessions of interpreters that keep their state from one cell to the next. Their
-- files and saved states are beside the database.

CREATE TABLE kernel_sessions (
    id              TEXT    NOT NULL PRIMARY KEY,
    owner           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    language        TEXT    NOT NULL,
    env             TEXT    NOT NULL, -- JSON object of strings
    fork_of         TEXT    NOT NULL, -- '' for none
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    execution_count INTEGER NOT NULL,
    saved_count     INTEGER NOT NULL, -- -1 for no saved state
    state_bytes     INTEGER NOT NULL,
    failure         TEXT    NOT NULL
) STRICT;
