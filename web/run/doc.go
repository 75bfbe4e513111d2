// Package run is the native run API: POST /v1/run and what belongs to it.
//
// A program is submitted to the scheduler and its journal of events is written
// to the client as one JSON document, as Server-Sent Events, as NDJSON or over
// a WebSocket. A run stops when the connection that asked for it is closed.
//
// # The WebSocket /v1/run/connect
//
// The client's first text message is {"type":"run"} with the fields of a run
// request; then it may send {"type":"stdin","data":"…"}, {"type":"end"} and
// {"type":"signal","signal":"SIGINT"}. The server sends the events of the run,
// each an object with its type among its fields, and {"type":"error","error":…}
// for a message that it could not obey. It closes with
//
//	1000        the run has ended and its exit event was sent
//	1003        a message was binary
//	1009        a message was too large
//	4000 + N    the request was refused as HTTP would with status N; 4401 also
//	            when the key or the sign-in behind it ended, and with it the run
//	4408        no request came in time
//
// A client that takes more than 15 seconds to accept a message or to answer a
// ping is cut off without a code, for it would not read one.
//
// The Origin header decides what a browser may use. A page of this server
// counts with its session cookie. Any other page counts as its address, or as
// the owner of the API key that the first message has as "authorization":
// pages cannot set headers on a WebSocket, and a cookie proves nothing about
// the page.
package run
