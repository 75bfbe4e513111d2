// Command agent stands for toolboxd in tests of the Docker engine alone: it
// keeps the launch contract and runs commands, no more.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

type settings struct {
	Socket, Token, User, WorkDir string
	Env                          map[string]string
	Entrypoint                   []string
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var s settings
	if err := json.Unmarshal(text, &s); err != nil {
		log.Fatal(err)
	}
	for k, v := range s.Env {
		os.Setenv(k, v)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() { <-end; os.Exit(0) }()
	os.Remove(s.Socket)
	l, err := net.Listen("unix", s.Socket)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"version":"test"}`) })
	http.HandleFunc("/process/execute", execute)
	http.HandleFunc("/tcp", tunnel)
	log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Sandpiper-Toolbox-Token") != s.Token {
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		http.DefaultServeMux.ServeHTTP(w, r)
	})))
}

func execute(w http.ResponseWriter, r *http.Request) {
	var q struct{ Command string }
	json.NewDecoder(r.Body).Decode(&q)
	cmd := exec.Command("/bin/sh", "-c", q.Command)
	cmd.Dir = "/tmp"
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		code = 127
	}
	json.NewEncoder(w).Encode(map[string]any{"exitCode": code, "result": out.String()})
}

func tunnel(w http.ResponseWriter, r *http.Request) {
	up, err := net.Dial("tcp", "127.0.0.1:"+r.FormValue("port"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		up.Close()
		return
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	go func() { io.Copy(up, buf); up.(*net.TCPConn).CloseWrite() }()
	io.Copy(conn, up)
	conn.Close()
	up.Close()
}
