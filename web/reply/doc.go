// Package reply is how handlers answer: they return errors, which become
// status codes and bodies in one place, they read strict JSON with bounds, and
// they write JSON.
package reply
