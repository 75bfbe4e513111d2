package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"sandpiper/sandbox"
)

var (
	errNoPool    = sandbox.Errorf(sandbox.KindNotFound, "there is no such warm pool")
	errPoolThere = sandbox.Errorf(sandbox.KindConflict, "there is a warm pool for this snapshot and region already; change its size instead")
)

// AddWarmPool implements sandbox.WarmPoolStore.
func (db *DB) AddWarmPool(ctx context.Context, p sandbox.WarmPool) error {
	return wrap("store a warm pool", writePool(ctx, db.write, p, "INSERT INTO warm_pools (organization, snapshot, target, created_at, document, id) VALUES (?, ?, ?, ?, ?, ?)"))
}

// WarmPool implements sandbox.WarmPoolStore.
func (db *DB) WarmPool(ctx context.Context, id string) (sandbox.WarmPool, error) {
	p, err := readPool(ctx, db.read, id)
	return p, wrap("read a warm pool", err)
}

func readPool(ctx context.Context, q querier, id string) (sandbox.WarmPool, error) {
	return readDocument[sandbox.WarmPool](ctx, q, errNoPool, "SELECT document FROM warm_pools WHERE id = ?", id)
}

// UpdateWarmPool implements sandbox.WarmPoolStore.
func (db *DB) UpdateWarmPool(ctx context.Context, id string, change func(*sandbox.WarmPool) error) (before, after sandbox.WarmPool, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) error {
		if before, err = readPool(ctx, tx, id); err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return err
		}
		return writePool(ctx, tx, after, "UPDATE warm_pools SET (organization, snapshot, target, created_at, document) = (?, ?, ?, ?, ?) WHERE id = ?")
	})
	if err != nil {
		return sandbox.WarmPool{}, sandbox.WarmPool{}, wrap("change a warm pool", err)
	}
	return before, after, nil
}

func writePool(ctx context.Context, e executor, p sandbox.WarmPool, query string) error {
	document, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = e.ExecContext(ctx, query, p.Organization, p.Snapshot, p.Target, millis(p.CreatedAt), string(document), p.ID)
	if faultOf(err) == faultNotUnique {
		return errPoolThere
	}
	return err
}

// WarmPools implements sandbox.WarmPoolStore.
func (db *DB) WarmPools(ctx context.Context, organization string) ([]sandbox.WarmPool, error) {
	all, err := readDocuments[sandbox.WarmPool](ctx, db.read,
		"SELECT document FROM warm_pools WHERE ?1 IN ('', organization) ORDER BY created_at, id", organization)
	return all, wrap("list warm pools", err)
}

// DeleteWarmPool implements sandbox.WarmPoolStore.
func (db *DB) DeleteWarmPool(ctx context.Context, id string) error {
	n, err := db.changed(ctx, "DELETE FROM warm_pools WHERE id = ?", id)
	if err == nil && n == 0 {
		return errNoPool
	}
	return wrap("delete a warm pool", err)
}
