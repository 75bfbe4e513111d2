package sshaccess_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/sshaccess"
)

// register finds the sandboxes of a store, as the manager does.
type register struct{ *sandboxtest.Store }

func (r register) Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	s, err := r.Store.Sandbox(ctx, idOrName)
	if err == nil && s.Organization != org {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox")
	}
	return s, err
}

func (r register) ByID(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return r.Store.Sandbox(ctx, id)
}

func newDesk(t *testing.T) (*sshaccess.Desk, *sandboxtest.Store) {
	t.Helper()
	store := &sandboxtest.Store{}
	for _, id := range []string{"a", "b"} {
		if err := store.AddSandbox(t.Context(), sandboxtest.Sandbox(id)); err != nil {
			t.Fatal(err)
		}
	}
	return sshaccess.New(store, register{store}), store
}

func mustCreate(t *testing.T, d *sshaccess.Desk, id string, ttl time.Duration) (sandbox.SSHAccess, string) {
	t.Helper()
	a, token, err := d.Create(t.Context(), "org", id, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return a, token
}

func wantKind(t *testing.T, err error, kind sandbox.Kind) {
	t.Helper()
	if err == nil || sandbox.KindOf(err) != kind {
		t.Errorf("the error is %v, want one of kind %s", err, kind)
	}
}

func TestTokensOpenTheirSandbox(t *testing.T) {
	d, store := newDesk(t)
	a, token := mustCreate(t, d, "a", time.Hour)
	_, other := mustCreate(t, d, "b", time.Hour)
	if token == other || len(token) < 26 || bytes.Contains(a.Hash, []byte(token)) || strings.ContainsAny(token, "@: ") {
		t.Errorf("the tokens are %q and %q", token, other)
	}
	v, err := d.Enter(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Leave()
	if v.Sandbox.ID != "a" || v.Access.ID != a.ID || v.Context.Err() != nil {
		t.Errorf("got %+v", v)
	}
	if s, err := d.Validate(t.Context(), "org", other); err != nil || s.ID != "b" {
		t.Errorf("got %v, %v", s.ID, err)
	}
	for name, forged := range map[string]string{
		"nothing": "", "another": token[:len(token)-1] + "0" + "1", "upper case": strings.ToUpper(token), "a hash": string(a.Hash),
	} {
		_, err := d.Enter(t.Context(), forged)
		wantKind(t, err, sandbox.KindNotFound)
		if _, err := d.Validate(t.Context(), "org", forged); err == nil {
			t.Errorf("%s is a valid token", name)
		}
	}
	_, _, err = store.UpdateSandbox(t.Context(), "b", func(s *sandbox.Sandbox) error {
		s.Desired = sandbox.DesiredDestroyed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Enter(t.Context(), other)
	wantKind(t, err, sandbox.KindNotFound)
	_, _, err = d.Create(t.Context(), "org", "b", time.Hour)
	wantKind(t, err, sandbox.KindConflict)
}

func TestOtherOrganizations(t *testing.T) {
	d, _ := newDesk(t)
	_, token := mustCreate(t, d, "a", time.Hour)
	_, _, err := d.Create(t.Context(), "others", "a", time.Hour)
	wantKind(t, err, sandbox.KindNotFound)
	_, err = d.Revoke(t.Context(), "others", "a", token)
	wantKind(t, err, sandbox.KindNotFound)
	_, err = d.Validate(t.Context(), "others", token)
	wantKind(t, err, sandbox.KindNotFound)
	if _, err := d.Validate(t.Context(), "org", token); err != nil {
		t.Error(err)
	}
}

func TestRevoke(t *testing.T) {
	d, _ := newDesk(t)
	_, one := mustCreate(t, d, "a", time.Hour)
	_, two := mustCreate(t, d, "a", time.Hour)
	_, other := mustCreate(t, d, "b", time.Hour)
	var visits []*sshaccess.Visit
	for _, token := range []string{one, one, two, other} {
		v, err := d.Enter(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Leave()
		visits = append(visits, v)
	}
	ended := func() (n int) {
		for _, v := range visits {
			if v.Context.Err() != nil {
				var e *sandbox.Error
				if !errors.As(context.Cause(v.Context), &e) || !strings.Contains(e.Message, "revoked") {
					t.Errorf("the cause is %v", context.Cause(v.Context))
				}
				n++
			}
		}
		return n
	}
	_, err := d.Revoke(t.Context(), "org", "b", one)
	wantKind(t, err, sandbox.KindNotFound)
	if s, err := d.Revoke(t.Context(), "org", "a", one); err != nil || s.ID != "a" || ended() != 2 {
		t.Errorf("got %v, %v; %d have ended", s.ID, err, ended())
	}
	_, err = d.Revoke(t.Context(), "org", "a", one)
	wantKind(t, err, sandbox.KindNotFound)
	if _, err := d.Revoke(t.Context(), "org", "a", ""); err != nil || ended() != 3 {
		t.Errorf("%v; %d have ended", err, ended())
	}
	for _, token := range []string{one, two} {
		_, err := d.Enter(t.Context(), token)
		wantKind(t, err, sandbox.KindNotFound)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := newDesk(t)
		_, token := mustCreate(t, d, "a", time.Minute)
		v, err := d.Enter(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Leave()
		time.Sleep(time.Minute - time.Millisecond)
		synctest.Wait()
		if v.Context.Err() != nil {
			t.Error("the visit has ended too early")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		var e *sandbox.Error
		if !errors.As(context.Cause(v.Context), &e) || !strings.Contains(e.Message, "expired") {
			t.Errorf("the cause is %v", context.Cause(v.Context))
		}
		_, err = d.Enter(t.Context(), token)
		wantKind(t, err, sandbox.KindNotFound)
		mustCreate(t, d, "a", time.Minute)
		if all, err := store.SSHAccesses(t.Context(), "a"); err != nil || len(all) != 1 {
			t.Errorf("there are %d tokens, %v", len(all), err)
		}
	})
}

func TestLimits(t *testing.T) {
	d, _ := newDesk(t)
	for _, ttl := range []time.Duration{-time.Minute, 0, time.Millisecond, sshaccess.MaxTTL + 1} {
		_, _, err := d.Create(t.Context(), "org", "a", ttl)
		wantKind(t, err, sandbox.KindUnprocessed)
	}
	for range sshaccess.MaxEach {
		mustCreate(t, d, "a", time.Hour)
	}
	_, _, err := d.Create(t.Context(), "org", "a", time.Hour)
	wantKind(t, err, sandbox.KindConflict)
}
