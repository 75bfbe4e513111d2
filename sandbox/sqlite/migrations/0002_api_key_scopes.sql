-- API keys may be limited to some permissions and to a time, and their names
-- tell them apart.

ALTER TABLE api_keys ADD COLUMN permissions TEXT CHECK (octet_length(permissions) <= 65536); -- JSON; NULL for every one
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER; -- NULL for never
ALTER TABLE api_keys ADD COLUMN hint TEXT NOT NULL DEFAULT ''; -- the secret with its middle left out

CREATE UNIQUE INDEX api_keys_by_name ON api_keys (name) WHERE name <> '';
