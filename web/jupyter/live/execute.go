package live

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/sandbox/journal"
	"sandpiper/web/jupyter/message"
	"sandpiper/web/reply"
)

// executeRequest is the content of an execute_request.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    *bool             `json:"store_history"` // nil means unless silent
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      *bool             `json:"allow_stdin"`   // nil means true
	StopOnError     *bool             `json:"stop_on_error"` // nil means true
}

// counted reports whether the cell is part of the history.
func (q executeRequest) counted() bool { return !q.Silent && orTrue(q.StoreHistory) }

func orTrue(b *bool) bool { return b == nil || *b }

// executeReply is the content of an execute_reply.
type executeReply struct {
	Status string `json:"status"`
	*failureContent
	ExecutionCount  int            `json:"execution_count"`
	UserExpressions map[string]any `json:"user_expressions"`
	Payload         []struct{}     `json:"payload"`
}

// serve answers a request that needs the interpreter.
func (k *Kernel) serve(r *request) {
	if r.Head.Type != "execute_request" {
		k.reply(r, k.assist(r))
		return
	}
	var ask executeRequest
	if err := reply.UnmarshalLenient(r.Content, &ask); err != nil {
		k.reply(r, failureOf(reply.Public(err)))
		return
	}
	k.execute(r, ask)
}

// execute runs a cell and answers its request.
func (k *Kernel) execute(r *request, ask executeRequest) {
	info, err := k.interp.Info(k.ctx)
	if err != nil {
		k.fail(r, ask, 0, failureOf(reply.Public(err)))
		return
	}
	count := info.ExecutionCount
	if ask.counted() {
		count++
	}
	starts := k.begin(r, ask, count)
	out := &printer{kernel: k, request: r}
	cell := Cell{Cell: sandbox.Cell{Code: ask.Code, Stdin: r.stdin}, Caller: r.caller, Uncounted: !ask.counted()}
	answer, err := k.interp.Execute(k.ctx, cell, out)
	out.flush()
	k.mu.Lock()
	if r.stdin = nil; k.starts != starts && err != nil {
		err = sandbox.Errorf(sandbox.KindConflict, "the kernel was restarted")
	}
	k.mu.Unlock()
	if err != nil {
		k.failed(r, ask, count, err)
		return
	}
	k.notices(r, answer)
	if failure, ok := failureOfCell(answer.CellOutcome); !ok {
		k.fail(r, ask, count, failure)
		return
	}
	if answer.Result != nil && !ask.Silent {
		k.show(r, *answer.Result, count)
	}
	k.reply(r, ask.reply("ok", nil, count))
}

// begin tells all clients that a cell runs, and opens its input. It returns how
// often the kernel has been restarted so far.
func (k *Kernel) begin(r *request, ask executeRequest, count int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !ask.Silent {
		k.publish("execute_input", r.Header, map[string]any{"code": ask.Code, "execution_count": count})
	}
	if ask.counted() {
		k.history.add(count, ask.Code)
	}
	if orTrue(ask.AllowStdin) && r.client.connected() {
		r.stdin = sandbox.LiveStdin()
		r.stdin.OnDemand(func() { k.ask(r) })
	}
	return k.starts
}

// failed ends a cell that the interpreter did not run to its end.
func (k *Kernel) failed(r *request, ask executeRequest, count int, err error) {
	public := reply.Public(err)
	if public.Kind == sandbox.KindInternal {
		k.log.Error("execute a cell", "error", err)
	}
	if public.Kind == sandbox.KindUnauthorized {
		k.Abandon(r.client) // also where its cells do not mind that others fail
	}
	if !errors.Is(err, sandbox.ErrKernelGone) {
		k.fail(r, ask, count, failureOf(public))
		return
	}
	k.fail(r, ask, count, failure("DeadKernel", public.Message))
	k.status(r.Header, "restarting") // the next cell finds the last checkpoint
}

// notices tells what happened to the session besides what the cell did.
func (k *Kernel) notices(r *request, answer Answer) {
	if answer.Notice != "" {
		k.print(r, "stderr", "["+answer.Notice+"]\n")
	}
	if answer.RolledBack {
		k.print(r, "stderr", "[The kernel has the state that it had before this cell.]\n")
	}
}

// fail ends a cell with an error. Cells that wait are aborted unless the client
// wants them to run all the same; so are those that it sends before it can know.
func (k *Kernel) fail(r *request, ask executeRequest, count int, f failureContent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if orTrue(ask.StopOnError) {
		k.abortQueue()
		r.client.bar()
	}
	if !ask.Silent {
		said := f
		said.Status = "" // of replies only
		k.publish("error", r.Header, said)
	}
	k.reply(r, ask.reply("error", &f, count))
}

