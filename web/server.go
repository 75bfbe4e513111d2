package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Limits of the server. readTimeout is for a whole request with its body and
// ends with it; each piece of an answer has writeTimeout anew (reply.Recorder),
// so that an answer may stream for as long as it is read.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = time.Minute
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Server is an HTTP server that, when it shuts down, waits for WebSockets too.
type Server struct {
	*http.Server
	handlers sync.WaitGroup
}

// NewServer returns a server for a handler of New with its limits set.
func NewServer(handler http.Handler, log *slog.Logger) *Server {
	s := &Server{}
	counted := func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Done()
		handler.ServeHTTP(w, r)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // for proxies that speak it
	s.Server = &http.Server{
		Protocols:         protocols,
		Handler:           http.HandlerFunc(counted),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Shutdown is http.Server's, which also waits for the handlers of connections
// that have become WebSockets.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.Server.Shutdown(ctx); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.handlers.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
