-- Times are in milliseconds since 1970 UTC, durations in nanoseconds, and JSON
-- is text. The limits keep one row from eating the disk; the callers have
-- tighter ones.

CREATE TABLE runs (
    id           TEXT    NOT NULL PRIMARY KEY,
    client       TEXT    NOT NULL,
    finished_at  INTEGER NOT NULL,
    size         INTEGER NOT NULL, -- about how many bytes the row takes
    language     TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    engine       TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    exit_code    INTEGER NOT NULL,
    signal       TEXT    NOT NULL,
    message      TEXT    NOT NULL,
    wall         INTEGER NOT NULL,
    cpu          INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    truncated    TEXT    NOT NULL, -- JSON
    -- What a run said comes last, so that lists need not read over it.
    stdout       TEXT    NOT NULL CHECK (octet_length(stdout) <= 201326592),
    stderr       TEXT    NOT NULL CHECK (octet_length(stderr) <= 201326592),
    left_behind  TEXT    NOT NULL CHECK (octet_length(left_behind) <= 134217728) -- JSON: outputs, diagnostics, files
) STRICT;

CREATE INDEX runs_by_client ON runs (client, finished_at);
CREATE INDEX runs_by_age ON runs (finished_at, size);

CREATE TABLE snippets (
    id          TEXT    NOT NULL PRIMARY KEY,
    title       TEXT    NOT NULL CHECK (octet_length(title) <= 4096),
    language    TEXT    NOT NULL,
    files       TEXT    NOT NULL CHECK (octet_length(files) <= 4194304), -- JSON
    stdin       TEXT    NOT NULL CHECK (octet_length(stdin) <= 1048576),
    args        TEXT    NOT NULL CHECK (octet_length(args) <= 1048576), -- JSON
    output      TEXT    NOT NULL CHECK (octet_length(output) <= 4194304),
    author_hash BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER -- NULL for never
) STRICT;

CREATE INDEX snippets_by_expiry ON snippets (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER -- NULL for never
) STRICT;

CREATE TABLE sessions (
    hash       BLOB    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
