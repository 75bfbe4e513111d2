// Package wire is what the server and a shell child say to each other: requests
// and answers over one socket pair, in both directions, some of which carry open
// files.
//
// A message is a header of three numbers, a JSON object and plain bytes. Each
// part has a limit, so that neither side can make the other keep more than a
// megabyte for a message that has not come yet.
package wire