// reply returns the content of the answer.
func (q executeRequest) reply(status string, f *failureContent, count int) executeReply {
	expressions := map[string]any{}
	for name := range q.UserExpressions {
		expressions[name] = failure("NotSupported", "this kernel does not evaluate user_expressions")
	}
	return executeReply{status, f, count, expressions, []struct{}{}}
}

// failureOfCell returns how a cell failed, and true for one that did not.
func failureOfCell(o sandbox.CellOutcome) (failureContent, bool) {
	if e := o.Error; e != nil {
		f := failureContent{Status: "error", Name: e.Name, Value: e.Value, Traceback: e.Traceback}
		if len(f.Traceback) == 0 {
			f.Traceback = failure(e.Name, e.Value).Traceback
		}
		return f, false
	}
	names := map[sandbox.Status]string{
		sandbox.StatusTimeout: "TimeLimit", sandbox.StatusMemoryLimit: "MemoryLimit", sandbox.StatusOutputLimit: "OutputLimit",
		sandbox.StatusCancelled: "Interrupted", sandbox.StatusInternal: "InternalError",
	}
	switch {
	case o.Status == sandbox.StatusOK, o.Status == sandbox.StatusError && o.ExitCode == 0:
		return failureContent{}, true
	case o.Status == sandbox.StatusError:
		return failure("SystemExit", cmp.Or(o.Message, fmt.Sprintf("exit status %d", o.ExitCode))), false
	default:
		return failure(cmp.Or(names[o.Status], "Failed"), o.Message), false
	}
}

// show publishes a cell's result.
func (k *Kernel) show(r *request, d sandbox.Display, count int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.publish("execute_result", r.Header, map[string]any{
		"data": orEmpty(d.Data), "metadata": orEmpty(d.Metadata), "execution_count": count,
	})
}

// display publishes rich output, or what becomes of that of before.
func (k *Kernel) display(r *request, d sandbox.Display) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d.Act == sandbox.DisplayClear || d.Act == sandbox.DisplayClearNext {
		k.publish("clear_output", r.Header, map[string]any{"wait": d.Act == sandbox.DisplayClearNext})
		return
	}
	kind, transient := "display_data", map[string]any{}
	if d.Act == sandbox.DisplayUpdate {
		kind = "update_display_data"
	}
	if d.ID != "" {
		transient["display_id"] = d.ID
	}
	k.publish(kind, r.Header, map[string]any{"data": orEmpty(d.Data), "metadata": orEmpty(d.Metadata), "transient": transient})
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// printer is the sink of a cell.
type printer struct {
	kernel         *Kernel
	request        *request
	stdout, stderr journal.Joiner
}

// Output implements sandbox.Sink.
func (p *printer) Output(s sandbox.Stream, b []byte) {
	p.print(s, func(joiner *journal.Joiner, text *strings.Builder) { joiner.Write(text, b) })
}

// flush ends the streams.
func (p *printer) flush() {
	p.print(sandbox.Stdout, (*journal.Joiner).Flush)
	p.print(sandbox.Stderr, (*journal.Joiner).Flush)
}

// print tells all clients what a stream's joiner has made of something.
func (p *printer) print(s sandbox.Stream, join func(*journal.Joiner, *strings.Builder)) {
	name, joiner := "stdout", &p.stdout
	if s == sandbox.Stderr {
		name, joiner = "stderr", &p.stderr
	}
	var text strings.Builder
	join(joiner, &text)
	p.kernel.print(p.request, name, text.String())
}

// Display implements sandbox.Sink.
func (p *printer) Display(d sandbox.Display) { p.kernel.display(p.request, d) }

// inputRequest is the content of an input_request. Programs print their prompts
// by themselves.
type inputRequest struct {
	Prompt   string `json:"prompt"`
	Password bool   `json:"password"`
}

// ask asks the client of a cell for a line of input, once until it answers.
func (k *Kernel) ask(r *request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !r.asked {
		r.asked = true
		k.tell(r, message.Stdin, "input_request", inputRequest{})
	}
}

// askAgain repeats a question whose client has come back. Preconditions: k.mu
// must be held.
func (k *Kernel) askAgain(c *Client) {
	if r := k.current; r != nil && r.client == c && r.asked {
		k.tell(r, message.Stdin, "input_request", inputRequest{})
	}
}

// input passes an answer on to the program that asked.
func (k *Kernel) input(answer *request) {
	var content struct {
		Value string `json:"value"`
	}
	err := reply.UnmarshalLenient(answer.Content, &content)
	k.mu.Lock()
	r := k.current
	if err != nil || r == nil || r.client != answer.client || !r.asked || r.stdin == nil {
		k.mu.Unlock()
		return // nobody asked, or nobody asks any longer
	}
	r.asked = false
	stdin := r.stdin
	k.mu.Unlock()
	if _, err := stdin.Write([]byte(content.Value + "\n")); err != nil {
		k.print(r, "stderr", "["+reply.Public(err).Message+"]\n")
		_ = stdin.Close() // never fails
	}
}
