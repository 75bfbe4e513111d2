-- The last changes of each sandbox's state. They go with the sandbox's row.

CREATE TABLE state_changes (
    id      INTEGER NOT NULL PRIMARY KEY, -- their order
    sandbox TEXT    NOT NULL REFERENCES sandboxes (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    before  TEXT    NOT NULL, -- '' for the creation
    after   TEXT    NOT NULL,
    reason  TEXT    NOT NULL  -- '' for none
) STRICT;

CREATE INDEX state_changes_by_sandbox ON state_changes (sandbox, id);
