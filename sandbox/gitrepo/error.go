package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Kind says what went wrong, for callers that answer differently.
type Kind int

// The kinds of errors.
const (
	KindInvalid        Kind = iota // the request cannot be done as it is
	KindAuth                       // the remote refuses the credentials, or wants some
	KindRepoNotFound               // there is no such repository, here or at the remote
	KindBranchNotFound             // there is no such branch, tag or commit
	KindBranchExists               // the branch is there already
	KindPushRejected               // the remote has commits that are not here
	KindDirty                      // changes that are not committed would be lost
	KindConflict                   // the histories or the files differ on both sides
	KindTransport                  // the remote cannot be reached
	KindRemoteRejected             // the remote's own rules refuse the push
	KindForbidden                  // the network rules of this sandbox refuse the remote
	KindNothing                    // there is nothing to commit
	KindExists                     // what is to be made is there already
	KindBusy                       // another git works in the repository
)

// Error is an error of git whose message is for the user. Other errors that
// this package returns are those of the guest's files.
type Error struct {
	Kind    Kind
	Message string
	Err     error // the cause; may be nil
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// remoteError turns an error of an exchange with a remote into one for the user.
// No message repeats credentials that are in the address.
func remoteError(remote string, err error) error {
	var own *Error
	var netErr net.Error
	var fileErr *fs.PathError
	name := redact(remote)
	wrap := func(kind Kind, format string, args ...any) error {
		return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: err}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled), errors.As(err, &fileErr):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, transport.ErrInvalidAuthMethod):
		return wrap(KindAuth, "authentication failed for %s", name)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return wrap(KindRepoNotFound, "repository %s not found", name)
	case errors.Is(err, git.NoMatchingRefSpecError{}), errors.Is(err, plumbing.ErrReferenceNotFound):
		return wrap(KindBranchNotFound, "%s has no such branch or tag", name)
	case errors.Is(err, git.ErrNonFastForwardUpdate), strings.HasPrefix(err.Error(), "non-fast-forward update"), strings.Contains(err.Error(), "fetch first"):
		return wrap(KindPushRejected, "the push was rejected, since %s has commits that are not here; pull first", name)
	case strings.HasPrefix(err.Error(), "command error on "), strings.HasPrefix(err.Error(), "unpack error: "):
		return wrap(KindRemoteRejected, "%s refused the push: %v", name, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr), isTransport(err):
		return wrap(KindTransport, "%s cannot be reached: %s", name, redactIn(err.Error(), remote))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// isTransport tells whether err came from HTTP, whose errors go-git wraps.
func isTransport(err error) bool {
	var unexpected *plumbing.UnexpectedError
	var urlErr *url.Error
	return errors.As(err, &urlErr) || errors.As(err, &unexpected)
}

// redact returns a remote's address without its password.
func redact(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.User == nil {
		return remote
	}
	u.User = nil
	return u.String()
}

func redactIn(text, remote string) string { return strings.ReplaceAll(text, remote, redact(remote)) }
