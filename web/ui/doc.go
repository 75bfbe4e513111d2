// Package ui serves Sandpiper to people: the playground, examples, shared
// programs and embeds, the history of runs and the page on the API.
//
// Every page works without JavaScript; scripts make it live. Pages carry a
// Content-Security-Policy that admits only our own files and one nonce. What
// users made never shares an origin with them: an embed and the frame that
// shows a program's HTML are sandboxed by their own headers, whoever opens
// them, and get no cookie.
package ui
