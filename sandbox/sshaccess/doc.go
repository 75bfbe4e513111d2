// Package sshaccess gives out the tokens by which sandboxes are reached over
// SSH, takes them back, and ends the connections of those that are taken back
// or have expired.
package sshaccess
