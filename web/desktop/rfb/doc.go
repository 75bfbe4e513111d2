// Package rfb speaks as much of the RFB protocol (VNC, RFC 6143) as a bridge
// between a browser and a sandbox's screen needs.
//
// A bridge shakes hands with both sides itself: with the server by Join, with
// the client by Greet. So it knows where messages begin, nobody can ask for the
// screen for himself alone, and no name of the machine reaches a client. After
// that CopyClient leads the client's messages to the server, and CopyServer the
// server's to a client that only watches.
//
// Both copies know every message by its frame, never hold a message in memory,
// and end with an error at the first byte that they do not understand: what
// cannot be told apart cannot be kept out.
package rfb
