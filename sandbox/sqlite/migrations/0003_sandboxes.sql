-- Each row holds the whole thing as JSON in its document; the other columns
-- repeat what lists are filtered and sorted by, and are written from it.

CREATE TABLE sandboxes (
    id           TEXT    NOT NULL PRIMARY KEY,
    organization TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    name_key     TEXT    NOT NULL, -- the name in lower case
    state        TEXT    NOT NULL,
    desired      TEXT    NOT NULL,
    snapshot     TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    parent       TEXT    NOT NULL, -- '' for none
    warm_pool    TEXT    NOT NULL, -- '' for none
    cpu          INTEGER NOT NULL,
    memory       INTEGER NOT NULL, -- GiB
    disk         INTEGER NOT NULL, -- GiB
    public       INTEGER NOT NULL,
    recoverable  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    last_event   INTEGER, -- NULL for never, here and below
    last_active  INTEGER NOT NULL,
    destroy_at   INTEGER,
    document     TEXT    NOT NULL CHECK (octet_length(document) <= 1048576)
) STRICT;

-- A name is free again as soon as its sandbox is to be destroyed.
CREATE UNIQUE INDEX sandboxes_by_name ON sandboxes (organization, name) WHERE desired <> 'destroyed';
CREATE INDEX sandboxes_by_creation ON sandboxes (organization, created_at, id);
CREATE INDEX sandboxes_by_parent ON sandboxes (parent) WHERE parent <> '';
CREATE INDEX sandboxes_destroyed ON sandboxes (last_event) WHERE state = 'destroyed';

CREATE TABLE snapshots (
    id           TEXT    NOT NULL PRIMARY KEY,
    organization TEXT    NOT NULL, -- '' for the general ones
    name         TEXT    NOT NULL,
    name_key     TEXT    NOT NULL, -- the name in lower case
    state        TEXT    NOT NULL,
    source       TEXT    NOT NULL, -- '' for none
    created_at   INTEGER NOT NULL,
    used_at      INTEGER, -- NULL for never
    document     TEXT    NOT NULL CHECK (octet_length(document) <= 1048576)
) STRICT;

CREATE TABLE snapshot_names (
    organization TEXT NOT NULL,
    name         TEXT NOT NULL, -- the name and each alias
    snapshot     TEXT NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
    PRIMARY KEY (organization, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshot_names_by_snapshot ON snapshot_names (snapshot);

CREATE TABLE warm_pools (
    id           TEXT    NOT NULL PRIMARY KEY,
    organization TEXT    NOT NULL,
    snapshot     TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    document     TEXT    NOT NULL CHECK (octet_length(document) <= 1048576),
    UNIQUE (organization, snapshot, target)
) STRICT;
