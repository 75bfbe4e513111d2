package jupyter

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/auth"
	"sandpiper/web/jupyter/live"
)

// interpreter is a session of an owner as its kernel sees it.
type interpreter struct {
	keeper Keeper
	owner  kernels.Owner
	id     string
}

var _ live.Interpreter = (*interpreter)(nil)

// Info implements live.Interpreter.
func (i *interpreter) Info(context.Context) (live.Info, error) {
	s, err := i.keeper.Get(i.owner, i.id)
	if err != nil {
		return live.Info{}, err
	}
	info := live.Info{Language: sandbox.Language{ID: s.Language, Name: s.Language}, ExecutionCount: s.ExecutionCount}
	for _, l := range i.keeper.Languages() {
		if l.ID == s.Language {
			info.Language = l
		}
	}
	return info, nil
}

// Execute implements live.Interpreter. A cell goes on without its client, and not
// without the key that let that in.
func (i *interpreter) Execute(ctx context.Context, c live.Cell, out sandbox.Sink) (live.Answer, error) {
	lasting, release := auth.Lasting(context.WithoutCancel(c.Caller))
	defer release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(lasting, func() { cancel(context.Cause(lasting)) })()
	answer, err := i.inTurn(ctx, c, out)
	if lasting.Err() != nil {
		return live.Answer{}, context.Cause(lasting)
	}
	return answer, err
}

// inTurn executes a cell. Cells may come to the session by other ways than Jupyter;
// it waits for their end.
func (i *interpreter) inTurn(ctx context.Context, c live.Cell, out sandbox.Sink) (live.Answer, error) {
	cell := kernels.Cell{Cell: c.Cell, Uncounted: c.Uncounted, Sink: out}
	for {
		answer, err := i.keeper.Execute(ctx, i.owner, i.id, cell)
		if err == nil {
			return liveAnswer(answer), nil
		}
		if sandbox.KindOf(err) != sandbox.KindConflict || !i.awaitOther(ctx) {
			return live.Answer{}, err
		}
	}
}

// awaitOther waits for the end of a cell that somebody else has the session
// execute. It reports false when there is none, or ctx ended first.
func (i *interpreter) awaitOther(ctx context.Context) bool {
	s, err := i.keeper.Get(i.owner, i.id)
	if err != nil || s.State != kernels.StateBusy {
		return false
	}
	other, err := i.keeper.Last(i.owner, i.id)
	if err != nil {
		return false
	}
	select {
	case <-other.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

func liveAnswer(a kernels.Answer) live.Answer {
	return live.Answer{
		CellOutcome: sandbox.CellOutcome{Outcome: a.Outcome, Result: a.Value, Error: a.Error, RolledBack: a.RolledBack},
		Notice:      a.Notice,
	}
}

// Interrupt implements live.Interpreter.
func (i *interpreter) Interrupt(context.Context) error { return i.keeper.Interrupt(i.owner, i.id) }

// Restart implements live.Interpreter.
func (i *interpreter) Restart(ctx context.Context) error {
	_, err := i.keeper.Restart(ctx, i.owner, i.id)
	return err
}

// Delete implements live.Interpreter.
func (i *interpreter) Delete(ctx context.Context) error { return i.keeper.Delete(ctx, i.owner, i.id) }
