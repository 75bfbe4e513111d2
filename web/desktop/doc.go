// Package desktop shows the screens of sandboxes in browsers: the page beside a
// sandbox's others, links with which somebody without an account may watch, and
// the page of recordings at a preview address of its own.
//
// The picture comes over a WebSocket that is a bridge to the screen's own VNC
// server (RFB) inside the sandbox. What else a page needs of the desktop, such as
// starting it and the list of what agents did, it asks of the toolbox.
//
// # Who may do what?
//
// A member sees the screen and controls it. Whoever has a link watches: the
// bridge itself takes everything else out of what such a browser sends, so
// nothing depends on the script in the page. A link ends when it expires, when it
// is deleted, and when the sandbox's signing key is rotated; connections that it
// opened end with it.
//
// # What keeps a sandbox alive?
//
// A person's keys, pointer and texts count as use of a terminal does. Watching
// alone does not: a forgotten tab keeps nothing running.
package desktop
