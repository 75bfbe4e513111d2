// Package frame moves small packets between two processes of this program over a
// unix socket pair: two parts of bytes and perhaps open files. It knows nothing of
// what they mean; packages shell/wire and worker/link do.
//
// Each part has a limit that the reader sets, so that neither side can make the
// other keep more than that for a frame that has not come yet.
package frame
