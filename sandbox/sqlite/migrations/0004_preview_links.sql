-- Signed addresses of previews that were ended before their time. All others
-- are good by their signature alone.

CREATE TABLE ended_links (
    hash  BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the token
    until INTEGER NOT NULL -- when it would have ended by itself
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_links_by_end ON ended_links (until);
