// Command still is the one program of a test image that has nothing else: it
// says who runs it and where, and serves that on a port until it is asked to end.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	dir, _ := os.Getwd()
	who := fmt.Sprintf("uid %d in %s with %q\n", os.Getuid(), dir, os.Args[1:])
	fmt.Print(who)
	if len(os.Args) > 1 {
		go func() {
			err := http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, who)
			}))
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}()
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	fmt.Println("ended")
}
